"""What contacted orders may teach: nothing, about orders that are left alone.

A dispute that a message prevented looks like an order that would have stayed quiet, so a model that
learns from it thinks the next one like it safe. Order-nights in whose label window a message was
sent can be left out; what is left has too few of the risky ones. Or the buyers who were held out by
lot from the same lists stand for them, and for all later nights of those orders: inverse
probability of censoring weights (Robins & Finkelstein 2000) with a chance that is known by design.
Whole rows are repeated, so that everything that learns or calibrates takes part in it. Which is
better is measured by tests/bench/feedback.py: docs/impact.md.

What counts is the lot, not who was really written to: agents skip whom they think safe.
"""

from __future__ import annotations

import polars as pl

from features.clock import in_label_window, is_visible

KEY = ["order_id", "as_of_day"]


def leave_out(rows: pl.DataFrame, assigned: pl.DataFrame, horizon_days: int) -> pl.DataFrame:
    """`rows` (`order_id, as_of_day`, ...) without those in whose window of `horizon_days` a message
    was sent.

    `assigned`: per order and night that it was listed or held out, `order_id, night_day, is_held`,
    and `stands_for`: by how many a held-out row may be replaced (itself included). The order of
    rows stays.
    """
    sent = _met(rows, assigned.filter(~pl.col("is_held")))
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
    """`rows` as they would have been had nobody been written to by the end of their windows.

    A row with a message in its window or before it drops out; one that was held out by then comes
    `stands_for` times; all others come once. The order of rows stays.
    """
    met, night, as_of = _met(rows, assigned), pl.col("night_day"), pl.col("as_of_day")
    met = met.filter(in_label_window(night, as_of, horizon_days) | is_visible(night, as_of))
    told = met.group_by("row").agg(
        is_sent=(~pl.col("is_held")).any(), stands_for=pl.col("stands_for").filter("is_held").max()
    )
    numbered = rows.select(row=pl.int_range(pl.len(), dtype=pl.UInt32))
    times = numbered.join(told, on="row", how="left", maintain_order="left").select(
        pl.when("is_sent").then(0).otherwise(pl.col("stands_for")).fill_null(1).alias("times")
    )["times"]
    if (times == 1).all():
        return rows
    return rows[
        pl.Series(range(rows.height), dtype=pl.UInt32).repeat_by(times).explode().drop_nulls()
    ]


def _met(rows: pl.DataFrame, assigned: pl.DataFrame) -> pl.DataFrame:
    """Each row's number (`row`) and night beside each assignment of its order."""
    return rows.select(KEY).with_row_index("row").join(assigned, on="order_id")
