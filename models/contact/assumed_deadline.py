"""The days within which to act on an order before the store's own disputes say otherwise."""

from __future__ import annotations

import polars as pl

MOST_DAYS = 30


def assumed_days() -> pl.Expr:
    """Whole days left (0 to `MOST_DAYS`), from `stage` and the features of the parcel.

    Before shipment: until the day by which to ship, or one day. At dispatch: two days, the time in
    which a first scan is expected. In transit: until three days before the promised day. After
    delivery: until the third day after it, because most complaints come later. At an unknown stage:
    until three days before the promised day, or one day.
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
    return days_left.floor().clip(0.0, float(MOST_DAYS)).cast(pl.Int32)
