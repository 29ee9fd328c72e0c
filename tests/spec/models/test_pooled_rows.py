"""Stacked rows of several stores: the weight of each row, and ids that never collide."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.pool.pooled_rows import pooled_stores, stack_rows


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
