"""What notebook 02 reports of a ranking."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.build.registry import FEATURE_NAMES
from features.labels import LEAST_DISPUTED
from pipeline.evaluation.findings.ranking_findings import (
    caught_by,
    caught_curve,
    disputes_by_rank,
    on_list,
    predicted_and_came,
    rank_shares,
)


def two_nights(disputed: int = 40, orders: int = 100) -> pl.DataFrame:
    """Two nights of `orders` orders each: on each, the first half of `disputed` was disputed, and
    the probability falls from order to order. The first ten are past their promised day."""
    number = np.tile(np.arange(orders), 2)
    blank = dict.fromkeys(FEATURE_NAMES, pl.lit(None, pl.Float64))
    return pl.DataFrame(
        {
            "order_id": [f"o{n:03}" for n in range(2 * orders)],
            "as_of_day": np.repeat([20_000, 20_028], orders),
            "stage": "in_transit",
            "label": (number < disputed / 2).astype(np.int8),
            "probability": 0.6 - 0.005 * number,
        }
    ).with_columns(
        **blank | {"logistics_days_to_promise": pl.Series(np.where(number < 10, -2.0, 5.0))}
    )


def scores_of(rows: pl.DataFrame) -> dict[str, np.ndarray]:
    """The model's ranking, and the same upside down."""
    probability = rows["probability"].to_numpy()
    return {"the model": probability, "upside down": -probability}


def test_ranks_are_of_the_night_and_keep_the_order_of_the_rows() -> None:
    rows = pl.DataFrame({"order_id": ["a", "b", "c", "a"], "as_of_day": [1, 1, 2, 2]})
    score = np.array([0.1, 0.2, 0.3, 0.3])
    assert rank_shares(rows, score).tolist() == [1.0, 0.5, 1.0, 0.5]
    assert on_list(rows, score, 1).tolist() == [False, True, False, True]
    assert on_list(rows, score, 2).all()


@pytest.mark.parametrize("orders", [3, 7, 49, 50, 700])
def test_a_list_has_exactly_its_capacity(orders: int) -> None:
    rows = two_nights(orders=orders)
    for capacity in (1, 2, orders - 1):
        assert on_list(rows, rows["probability"].to_numpy(), capacity).sum() == 2 * capacity


def test_the_list_catches_the_share_of_disputes_on_it() -> None:
    rows = two_nights()
    model, upside_down = caught_by(rows, scores_of(rows), 10, seed=1).to_dicts()
    assert (model["way"], model["value"], model["less"]) == ("the model", 0.5, 0.0)
    assert (upside_down["value"], upside_down["less"]) == (0.0, 0.5)
    assert model["low"] < 0.5 < model["high"]
    assert upside_down["less_low"] == model["low"]


def test_the_curve_goes_from_nothing_to_everything() -> None:
    rows = two_nights()
    curve = caught_curve(rows, scores_of(rows)).filter(way="the model")
    caught = dict(curve.select("contacted", "caught").iter_rows())
    assert (caught[0.0], caught[0.1], caught[0.2], caught[1.0]) == (0.0, 0.5, 1.0, 1.0)


def test_bins_have_equal_expected_disputes_and_say_what_came() -> None:
    rows = two_nights(disputed=100)
    bins = predicted_and_came(rows, seed=1)
    assert bins.height > 1
    assert bins["disputed"].min() >= LEAST_DISPUTED
    assert bins["disputed"].sum() == 100
    assert bins["orders"].sum() == rows.height
    expected = bins["predicted"] * bins["orders"]
    assert expected.max() - expected.min() < 1.0
    assert bins["predicted"].is_sorted()


def test_disputes_are_counted_by_tenth_and_sign() -> None:
    assert disputes_by_rank(two_nights()).rows() == [
        (1, "a sign of trouble was visible", 20),
        (2, "no sign yet", 20),
    ]


@pytest.mark.parametrize(
    "table",
    [
        lambda rows: caught_by(rows, scores_of(rows), 10, 1),
        lambda rows: caught_curve(rows, scores_of(rows)),
        lambda rows: predicted_and_came(rows, 1),
        disputes_by_rank,
    ],
    ids=["caught", "curve", "bins", "ranks"],
)
def test_nothing_is_measured_on_fewer_than_20_disputed_orders(table) -> None:
    assert table(two_nights(disputed=LEAST_DISPUTED)).height
    assert table(two_nights(disputed=LEAST_DISPUTED - 2)).is_empty()
