"""What is known of each listed order, day by day, from the order to the end of the time to
dispute."""

from __future__ import annotations

from datetime import date

import polars as pl

from features.asof import visible
from features.clock import day_number, local_day
from features.spine import closings
from features.tables import Tables
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles

READ = (
    "orders",
    "order_events",
    "promises",
    "shipments",
    "tracking",
    "messages",
    "contacts",
    "reviews",
)
# a kind's number is its place here; the page has a word for each
KINDS = (
    "placed",
    "paid",
    "closed",
    "outcome_observed",
    "promised_dispatch",
    "promised_delivery",
    "handed_over",
    "NotFound",
    "InfoReceived",
    "InTransit",
    "Expired",
    "AvailableForPickup",
    "OutForDelivery",
    "DeliveryFailure",
    "Delivered",
    "Exception",
    "buyer_wrote",
    "seller_wrote",
    "contacted",
    "reviewed",
    "window_ends",
)


def time_lines(
    files: TableFiles, listed: pl.DataFrame, config: Config, as_of: date
) -> list[list[int]]:
    """Per row of `listed` kind, day, kind, day, ...: days from the night, in the order of the days.
    Only facts known before the night are in it; a promise and the end of the time to dispute may
    lie ahead."""
    day, ids = day_number(as_of), listed["order_id"]
    told = files.read_orders(ids)
    known = {name: visible(told[name], day) for name in READ}
    tables = Tables(known, files.zone, files.has_partial_outcomes)
    parts = [
        _of(known["orders"], pl.lit("placed")),
        _of(known["order_events"], pl.col("event")),
        _of(known["shipments"], pl.lit("handed_over")),
        _of(known["tracking"], pl.col("status")),
        _of(known["messages"], pl.format("{}_wrote", "sender")),
        _of(known["contacts"], pl.lit("contacted")),
        _of(known["reviews"], pl.lit("reviewed")),
        _of(
            known["promises"].with_columns(
                occurred_day=local_day(pl.col("promised_at"), files.zone)
            ),
            pl.format("promised_{}", "kind"),
        ),
        closings(tables, config.dispute_window).select(
            "order_id", kind=pl.lit("window_ends"), day=pl.col("closed_day").cast(pl.Int32)
        ),
    ]
    number = pl.col("kind").replace_strict(
        {kind: n for n, kind in enumerate(KINDS)}, return_dtype=pl.Int32
    )
    events = pl.concat(parts).drop_nulls().with_columns(kind=number, day=pl.col("day") - day)
    events = events.unique().sort("order_id", "day", "kind")
    lines = events.group_by("order_id", maintain_order=True).agg("kind", "day")
    rows = listed.select("order_id").join(lines, on="order_id", how="left", maintain_order="left")
    return [
        [number for pair in zip(kinds or [], days or [], strict=True) for number in pair]
        for kinds, days in rows.select("kind", "day").iter_rows()
    ]


def _of(facts: pl.DataFrame, kind: pl.Expr) -> pl.DataFrame:
    return facts.select("order_id", kind=kind, day=pl.col("occurred_day"))
