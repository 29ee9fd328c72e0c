"""The last day on which a message to a buyer still helps."""

from __future__ import annotations

import polars as pl

from features.clock import calendar_day


def add_contact_by(listed: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """Add `contact_by`, the last date on which a message still arrives before the buyer complains.

    Before shipment: the day by which to ship, or tomorrow. At dispatch: two days, the time in which
    a first scan is expected. In transit: three days before the promised day. After delivery: the
    third day after it, because most complaints come later. At an unknown stage: three days before
    the promised day, or tomorrow. Never a past day.
    """
    days_left = (
        pl.when(pl.col("stage") == "before_shipment")
        .then(pl.col("logistics_days_to_ship_by").fill_null(1.0))
        .when(pl.col("stage") == "dispatch")
        .then(2.0)
        .when(pl.col("stage") == "in_transit")
        .then(pl.col("logistics_days_to_promise").fill_null(0.0) - 3.0)
        .when(pl.col("stage") == "unknown")
        .then((pl.col("logistics_days_to_promise") - 3.0).fill_null(1.0))
        .otherwise(3.0 - pl.col("logistics_days_in_stage"))
    )
    days = days_left.floor().clip(0.0, 30.0).cast(pl.Int32)
    return listed.with_columns(contact_by=pl.lit(calendar_day(as_of_day)) + pl.duration(days=days))
