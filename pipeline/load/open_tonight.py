"""What `doctor` says about open orders: how many a list would have, how old they are, and whether
disputes come after their order was closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from statistics import median

import polars as pl

from features.clock import calendar_day, is_earlier
from features.closing_times import LIFE_DAYS, usual_life_days
from features.spine import build_spine, closings
from features.tables import Tables, create_tables
from pipeline.settings.config import Config
from pipeline.sources.store_data import StoreData

# with a larger share of disputes after a reported closing, the closing is probably another event
MOST_LATE_SHARE = 0.1


def open_lines(data: StoreData, config: Config) -> Iterator[str]:
    """Lines about the orders that would be open in the night after the newest fact."""
    tables = create_tables(
        data.frames, zone=data.zone, has_partial_outcomes=data.has_partial_outcomes
    )
    tables = replace(tables, usual_life_days=usual_life_days(tables))
    known = pl.concat([frame.select("known_day") for frame in tables.frames.values()])
    as_of_day = max(known["known_day"].drop_nulls().to_list()) + 1
    closed = closings(tables, config.dispute_window)
    spine = build_spine(tables, [as_of_day], config.dispute_window, closed)
    ages = spine.join(tables["orders"].select("order_id", "occurred_day"), on="order_id").select(
        pl.col("as_of_day") - pl.col("occurred_day")
    )
    yield _ages_line(ages.to_series(), tables["orders"].height, as_of_day)
    yield from _life_lines(tables, config)
    yield from _late_disputes(tables, closed)


def _ages_line(ages: pl.Series, count_orders: int, as_of_day: int) -> str:
    night = f"in the night of {calendar_day(as_of_day)}, after the newest fact, "
    if ages.is_empty():
        return f"{night}none of {count_orders:,} orders would be open: the list would be empty"
    days = sorted(ages.to_list())
    return (
        f"{night}{len(days):,} of {count_orders:,} orders would be open; half of them are older "
        f"than {median(days):.0f} days, the oldest is {days[-1]} days old"
    )


def _life_lines(tables: Tables, config: Config) -> Iterator[str]:
    promised = tables["promises"].filter(pl.col("kind") == "delivery").select("order_id")
    without = tables["orders"].join(promised, on="order_id", how="anti").height
    if not without:
        return
    if days := config.days_without_promise:
        why = "days_without_promise in config.toml"
    elif tables.usual_life_days:
        days = tables.usual_life_days[-1][1]
        why = "nearly all orders of this store ended within that time"
    else:
        days, why = LIFE_DAYS, "the default, because fewer than 100 closings and disputes are known"
    yield (
        f"{without / tables['orders'].height:.0%} of the orders have no promised delivery day; "
        f"undelivered ones stay open for {days} days: {why}"
    )


def _late_disputes(tables: Tables, closed: pl.DataFrame) -> Iterator[str]:
    """Disputes that were opened after a reported closing, or after the end that we compute."""
    opened = tables["disputes"].filter(pl.col("step") == "opened")
    opened = opened.group_by("order_id").agg(
        disputed_day=pl.col("occurred_day").min(), dispute_known_day=pl.col("known_day").min()
    )
    if opened.is_empty():
        return
    reported = tables["order_events"].filter(pl.col("event") == "closed")
    reported = reported.group_by("order_id").agg(reported_day=pl.col("occurred_day").min())
    rows = opened.join(reported, on="order_id", how="left").join(closed, on="order_id", how="left")
    after_report = is_earlier(pl.col("reported_day"), pl.col("disputed_day")).fill_null(False)
    after_end = is_earlier(pl.col("closed_day"), pl.col("dispute_known_day")).fill_null(False)
    late = rows.filter(after_report).height
    if late:
        yield f"{late:,} of {rows.height:,} disputes come after the closing of their order"
    if late > MOST_LATE_SHARE * rows.height:
        yield (
            "  such a closing is probably another event: an order that is sent is not closed yet, "
            "and a closed order is never listed. Check where the closings in order_events come from"
        )
    if computed := rows.filter(after_end & ~after_report).height:
        yield (
            f"{computed:,} of {rows.height:,} disputes come after the end that this program "
            "computes (days_after_delivery, days_after_promise and days_without_promise in "
            "config.toml)"
        )
