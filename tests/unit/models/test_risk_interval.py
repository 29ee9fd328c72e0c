"""The interval of a risk: around the risk, as wide as the model's error on unseen orders."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit

from models.learner.gbm import fit_model, from_text
from models.learner.risk_interval import RiskInterval, learn_interval
from models.learner.training_config import Recipe
from tests.unit.models.test_models import NAMES, made_rows

STAGES = ("before_shipment", "dispatch", "in_transit", "delivered")


def seen_later(
    seed: int, error: float, count: int = 60_000, base: float = 0.04
) -> tuple[pl.DataFrame, np.ndarray]:
    """Later orders whose groups (stage x time x lower or higher risk) are off by `error`."""
    rng = np.random.default_rng(seed)
    risk = expit(logit(base) + rng.normal(0, 1, count))
    stage, day = rng.integers(0, 4, count), rng.integers(0, 100, count)
    shift = rng.normal(0, error, (4, 4, 2))
    truth = expit(logit(risk) + shift[stage, day // 25, (risk > np.median(risk)).astype(int)])
    rows = pl.DataFrame(
        {
            "order_id": np.arange(count).astype(str),
            "as_of_day": day,
            "stage": [STAGES[number] for number in stage],
            "label": (rng.random(count) < truth).astype(np.int8),
        }
    )
    return rows, risk


@pytest.mark.parametrize("error", [0.1, 0.3, 0.6])
def test_nine_of_ten_new_groups_lie_in_the_interval(error: float) -> None:
    """The share of shifts of the planted size inside, over 20 stores; no noise of outcomes."""
    rng = np.random.default_rng(1)
    shifts = [learn_interval(*seen_later(seed, error)).shift for seed in range(20)]
    inside = [(np.abs(rng.normal(0, error, 2_000)) < shift).mean() for shift in shifts]
    assert 0.87 <= np.mean(inside) <= 0.96


def test_a_calibrated_model_gets_a_narrow_interval_and_few_disputes_a_wide_one() -> None:
    much = learn_interval(*seen_later(1, 0.0, count=200_000)).shift
    little = learn_interval(*seen_later(1, 0.0, count=300)).shift
    assert much < 0.2 < 0.5 < little


def test_the_nights_of_an_order_count_once() -> None:
    rows, risk = seen_later(2, 0.0, count=2_000)
    repeated = pl.concat([rows] * 10)
    once, again = learn_interval(rows, risk), learn_interval(repeated, np.tile(risk, 10))
    assert again.shift == pytest.approx(once.shift, rel=0.25)


def test_the_bounds_by_hand() -> None:
    """Odds of 1:3, a shift of ln 2: 1:6 and 2:3."""
    low, high = RiskInterval(np.log(2.0)).around(np.array([0.25]))
    assert (low[0], high[0]) == (pytest.approx(1 / 7), pytest.approx(2 / 5))


@pytest.mark.parametrize("kind", ["none", "platt", "isotonic", "beta", "venn_abers"])
def test_no_risk_lies_on_its_own_bound_whatever_the_calibration(kind: str) -> None:
    model = fit_model(made_rows(), NAMES, Recipe(kind, calibration_share=0.25, seed=7, threads=1))
    fresh = made_rows(2_000, seed=3)
    scored = model.predict_with_bounds(fresh)
    low, risk, high = (
        scored[name] for name in ("probability_low", "probability", "probability_high")
    )
    assert risk.to_list() == model.predict(fresh).tolist()
    assert ((low < risk) & (risk < high)).all()
    # the risk is in the middle of the odds: one calibration, one interval around it
    odds = logit(scored.select("probability_low", "probability", "probability_high").to_numpy())
    assert odds[:, 1] - odds[:, 0] == pytest.approx(odds[:, 2] - odds[:, 1], abs=1e-6)


def test_a_model_of_an_earlier_version_has_no_interval_until_it_is_trained_again() -> None:
    model = fit_model(made_rows(), NAMES, Recipe("none", 0.25, seed=7, threads=1))
    booster, rest = model.to_text()
    old = json.loads(rest)
    del old["interval_shift"]
    old["bounds"] = {"type": "VennAbers", "edges": [0.5], "low": [0.0, 0.2], "high": [0.1, 0.9]}
    fresh = made_rows(50, seed=3)
    scored = from_text(booster, json.dumps(old)).predict_with_bounds(fresh)
    assert scored["probability"].to_list() == model.predict(fresh).tolist()
    assert scored["probability_low"].unique().to_list() == [0.0]
    assert scored["probability_high"].unique().to_list() == [1.0]
