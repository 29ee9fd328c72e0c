"""Whom a model may learn from, when some orders were written to: drawn as lines of days.

Each line is an order; a column is a day. `s`: listed and sent to; `h`: held out; `.`: nothing.
Beside it, on each night, how often the row of that night is learnt from, with a label window of
three days: where contacted rows are left out, and where the held out stand for them.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contact.contact_bias import leave_out, replace_by_held_out

HORIZON, STANDS_FOR = 3, 10


def assigned_of(orders: list[str]) -> pl.DataFrame:
    told = [
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
    return pl.DataFrame(told, schema=schema, orient="row")


def learnt(orders: list[str], change: Callable) -> list[list[int]]:
    nights = [(f"o{n}", day) for n, line in enumerate(orders) for day in range(len(line))]
    rows = pl.DataFrame(nights, schema={"order_id": pl.String, "as_of_day": pl.Int32}, orient="row")
    found = change(rows, assigned_of(orders), HORIZON)
    # in the order they came
    assert found.rows() == sorted(found.rows(), key=nights.index)
    return [
        [found.filter(order_id=f"o{n}", as_of_day=day).height for day in range(len(orders[n]))]
        for n in range(len(orders))
    ]


@pytest.mark.parametrize(
    ("line", "left_out", "replaced"),
    [
        ("......", [1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]),
        # the nights whose three days hold the message teach nothing; those after it know of it
        ("...s..", [1, 0, 0, 0, 1, 1], [1, 0, 0, 0, 0, 0]),
        # held out: these nights stand for those of the others that were left out
        ("...h..", [1, 1, 1, 1, 1, 1], [1, 10, 10, 10, 10, 10]),
        # an order that was held out with one buyer's number and sent to all the same is one that
        # was sent to
        (".h.s..", [1, 0, 0, 0, 1, 1], [10, 0, 0, 0, 0, 0]),
    ],
)
def test_a_line(line: str, left_out: list[int], replaced: list[int]) -> None:
    assert learnt([line], leave_out) == [left_out]
    assert learnt([line], replace_by_held_out) == [replaced]


@given(st.lists(st.text(alphabet="..sh", min_size=1, max_size=12), min_size=1, max_size=5))
def test_every_row_as_often_as_a_loop_says(orders: list[str]) -> None:
    left_out, replaced = learnt(orders, leave_out), learnt(orders, replace_by_held_out)
    for number, line in enumerate(orders):
        for day in range(len(line)):
            until = line[: day + HORIZON]
            assert left_out[number][day] == ("s" not in until[day:])
            assert replaced[number][day] == (
                0 if "s" in until else STANDS_FOR if "h" in until else 1
            )


def test_rows_that_nobody_touched_are_the_same_frame() -> None:
    rows = pl.DataFrame(
        {"order_id": ["a"], "as_of_day": [3]}, schema_overrides={"as_of_day": pl.Int32}
    )
    assert leave_out(rows, assigned_of(["sss"]), HORIZON) is rows
    assert replace_by_held_out(rows, assigned_of(["sss"]), HORIZON) is rows


def test_the_held_out_stand_for_the_others() -> None:
    """A tenth of 1,000 listed orders is held out, and a fifth of all would have been disputed; of
    those written to nobody was. The share learnt is the one of orders that are left alone."""
    count = 1_000
    orders = ["h" if n % 10 == 0 else "s" for n in range(count)]
    label = [int(n % 50 < 10) if n % 10 == 0 else 0 for n in range(count)]
    rows = pl.DataFrame(
        {"order_id": [f"o{n}" for n in range(count)], "as_of_day": [0] * count, "label": label},
        schema_overrides={"as_of_day": pl.Int32},
    )
    found = replace_by_held_out(rows, assigned_of(orders), HORIZON)
    assert (rows["label"].mean(), found["label"].mean(), found.height) == (0.02, 0.2, count)
