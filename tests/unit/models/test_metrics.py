"""Metrics of rankings, probabilities and lists, by hand-computed numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.comparison.metrics import (
    calibration_slope,
    expected_calibration_error,
    mark_listed,
    measure,
    measure_by,
)


def test_calibration_error_by_hand() -> None:
    # two bins of two: predicted 0.1, realised 0.5; predicted 0.9, realised 1
    label, probability = np.array([0, 1, 1, 1]), np.array([0.1, 0.1, 0.9, 0.9])
    assert expected_calibration_error(label, probability, bins=2) == pytest.approx((0.4 + 0.1) / 2)


def test_a_slope_below_one_means_too_extreme() -> None:
    rng = np.random.default_rng(6)
    truth = rng.beta(2, 8, 50_000)
    label = (rng.random(len(truth)) < truth).astype(int)
    odds = np.log(truth / (1 - truth))
    assert calibration_slope(label, truth) == pytest.approx(1.0, abs=0.03)
    assert calibration_slope(label, 1 / (1 + np.exp(-2 * odds))) == pytest.approx(0.5, abs=0.02)


SCORED = pl.DataFrame(
    {
        "order_id": ["a", "b", "c", "d", "e", "f"],
        "as_of_day": [0, 0, 0, 1, 1, 1],
        "stage": ["dispatch", "dispatch", "delivered", "dispatch", "delivered", "delivered"],
        "probability": [0.9, 0.5, 0.6, 0.3, 0.2, 0.3],
        "label": [1, 0, 0, 0, 1, 1],
    }
)


# ten times the same two nights: no metric is computed from fewer than 20 disputed orders
OFTEN = pl.concat(
    SCORED.with_columns(pl.col("order_id") + str(copy), as_of_day=pl.col("as_of_day") + 2 * copy)
    for copy in range(10)
)


def test_capacity_is_per_night_and_ties_go_by_id() -> None:
    listed = mark_listed(SCORED, 2).filter("is_listed")["order_id"].sort().to_list()
    assert listed == ["a", "c", "d", "f"]


def test_metrics_by_hand() -> None:
    metrics = measure(mark_listed(OFTEN, 2))
    assert (metrics["rows"], metrics["count_disputes"], metrics["base_rate"]) == (60, 30, 0.5)
    assert metrics["precision_at_capacity"] == 2 / 4  # a and f of a, c, d, f
    assert metrics["recall_at_capacity"] == 2 / 3
    # pairs (disputed, not): a beats 3 of 3; e beats 0; f ties with d
    assert metrics["auc"] == pytest.approx((3 + 0 + 0.5) / 9)


def test_metrics_by_stage_use_the_one_list_of_the_night() -> None:
    metrics = measure_by(OFTEN, 2, {"delivered": pl.col("stage") == "delivered"})
    pooled = metrics.filter((pl.col("night") == "pooled") & (pl.col("stage") == "delivered")).row(
        0, named=True
    )
    assert (pooled["rows"], pooled["count_disputes"]) == (30, 20)
    assert pooled["precision_at_capacity"] == 1 / 2  # c and f are listed, f is disputed
    one_night = metrics.filter((pl.col("night") == "1") & (pl.col("stage") == "all")).row(
        0, named=True
    )
    assert (one_night["count_disputes"], one_night["auc"]) == (2, None)
