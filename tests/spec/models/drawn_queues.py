"""Open orders drawn as text, for the queues."""

from __future__ import annotations

from datetime import date

import polars as pl

from tests.drawn_tables import read_table

NIGHT = date(2026, 1, 10)
# short column -> the table's column
NAMES = {
    "news": "logistics_days_since_news",
    "rank": "logistics_silence_rank",
    "bad": "logistics_count_exceptions",
    "held": "logistics_is_held",
    "promise": "logistics_days_to_promise",
    "ship": "logistics_days_to_ship_by",
    "asked": "conversation_count_product_questions",
    "said": "conversation_days_since_message",
    "days": "logistics_days_in_stage",
    "risk": "probability",
    "wait": "waiting_days",
    "stars": "unhappy_days",
}
ZERO = ("bad", "held", "asked", "risk")


def drawn_orders(drawing: str) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """`scored`, `said` and `unhappy` of `order_queues`. A column that is not drawn is null, or 0
    for a count."""
    drawn = read_table(drawing)
    values = [
        (
            pl.col(short).cast(pl.Float64)
            if short in drawn.columns
            else pl.lit(0.0 if short in ZERO else None, pl.Float64)
        ).alias(name)
        for short, name in NAMES.items()
    ]
    rows = drawn.select(
        "stage", *values, order_id="order", as_of=pl.lit(NIGHT), stake_usd=pl.lit(10.0)
    ).with_columns(pl.col("probability", NAMES["bad"], NAMES["held"]).fill_null(0.0))
    said, unhappy = (
        rows.select("order_id", name).drop_nulls() for name in ("waiting_days", "unhappy_days")
    )
    return rows.drop("waiting_days", "unhappy_days"), said, unhappy
