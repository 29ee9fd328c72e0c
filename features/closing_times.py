"""When an order ends that nothing else ends: one without a promised day, and one whose money went
back before the parcel left."""

from __future__ import annotations

import math

import polars as pl

from features.clock import is_earlier, local_day
from features.tables import Tables

# the longest promise of the older rules, 60 days, and the 60 days after it in `DisputeWindow`
LIFE_DAYS = 120
FEWEST_LIFE_DAYS, MOST_LIFE_DAYS = 30, 365
# nearly all orders end within this quantile of the store's own closing times
QUANTILE, FEWEST_CLOSINGS = 0.99, 100
# a refund of nearly the whole total is a full one: rates and fees differ by some cents
FULL = 0.99


def usual_life_days(tables: Tables) -> int | None:
    """The days from an order to its end within which nearly all orders of the store end.

    An end is a reported closing or the opening of a dispute. None with fewer than
    `FEWEST_CLOSINGS` of them. It is a property of the store, like its zone: it is read from all of
    its data and does not differ by order or night.
    """
    ends = pl.concat(
        [
            tables["order_events"].filter(pl.col("event") == "closed").select("order_id", _DAY),
            tables["disputes"].filter(pl.col("step") == "opened").select("order_id", _DAY),
        ]
    )
    last = ends.group_by("order_id").agg(pl.col("end_day").max())
    placed = tables["orders"].select("order_id", placed_day="occurred_day")
    days = last.join(placed, on="order_id").select(pl.col("end_day") - pl.col("placed_day"))
    if days.height < FEWEST_CLOSINGS:
        return None
    quantile = days.to_series().quantile(QUANTILE, "nearest") or 0.0
    return min(max(math.ceil(quantile), FEWEST_LIFE_DAYS), MOST_LIFE_DAYS)


_DAY = pl.col("occurred_day").alias("end_day")


def placed_day(tables: Tables) -> pl.Expr:
    """The local day on which an order was placed."""
    if "occurred_day" in tables["orders"].columns:
        return pl.col("occurred_day")
    return local_day(pl.col("occurred_at"), tables.zone)


def refunded_before_sending(tables: Tables) -> pl.DataFrame:
    """One row per order that was refunded before it was sent: `refunded_day`, known from then on.

    The refund covers the order, or its amount is not known; no shipment and no scan was known by
    then. Such an order is over, as a cancelled one is.
    """
    sent = pl.concat([tables[name].select("order_id", "known_day") for name in _SENT])
    refunds = (
        tables["disputes"]
        .filter(pl.col("step") == "refunded")
        .select("order_id", "amount_usd", refunded_day="known_day")
        .join(tables["orders"].select("order_id", "total_usd"), on="order_id")
        .join(
            sent.group_by("order_id").agg(sent_day=pl.col("known_day").min()),
            on="order_id",
            how="left",
        )
    )
    is_full = (pl.col("amount_usd") >= FULL * pl.col("total_usd")).fill_null(True)
    is_unsent = is_earlier(pl.col("refunded_day"), pl.col("sent_day")).fill_null(True)
    return (
        refunds.filter(is_full & is_unsent).group_by("order_id").agg(pl.col("refunded_day").min())
    )


_SENT = ("shipments", "tracking")
