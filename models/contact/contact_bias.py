"""Remove the bias of contacted orders from the training rows.

A dispute that a message prevented looks like an order that would have stayed quiet, so a model
trained on it underestimates the next similar order. There are two remedies. Order-nights with a
message in their label window can be left out; the rest then has too few risky orders. Or the
held-out buyers, drawn at random from the same lists, can replace the contacted ones, including all
later nights of those orders: inverse probability of censoring weights (Robins & Finkelstein 2000)
with a probability known by design. Whole rows are repeated, so that every part of training and
calibration uses the weights. tests/bench/feedback.py measures which remedy is better (see
docs/explanation/effects.md).

The random assignment counts, not who was really contacted, because agents skip buyers they consider
safe.
"""

from __future__ import annotations

import polars as pl

from features.clock import in_label_window, is_visible

KEY = ["order_id", "as_of_day"]


def leave_out(rows: pl.DataFrame, assigned: pl.DataFrame, horizon_days: int) -> pl.DataFrame:
    """Drop the rows of `rows` (`order_id, as_of_day`, ...) with a message in their label window.

    `assigned` has one row per order and night on which it was listed or held out: `order_id,
    night_day, is_held`, and `stands_for`, the number of rows that replace a held-out row (itself
    included). The order of the rows is kept.
    """
    sent = _match_assignments(rows, assigned.filter(~pl.col("is_held")))
    dropped = sent.filter(in_label_window(pl.col("night_day"), pl.col("as_of_day"), horizon_days))[
        "row"
    ]
    return (
        rows
        if dropped.is_empty()
        else rows.filter(~pl.int_range(pl.len()).is_in(dropped.unique().implode()))
    )


def replace_by_held_out(
    rows: pl.DataFrame, assigned: pl.DataFrame, horizon_days: int
) -> pl.DataFrame:
    """`rows` as they would have been if no one had been contacted by the end of their windows.

    A row with a message in or before its window is dropped. A row held out by then is repeated
    `stands_for` times. All other rows are kept once. The order of the rows is kept.
    """
    matched, night, as_of = (
        _match_assignments(rows, assigned),
        pl.col("night_day"),
        pl.col("as_of_day"),
    )
    matched = matched.filter(in_label_window(night, as_of, horizon_days) | is_visible(night, as_of))
    by_row = matched.group_by("row").agg(
        is_sent=(~pl.col("is_held")).any(), stands_for=pl.col("stands_for").filter("is_held").max()
    )
    numbered = rows.select(row=pl.int_range(pl.len(), dtype=pl.UInt32))
    times = numbered.join(by_row, on="row", how="left", maintain_order="left").select(
        pl.when("is_sent").then(0).otherwise(pl.col("stands_for")).fill_null(1).alias("times")
    )["times"]
    if (times == 1).all():
        return rows
    return rows[
        pl.Series(range(rows.height), dtype=pl.UInt32).repeat_by(times).explode().drop_nulls()
    ]


def _match_assignments(rows: pl.DataFrame, assigned: pl.DataFrame) -> pl.DataFrame:
    """Each row's number (`row`) and key, joined with the assignments of its order."""
    return rows.select(KEY).with_row_index("row").join(assigned, on="order_id")
