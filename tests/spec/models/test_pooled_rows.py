"""Stacked rows of several stores, their weights, and the level of one store among them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.learner.calibration import Curve, Steps, shifted
from models.pool.pooled_rows import pooled_stores, stack_rows
from models.pool.store_level import ASSUMED_DISPUTES, MOST, level_shift


def rows(*orders: str) -> pl.DataFrame:
    """One row per night of an order; `a+` is a night of order a that was disputed."""
    return pl.DataFrame(
        {
            "order_id": [order.rstrip("+") for order in orders],
            "label": [int(order.endswith("+")) for order in orders],
        }
    )


def test_a_store_with_four_times_the_rows_counts_twice_as_much() -> None:
    by_store = {"large": rows("a+", "a+", "b", "c"), "small": rows("a")}
    stores = pooled_stores(by_store)
    assert [(each.store, each.rows, each.disputed_orders) for each in stores] == [
        ("large", 4, 1),
        ("small", 1, 0),
    ]
    # 4 x 5/6 = 10/3 and 1 x 5/3 = 5/3; their sum is the number of rows
    assert [each.weight for each in stores] == pytest.approx([5 / 6, 5 / 3])
    stacked = stack_rows(by_store, stores)
    assert stacked["order_id"].to_list() == ["large:a", "large:a", "large:b", "large:c", "small:a"]
    assert stacked["weight"].sum() == pytest.approx(5.0)


def test_a_store_without_rows_is_no_part_of_the_model() -> None:
    assert [each.store for each in pooled_stores({"new": rows(), "old": rows("a")})] == ["old"]


@given(counts=st.lists(st.integers(1, 400), min_size=1, max_size=6))
@settings(max_examples=50)
def test_the_mean_weight_is_1_and_more_rows_never_count_less(counts: list[int]) -> None:
    stores = pooled_stores({str(n): rows(*["a"] * count) for n, count in enumerate(counts)})
    totals = {each.rows: each.rows * each.weight for each in stores}
    assert sum(each.rows * each.weight for each in stores) == pytest.approx(sum(counts))
    assert [totals[count] for count in sorted(totals)] == sorted(totals.values())
    assert len(stores) > 1 or stores[0].weight == 1.0


def test_the_level_moves_to_the_stores_own_rate_as_its_outcomes_come() -> None:
    assert level_shift(np.array([]), rows()) == 0.0
    shifts = [
        level_shift(
            np.full(10 * n, 0.5), rows(*[f"{k}+" for k in range(n)], *map(str, range(9 * n)))
        )
        for n in (1, 10, 1000)
    ]
    # one tenth was disputed: log odds of -2.2 are the end, and no outcome is the start
    assert 0 > shifts[0] > shifts[1] > shifts[2] > np.log(1 / 9)
    assert shifts[2] == pytest.approx(np.log(1 / 9), abs=0.05)


def test_the_nights_of_an_order_are_one_case() -> None:
    once, often = rows("a+", "b", "c"), rows(*["a+", "b", "c"] * 7)
    shift = level_shift(np.full(3, 0.1), once)
    assert level_shift(np.full(21, 0.1), often) == pytest.approx(shift)
    # the slope of the log likelihood and of the assumption cancel
    expected = 1 / (1 + np.exp(-(np.log(1 / 9) + shift)))
    assert 1 - 3 * expected == pytest.approx(ASSUMED_DISPUTES * shift)


@given(label=st.lists(st.booleans(), min_size=1, max_size=50), probability=st.floats(0, 1))
@settings(max_examples=100)
def test_the_shift_is_bounded_and_points_to_what_was_seen(
    label: list[bool], probability: float
) -> None:
    orders = rows(*[f"{number}{'+' * is_yes}" for number, is_yes in enumerate(label)])
    shift = level_shift(np.full(len(label), probability), orders)
    assert -MOST <= shift <= MOST
    assert (shift >= -1e-9) == (np.mean(label) >= np.clip(probability, 1e-9, 1 - 1e-9)) or abs(
        shift
    ) < 1e-6


def test_only_a_curve_is_shifted() -> None:
    steps = Steps((0.0, 1.0), (0.1, 0.9))
    assert shifted(steps, 0.5) == steps
    assert shifted(Curve(c=0.1), 0.5) == Curve(c=0.6)
