"""The model of causes: its training rows, and what it predicts with little data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from features.tables import CAUSES
from models.learner.cause import FEWEST_ORDERS, add_cause, cause_from_text, fit_cause
from models.learner.training_config import Recipe
from tests.conftest import day

RECIPE = Recipe("beta", calibration_share=0.25, seed=7, threads=1)

DISPUTES = """
order_id | occurred_at | cause            | step
a        | 05-10       | not_received     | opened
b        | 05-11       | unknown          | opened
c        | 05-25       | not_as_described | opened
d        | 05-12       | other            | opened
"""


def test_only_disputes_with_a_known_cause_are_used(make_tables: Callable) -> None:
    tables = make_tables(disputes=DISPUTES)
    rows = pl.DataFrame({"order_id": ["a", "a", "b", "c", "d"], "label": [1, 1, 1, 1, 0]})
    assert add_cause(tables, rows, day("05-20")).rows() == [
        ("a", 1, "not_received"),
        ("a", 1, "not_received"),
    ]


def made_disputes(count: int) -> pl.DataFrame:
    """Waiting orders are not received, delivered ones not as described.

    `late` predicts the cause better than the stage does.
    """
    rng = np.random.default_rng(1)
    late = rng.random(count)
    cause = np.where(rng.random(count) < late, "not_received", "not_as_described")
    return pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(count)],
            "as_of_day": np.arange(count) % 50,
            "stage": np.where(late > 0.5, "in_transit", "delivered"),
            "late": late,
            "cause": cause,
        }
    )


@pytest.mark.parametrize("count", [40, FEWEST_ORDERS * 10])
def test_causes_follow_the_order_s_features(count: int) -> None:
    model = fit_cause(made_disputes(count), ["late"], RECIPE)
    queried = pl.DataFrame(
        {"stage": ["in_transit", "delivered", "dispatch"], "late": [0.95, 0.05, 0.5]}
    )
    shares = model.predict(queried)
    assert shares.shape == (3, len(CAUSES))
    assert shares.sum(axis=1) == pytest.approx(1.0)
    assert shares[0].argmax() == CAUSES.index("not_received")
    assert shares[1].argmax() == CAUSES.index("not_as_described")
    assert cause_from_text(model.to_text()).predict(queried).tolist() == shares.tolist()
    assert (model.booster is None) == (count < FEWEST_ORDERS)


def test_shares_of_a_stage_by_hand() -> None:
    rows = made_disputes(2).with_columns(stage=pl.lit("dispatch"), cause=pl.lit("other"))
    # all stages: (2 + 1) of (2 + 3); the stage is shrunk to that by 20 orders: (2 + 20 x 3/5) / 22
    shares = fit_cause(rows, ["late"], RECIPE).shares
    assert shares[""] == pytest.approx([0.2, 0.2, 0.6])
    assert shares["dispatch"][2] == pytest.approx(14 / 22)


def test_without_causes_there_is_no_model() -> None:
    assert fit_cause(made_disputes(5).clear(), ["late"], RECIPE) is None
