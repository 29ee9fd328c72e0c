"""Precision-recall and lift curves, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import precision_recall_curve

from models.comparison.ranking_curves import lift_curve, recall_curve

NIGHTS = 10


def nights(disputed: str, probabilities: tuple[float, ...] = (0.8, 0.6, 0.4, 0.2)) -> pl.DataFrame:
    """Ten equal nights of four orders: `disputed` has a 1 for each disputed order, the most
    probable first."""
    return pl.DataFrame(
        {
            "order_id": [f"{night}-{rank}" for night in range(NIGHTS) for rank in range(4)],
            "as_of_day": [night for night in range(NIGHTS) for _ in range(4)],
            "label": [int(letter) for letter in disputed] * NIGHTS,
            "probability": list(probabilities) * NIGHTS,
        }
    )


def at(curve: pl.DataFrame, column: str, value: float) -> dict[str, float]:
    (row,) = curve.filter((pl.col(column) - value).abs() < 1e-9).to_dicts()
    return row


def test_precision_by_hand() -> None:
    """The first of four orders is disputed, then the third: half of the disputes are in the first
    quarter of the rows, and all of them in the first three quarters."""
    curve = recall_curve(nights("1010"), seed=1)
    assert at(curve, "recall", 0.5)["precision"] == 1.0
    assert at(curve, "recall", 0.52)["precision"] == pytest.approx(2 / 3)
    assert at(curve, "recall", 1.0)["precision"] == pytest.approx(2 / 3)


def test_rows_of_equal_probability_enter_together() -> None:
    curve = recall_curve(nights("1010", (0.5, 0.5, 0.5, 0.5)), seed=1)
    assert curve["precision"].to_list() == [0.5] * 50


def test_precision_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    chance = rng.random(3_000).round(2)
    rows = pl.DataFrame(
        {
            "order_id": [f"o{number}" for number in range(3_000)],
            "label": (rng.random(3_000) < chance / 4).astype(int),
            "probability": chance,
        }
    )
    curve = recall_curve(rows, seed=1, resamples=2)
    precision, recall, _ = precision_recall_curve(rows["label"], rows["probability"])
    expected = [precision[recall >= needed - 1e-9][-1] for needed in curve["recall"]]
    assert curve["precision"].to_list() == pytest.approx(expected)


def test_lift_by_hand() -> None:
    """Half of all orders are disputed, and the first of each night: a list of one has a lift of 2.
    Both disputes are among the first three, so a list of those has 4/3."""
    shares = np.array([0.01, 0.25, 0.5, 0.75, 1.0])
    curve = lift_curve(nights("1010"), shares, seed=1)
    assert curve["lift"].to_list() == pytest.approx([2.0, 2.0, 1.0, 4 / 3, 1.0])
    assert curve["recall"].to_list() == [0.5, 0.5, 0.5, 1.0, 1.0]


def test_each_night_has_its_own_list() -> None:
    """The second night's orders are all less probable than the first's."""
    second = pl.col("as_of_day") % 2 == 1
    rows = nights("1010").with_columns(
        pl.when(second).then(pl.col("probability") / 100).otherwise("probability")
    )
    shares = np.array([0.25, 1.0])
    assert lift_curve(rows, shares, seed=1)["lift"].to_list() == [2.0, 1.0]


def test_intervals_hold_the_curve_and_widen_with_fewer_orders() -> None:
    rng = np.random.default_rng(1)

    def width(count: int) -> float:
        chance = rng.random(count)
        rows = pl.DataFrame(
            {
                "order_id": [f"o{number}" for number in range(count)],
                "as_of_day": [number % 5 for number in range(count)],
                "label": (rng.random(count) < chance).astype(int),
                "probability": chance,
            }
        )
        lift = lift_curve(rows, np.array([0.1, 0.5]), seed=1)
        recall = recall_curve(rows, seed=1)
        for curve, value in ((lift, "lift"), (recall, "precision")):
            inside = (curve["low"] <= curve[value]) & (curve[value] <= curve["high"])
            assert inside.mean() > 0.9
        return float((lift["high"] - lift["low"]).mean())

    assert width(200) > 2 * width(5_000)


def test_copies_of_an_order_do_not_narrow_the_interval() -> None:
    once = nights("1010")
    often = pl.concat([once] * 9)
    shares = np.array([0.25])
    narrow, same = (lift_curve(rows, shares, seed=1) for rows in (once, often))
    assert same["low"][0] == pytest.approx(narrow["low"][0])


@pytest.mark.parametrize("disputed", ["1000", "1111"])
def test_no_curve_from_too_few_disputes_or_without_others(disputed: str) -> None:
    rows = nights(disputed)
    assert recall_curve(rows, seed=1).is_empty()
    assert lift_curve(rows, np.array([0.5, 1.0]), seed=1).is_empty()
