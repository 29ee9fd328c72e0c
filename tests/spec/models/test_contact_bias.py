"""Which rows may be used for training when some orders were contacted: drawn as lines of days.

Each line is an order and each column a day. `s`: listed and contacted; `h`: held out; `.`: nothing.
Each test states how often the row of each night is used, with a label window of three days: where
contacted rows are left out, and where held-out rows replace them.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contact.contact_bias import leave_out, replace_by_held_out

HORIZON, STANDS_FOR = 3, 10


def assigned_of(orders: list[str]) -> pl.DataFrame:
    assigned = [
        (f"o{n}", day, mark == "h", STANDS_FOR)
        for n, line in enumerate(orders)
        for day, mark in enumerate(line)
        if mark != "."
    ]
    schema = {
        "order_id": pl.String,
        "night_day": pl.Int32,
        "is_held": pl.Boolean,
        "stands_for": pl.Int64,
    }
    return pl.DataFrame(assigned, schema=schema, orient="row")


def times_used(orders: list[str], change: Callable) -> list[list[int]]:
    nights = [(f"o{n}", day) for n, line in enumerate(orders) for day in range(len(line))]
    rows = pl.DataFrame(nights, schema={"order_id": pl.String, "as_of_day": pl.Int32}, orient="row")
    kept = change(rows, assigned_of(orders), HORIZON)
    # rows keep their order
    assert kept.rows() == sorted(kept.rows(), key=nights.index)
    return [
        [kept.filter(order_id=f"o{n}", as_of_day=day).height for day in range(len(orders[n]))]
        for n in range(len(orders))
    ]


@pytest.mark.parametrize(
    ("line", "left_out", "replaced"),
    [
        ("......", [1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]),
        # nights with the message in their three days are not used; later nights are affected by it
        # too
        ("...s..", [1, 0, 0, 0, 1, 1], [1, 0, 0, 0, 0, 0]),
        # held out: these nights replace those of the contacted orders that were dropped
        ("...h..", [1, 1, 1, 1, 1, 1], [1, 10, 10, 10, 10, 10]),
        # an order that was held out under one buyer number and contacted all the same counts as
        # contacted
        (".h.s..", [1, 0, 0, 0, 1, 1], [10, 0, 0, 0, 0, 0]),
    ],
)
def test_one_order(line: str, left_out: list[int], replaced: list[int]) -> None:
    assert times_used([line], leave_out) == [left_out]
    assert times_used([line], replace_by_held_out) == [replaced]


@settings(deadline=None)
@given(st.lists(st.text(alphabet="..sh", min_size=1, max_size=12), min_size=1, max_size=5))
def test_every_row_is_used_as_often_as_in_a_loop(orders: list[str]) -> None:
    left_out, replaced = times_used(orders, leave_out), times_used(orders, replace_by_held_out)
    for number, line in enumerate(orders):
        for day in range(len(line)):
            until = line[: day + HORIZON]
            assert left_out[number][day] == ("s" not in until[day:])
            assert replaced[number][day] == (
                0 if "s" in until else STANDS_FOR if "h" in until else 1
            )


def test_untouched_rows_are_the_same_frame() -> None:
    rows = pl.DataFrame(
        {"order_id": ["a"], "as_of_day": [3]}, schema_overrides={"as_of_day": pl.Int32}
    )
    assert leave_out(rows, assigned_of(["sss"]), HORIZON) is rows
    assert replace_by_held_out(rows, assigned_of(["sss"]), HORIZON) is rows


def test_held_out_orders_replace_the_contacted_ones() -> None:
    """The share in the training rows is that of orders left alone.

    A tenth of 1,000 listed orders is held out. A fifth of all would have been disputed; none of the
    contacted orders was.
    """
    count = 1_000
    orders = ["h" if n % 10 == 0 else "s" for n in range(count)]
    label = [int(n % 50 < 10) if n % 10 == 0 else 0 for n in range(count)]
    rows = pl.DataFrame(
        {"order_id": [f"o{n}" for n in range(count)], "as_of_day": [0] * count, "label": label},
        schema_overrides={"as_of_day": pl.Int32},
    )
    replaced = replace_by_held_out(rows, assigned_of(orders), HORIZON)
    assert (rows["label"].mean(), replaced["label"].mean(), replaced.height) == (0.02, 0.2, count)
