"""Measure a simulated store against all published and assumed ranges."""

from __future__ import annotations

import polars as pl

from pipeline.simulation.realism.order_ranges import BASKETS, DISPUTES
from pipeline.simulation.realism.parcel_ranges import LEAST_ROWS, PARCELS

PUBLISHED = (*DISPUTES, *PARCELS, *BASKETS)


def measures(matured: pl.DataFrame) -> pl.DataFrame:
    """One row per quantity of `PUBLISHED`. `got`, the value in the store, and `is_inside` are null
    if there are fewer than `LEAST_ROWS` orders."""
    rows = []
    for published in PUBLISHED:
        among = matured.filter(published.among)
        value = among.select(published.value).item() if among.height >= LEAST_ROWS else None
        rows.append(
            {
                "quantity": published.quantity,
                "got": value,
                "published_low": float(published.low),
                "published_high": float(published.high),
                "unit": published.unit,
                "is_inside": None if value is None else published.low <= value <= published.high,
                "count_orders": among.height,
                "quality": published.quality,
                "source": published.source,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"got": pl.Float64, "is_inside": pl.Boolean})
