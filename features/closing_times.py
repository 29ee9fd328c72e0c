"""When an order ends that nothing else ends: one without a promised day, and one whose money went
back before the parcel left."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from features.clock import calendar_day, count_before, is_earlier, is_visible, local_day
from features.tables import LifeDays, Tables

# the longest promise of the older rules, 60 days, and the 60 days after it in `DisputeWindow`
LIFE_DAYS = 120
FEWEST_LIFE_DAYS, MOST_LIFE_DAYS = 30, 365
# nearly all orders end within this quantile of the store's own closing times
QUANTILE, FEWEST_CLOSINGS = 0.99, 100
# a refund of nearly the whole total is a full one: rates and fees differ by some cents
FULL = 0.99


def usual_life_days(tables: Tables) -> LifeDays:
    """The days from an order to its end within which nearly all orders of the store ended.

    Returns (first day, days), one for each month in which the days change. An end is a reported
    closing or the opening of a dispute. The days of a month rest on the ends known before the month
    began, so an order's own depend on nothing that became known after it was placed. Months with
    fewer than `FEWEST_CLOSINGS` ends before them have none.
    """
    columns = ("order_id", "occurred_day", "known_day")
    ends = pl.concat(
        [
            tables["order_events"].filter(pl.col("event") == "closed").select(columns),
            tables["disputes"].filter(pl.col("step") == "opened").select(columns),
        ]
    )
    placed = tables["orders"].select("order_id", placed_day="occurred_day")
    ends = ends.join(placed, on="order_id").sort("known_day").drop_nulls()
    lengths = ends["occurred_day"] - ends["placed_day"]
    steps: list[tuple[int, int]] = []
    months = _month_starts(ends["known_day"])
    for first_day, count in zip(
        months, count_before(ends["known_day"].to_numpy(), months), strict=True
    ):
        if count >= FEWEST_CLOSINGS:
            quantile = lengths[:count].quantile(QUANTILE, "nearest") or 0.0
            days = min(max(math.ceil(quantile), FEWEST_LIFE_DAYS), MOST_LIFE_DAYS)
            if not steps or steps[-1][1] != days:
                steps.append((int(first_day), days))
    return tuple(steps)


def life_days(placed: pl.Expr, usual: LifeDays) -> pl.Expr:
    """The days of each order, by the day on which it was placed; `LIFE_DAYS` before the first."""
    days: pl.Expr = pl.lit(LIFE_DAYS)
    for first_day, own in usual:
        days = pl.when(is_visible(placed, pl.lit(first_day))).then(days).otherwise(own)
    return days


def _month_starts(known_day: pl.Series) -> np.ndarray:
    """The first day of each month from the first end to the month after the last one."""
    if known_day.is_empty():
        return np.array([], dtype=np.int64)
    first, last = calendar_day(known_day[0]), calendar_day(known_day[-1] + 31)
    return pl.date_range(first.replace(day=1), last, "1mo", eager=True).to_physical().to_numpy()


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
