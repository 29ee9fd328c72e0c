"""Nights whose window is not over: how long they are followed, and that training on them is
unbiased.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from features.labels import LabelWindow
from models.learner.booster import predict_raw
from models.learner.censored import _still_to_come, fit_delay_weighted, fit_hazard, follow
from models.learner.training_config import Recipe
from tests.conftest import day

RECIPE = Recipe("beta", calibration_share=0.25, seed=7, threads=1, rounds=100)

DISPUTES = """
order_id | occurred_at | known_at
a        | 05-12T10:00 | 05-12T11:00
b        | 05-18T10:00 | 05-25T10:00
"""


def test_a_night_is_followed_up_to_the_reporting_delay(make_tables: Callable) -> None:
    """On 20 May, everything that happened until the 18th has been reported."""
    tables = make_tables(disputes=DISPUTES)
    nights = [day("05-01"), day("05-12"), day("05-15"), day("05-19")]
    rows = pl.DataFrame({"order_id": ["a", "a", "b", "b"], "as_of_day": nights}).cast(
        {"as_of_day": pl.Int32}
    )
    followed = follow(tables, rows, LabelWindow(10, 1), day("05-20"))
    assert followed["followed_days"].to_list() == [10, 7, 4]
    assert followed["disputed_after_days"].to_list() == [None, 0, None]


def made_followed(count: int = 30_000) -> tuple[pl.DataFrame, np.ndarray]:
    """A third of the rows is followed for less than ten days.

    Also returns the true chance over ten days.
    """
    rng = np.random.default_rng(1)
    risk = rng.random(count)
    daily = 0.03 * risk
    after = rng.geometric(daily) - 1
    followed = np.where(rng.random(count) < 0.67, 10, rng.integers(1, 10, count))
    rows = pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(count)],
            "stage": ["dispatch"] * count,
            "risk": risk,
            "followed_days": followed,
            "disputed_after_days": pl.Series(np.where(after < followed, after, -1)).replace(
                -1, None
            ),
        }
    )
    return rows, 1 - (1 - daily) ** 10


@pytest.mark.parametrize("method", ["hazard", "weights"])
def test_open_nights_bias_neither_method(method: str) -> None:
    rows, chance = made_followed()
    matrix = rows.select("risk").to_numpy()
    if method == "hazard":
        predicted = fit_hazard(rows, ["risk"], RECIPE, 10).predict(matrix, 1)
    else:
        predicted = predict_raw(fit_delay_weighted(rows, ["risk"], RECIPE, 10), matrix)
    naive = rows["disputed_after_days"].is_not_null().mean()
    assert predicted.mean() == pytest.approx(chance.mean(), rel=0.05)
    assert naive < 0.9 * chance.mean(), "counting open nights as undisputed is biased"
    assert np.corrcoef(predicted, chance)[0, 1] > 0.95


def test_what_is_still_to_come_by_hand() -> None:
    """Four complete windows of 2 days: one dispute on the first day and one on the second.

    After a quiet first day, one of three is still to come.
    """
    rows = pl.DataFrame(
        {
            "stage": ["dispatch"] * 5,
            "followed_days": [2, 2, 2, 2, 1],
            "disputed_after_days": [0, 1, None, None, None],
        }
    )
    assert _still_to_come(rows, 2).tolist() == pytest.approx([0, 0, 0, 0, 1 / 3])
