"""Order-nights of the past that have ended, and when their disputes were opened."""

from __future__ import annotations

import polars as pl

from features.asof import visible
from features.clock import days_between
from features.spine import DEFAULT_WINDOW, DisputeWindow, build_spine
from features.stage import build_stages
from features.tables import Tables
from features.totals.family_inputs import add_promises
from models.effects.dispute_costs import OLDEST_OPEN_DAYS

# the nights, and the days from one to the next: half a year
PAST_NIGHTS, NIGHTS_EVERY = 18, 10


def past_nights(as_of_day: int) -> list[int]:
    """`PAST_NIGHTS` nights, all more than `OLDEST_OPEN_DAYS` before `as_of_day`."""
    start = as_of_day - OLDEST_OPEN_DAYS - PAST_NIGHTS * NIGHTS_EVERY
    return [start + n * NIGHTS_EVERY for n in range(PAST_NIGHTS)]


def past_order_nights(
    tables: Tables, as_of_day: int, window: DisputeWindow = DEFAULT_WINDOW
) -> pl.DataFrame:
    """One row per order that was open on one of `past_nights`, as it was known on that night.

    Columns: `order_id, as_of_day, stage`; the features `logistics_days_to_promise`,
    `logistics_days_to_ship_by` (null once shipped) and, of delivered orders only,
    `logistics_days_in_stage`; and `opened_day`, the day of the order's dispute as known at
    `as_of_day` (null: none). To count disputes, the tables of the disputed orders are enough.
    """
    spine = build_spine(tables, past_nights(as_of_day), window)
    rows = add_promises(tables, build_stages(tables, spine))
    opened = visible(tables["disputes"], as_of_day).filter(pl.col("step") == "opened")
    first = opened.group_by("order_id").agg(opened_day=pl.col("occurred_day").min())
    is_unsent = pl.col("stage") == "before_shipment"
    return rows.select(
        "order_id",
        "as_of_day",
        "stage",
        logistics_days_to_promise="days_to_promise",
        logistics_days_to_ship_by=pl.when(is_unsent).then(
            days_between(pl.col("as_of"), pl.col("ship_by_at"))
        ),
        logistics_days_in_stage=days_between(pl.col("delivered_at"), pl.col("as_of")),
    ).join(first, on="order_id", how="left", maintain_order="left")
