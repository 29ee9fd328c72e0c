"""Nights and their orders, drawn as tables.

The night is 2024-12-01. Orders of a night of July (150 days before) have ended; of a night of
October (45 days before), only the 30 days of the label window are over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl

from models.actions.actions import Action
from pipeline.workspace.workspace import Workspace
from tests.drawn_tables import read_table

AS_OF, JULY, OCTOBER = date(2024, 12, 1), date(2024, 7, 4), date(2024, 10, 17)
ORDERS = """
order_id | buyer_id | occurred_at
a        | anna     | 2024-06-20
b        | ben      | 2024-06-20
c        | carl     | 2024-06-20
d        | dora     | 2024-06-20
h        | hans     | 2024-06-20
x        | xia      | 2024-10-10
y        | yan      | 2024-10-10
z        | zoe      | 2024-11-01
"""
# b: in the 30 days. c: later, but before the order's end. d: after its end. x: in the 30 days, and
# y after them, so its end is not known yet
DISPUTES = """
order_id | occurred_at | step      | cause
b        | 2024-08-02  | opened    | not_received
b        | 2024-08-09  | withdrawn | not_received
c        | 2024-10-31  | opened    | not_received
d        | 2024-11-01  | opened    | not_received
h        | 2024-07-04  | opened    | not_as_described
x        | 2024-11-15  | opened    | unknown
y        | 2024-11-16  | opened    | not_received
"""
# `risk` within 30 days, `end` to the end of the order; all of it "not received" or half of it
ASSIGNED = """
night | order | buyer | arm      | action  | meant  | risk | end  | received
07-04 | a     | anna  | listed   | inform  | inform | 0.10 | 0.20 | 1.0
07-04 | b     | ben   | listed   | inform  | inform | 0.30 | 0.40 | 0.5
07-04 | c     | carl  | listed   | inform  | inform | 0.10 | 0.25 | 1.0
07-04 | d     | dora  | listed   | inform  | inform | 0.10 | 0.15 | 1.0
07-04 | h     | hans  | held_out | nothing | inform | 0.20 | 0.30 | 0.5
10-17 | x     | xia   | listed   | resend  | resend | 0.10 | 0.90 | 1.0
10-17 | y     | yan   | listed   | resend  | resend | 0.05 | 0.90 | 1.0
11-20 | z     | zoe   | listed   | resend  | resend | 0.05 | 0.90 | 1.0
"""
Make = Callable[..., Any]


def write_nights(workspace: Workspace, drawing: str = ASSIGNED) -> None:
    drawn = read_table(drawing)
    chances = pl.col("risk", "end", "received").cast(pl.Float64)
    rows = drawn.with_columns(chances).select(
        "arm",
        "action",
        "meant",
        order_id="order",
        buyer_id="buyer",
        also_orders=pl.lit(""),
        as_of=pl.format("2024-{}", "night").str.to_date(),
        stage=pl.lit("in_transit"),
        probability="risk",
        end_probability="end",
        not_received_share="received",
        not_as_described_share=1.0 - pl.col("received"),
        other_share=0.0 * pl.col("received"),
        is_unanswered=pl.lit(False),
        is_past_promise=pl.lit(True),
        disputed_before=pl.lit(False),
    )
    for (night,), part in rows.partition_by("as_of", as_dict=True).items():
        with workspace.new_run(night, "run") as folder:
            part.write_parquet(folder / "assignments.parquet")


def inform_action() -> Action:
    effects = [{"causes": ["not_received"], "mean": 0.2, "weight": 5}]
    return Action(
        name="inform",
        title="Write",
        since="2026-11-27",
        applies_to=["in_transit"],
        effects=effects,  # type: ignore[arg-type]
    )
