"""Facts about each order's parcel: shipped, delivered, late, scanned.

The tables have the columns `order_id, known_day` and measures, which are whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from features.clock import SECONDS_A_DAY, is_visible, seconds_between
from features.stage import NOT_YET_MOVING
from features.tables import Tables
from features.totals.first_facts import FACT_COLUMNS, first_fact, first_promise
from features.totals.quiet_parcels import RELEASED

# upper edges, in days, of the histograms from which quantiles are read
TRANSIT_EDGES = (
    4.0,
    6.0,
    8.0,
    10.0,
    12.0,
    14.0,
    17.0,
    20.0,
    24.0,
    28.0,
    33.0,
    40.0,
    50.0,
    65.0,
    90.0,
)
GAP_EDGES = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 9.0, 12.0, 16.0, 22.0, 30.0)


def bins(name: str, edges: Sequence[float]) -> list[str]:
    """Column names of a histogram: one per edge, and one for values above the last edge."""
    return [f"count_{name}_bin{number}" for number in range(len(edges) + 1)]


def parcel_facts(
    tables: Tables, orders: pl.DataFrame, scans_since: int | None
) -> dict[str, pl.DataFrame]:
    """Kinds of facts about parcels. `orders` has `order_id, placed_at`, one row per order.

    `scans_since`: the scans of orders without any fact known on or after this day are left out.
    """
    shipped, delivered = _shipped(tables), _delivered(tables)
    exceptions = first_fact(tables["tracking"].filter(pl.col("status") == "Exception"))
    released = first_fact(tables["tracking"].filter(pl.col("sub_status") == RELEASED))
    followed = first_fact(tables["tracking"].filter(pl.col("status") != "Delivered"))
    return {
        "shipped": _handled(shipped, orders, tables["promises"]),
        "delivered": _transported(shipped, delivered),
        "late": _late(delivered, tables["promises"]),
        "exceptions": exceptions.select("order_id", "known_day", count_exceptions=1),
        "released": released.select("order_id", "known_day", count_released=1),
        "followed": followed.select("order_id", "known_day", count_followed=1),
        "scanned": _scanned(tables, scans_since),
    }


def _shipped(tables: Tables) -> pl.DataFrame:
    """One row per shipped order: its hand-over or its first movement scan."""
    moved = tables["tracking"].filter(~pl.col("status").is_in(NOT_YET_MOVING))
    return first_fact(
        pl.concat([tables["shipments"].select(FACT_COLUMNS), moved.select(FACT_COLUMNS)])
    )


def _delivered(tables: Tables) -> pl.DataFrame:
    return first_fact(
        tables["tracking"].filter(pl.col("status") == "Delivered").select(FACT_COLUMNS)
    )


def _handled(shipped: pl.DataFrame, orders: pl.DataFrame, promises: pl.DataFrame) -> pl.DataFrame:
    """One row per shipped order. It was shipped late if it was shipped after the first shipping
    deadline, and that deadline was known by then."""
    ship_by = first_promise(promises, "dispatch").select(
        "order_id", "promised_at", promise_day="known_day"
    )
    joined = shipped.join(orders, on="order_id").join(ship_by, on="order_id", how="left")
    is_late = seconds_between(pl.col("promised_at"), pl.col("occurred_at")) > 0
    was_known = ~is_visible(pl.col("known_day"), pl.col("promise_day"))
    return joined.select(
        "order_id",
        "known_day",
        count_shipped=1,
        sum_handling_seconds=seconds_between(pl.col("placed_at"), pl.col("occurred_at")),
        count_shipped_late=(is_late & was_known).fill_null(False).cast(pl.Int64),
    )


def _transported(shipped: pl.DataFrame, delivered: pl.DataFrame) -> pl.DataFrame:
    """One row per delivered order, with its transit time.

    It is known when the delivery is: a delivery scan also shows that the order was shipped, so
    `shipped` is never known later.
    """
    shipped = shipped.select("order_id", shipped_at="occurred_at")
    seconds = seconds_between(pl.col("shipped_at"), pl.col("occurred_at"))
    transits = _binned(delivered.join(shipped, on="order_id"), seconds, TRANSIT_EDGES)
    return transits.select(
        "order_id",
        "known_day",
        count_delivered=1,
        sum_transit_seconds="seconds",
        **_histogram("transit", TRANSIT_EDGES),
    )


def _late(delivered: pl.DataFrame, promises: pl.DataFrame) -> pl.DataFrame:
    """One row per order delivered after its first promise; known when both facts are known."""
    promised = first_promise(promises, "delivery").select(
        "order_id", "promised_at", promise_day="known_day"
    )
    joined = delivered.join(promised, on="order_id")
    return joined.filter(seconds_between(pl.col("promised_at"), pl.col("occurred_at")) > 0).select(
        "order_id", known_day=pl.max_horizontal("known_day", "promise_day"), count_late=1
    )


def _scanned(tables: Tables, since: int | None) -> pl.DataFrame:
    """One row per new scan: the time since the order's previous news, as a histogram.

    The gap before the first scan is counted from the hand-over. All times are `known_at`. A scan
    that repeats the `occurred_at` of an earlier fact is not new.
    """
    handed_over = tables["shipments"].select(*FACT_COLUMNS)
    scans = tables["tracking"].select(*FACT_COLUMNS)
    if since is not None:
        # keep whole orders: a gap begins with an older scan, and no scan counts before its order
        # is known
        known = pl.concat(
            [facts.select("order_id", "known_day") for facts in (tables["orders"], scans)]
        )
        is_recent = ~is_visible(pl.col("known_day"), pl.lit(since))
        recent = known.filter(is_recent).select("order_id").unique()
        handed_over, scans = (
            facts.join(recent, on="order_id", how="semi") for facts in (handed_over, scans)
        )
    news = pl.concat([handed_over.with_columns(is_scan=False), scans.with_columns(is_scan=True)])
    # whole numbers sort much faster than text
    numbers = news.select(pl.col("order_id").unique()).with_row_index("order")
    news = news.join(numbers, on="order_id").sort("order", "known_at", "occurred_at", "is_scan")
    is_new = pl.struct("order", "occurred_at").is_first_distinct()
    has_previous = pl.col("order") == pl.col("order").shift(1)
    news = news.with_columns(previous_known_at=pl.col("known_at").shift(1)).filter(
        "is_scan", is_new, has_previous
    )
    gap = seconds_between(pl.col("previous_known_at"), pl.col("known_at"))
    return _binned(news, gap, GAP_EDGES).select(
        "order_id", "known_day", count_scans=1, **_histogram("gap", GAP_EDGES)
    )


def _binned(frame: pl.DataFrame, seconds: pl.Expr, edges: Sequence[float]) -> pl.DataFrame:
    """`frame` with `seconds` and its `bin`: the number of edges (in days) below `seconds`."""
    above = [(pl.col("seconds") > int(edge * SECONDS_A_DAY)).cast(pl.Int32) for edge in edges]
    # `seconds` is computed once and then compared with each edge
    return frame.with_columns(seconds=seconds).with_columns(bin=pl.sum_horizontal(above))


def _histogram(name: str, edges: Sequence[float]) -> dict[str, pl.Expr]:
    """1 in the column of the row's bin, 0 in the others."""
    return {
        column: (pl.col("bin") == number).cast(pl.Int8)
        for number, column in enumerate(bins(name, edges))
    }
