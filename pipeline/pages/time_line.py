"""The timeline of each listed order: its events by day, from the order to the last day to open a
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
    "disputes",
    "messages",
    "contacts",
    "reviews",
)
# the number of a kind is its position here; the page has words for each
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
    """The timeline of each row of `listed`: kind, day, kind, day, ... in the order of the days.

    A kind is a position in `KINDS`; days are counted from `as_of`. Only facts known before the
    night are included. Promised days and the end of the dispute window may lie in the future.
    """
    day, ids = day_number(as_of), listed["order_id"]
    facts = files.read_orders(ids)
    known = {name: visible(facts[name], day) for name in READ}
    tables = facts.with_frames(known)
    window_ends = closings(tables, config.dispute_window).select(
        "order_id", kind=pl.lit("window_ends"), day=pl.col("closed_day").cast(pl.Int32)
    )
    number = pl.col("kind").replace_strict(
        {kind: n for n, kind in enumerate(KINDS)}, return_dtype=pl.Int32
    )
    events = pl.concat([*_events(tables), window_ends]).drop_nulls()
    events = events.with_columns(kind=number, day=pl.col("day") - day)
    events = events.unique().sort("order_id", "day", "kind")
    lines = events.group_by("order_id", maintain_order=True).agg("kind", "day")
    rows = listed.select("order_id").join(lines, on="order_id", how="left", maintain_order="left")
    return [
        [number for pair in zip(kinds or [], days or [], strict=True) for number in pair]
        for kinds, days in rows.select("kind", "day").iter_rows()
    ]


def _events(tables: Tables) -> list[pl.DataFrame]:
    """One row per fact: `order_id, kind, day`."""
    promised_day = local_day(pl.col("promised_at"), tables.zone)
    promises = tables["promises"].with_columns(occurred_day=promised_day)
    kinds = [
        (tables["orders"], pl.lit("placed")),
        (tables["order_events"], pl.col("event")),
        (tables["shipments"], pl.lit("handed_over")),
        (tables["tracking"], pl.col("status")),
        (tables["messages"], pl.format("{}_wrote", "sender")),
        (tables["contacts"], pl.lit("contacted")),
        (tables["reviews"], pl.lit("reviewed")),
        (promises, pl.format("promised_{}", "kind")),
    ]
    day = pl.col("occurred_day")
    return [facts.select("order_id", kind=kind, day=day) for facts, kind in kinds]
