"""What a reader must know about a row of the product table before trusting it."""

from __future__ import annotations

import polars as pl

from features.indicators.product_exposure import UNKNOWN


def notes(frame: pl.DataFrame) -> pl.Expr:
    """What a reader must know about a row before trusting it; empty if there is nothing."""
    alone = pl.col("category").is_in(
        frame.filter(pl.col("category") != UNKNOWN)["category"]
        .value_counts()
        .filter(pl.col("count") == 1)["category"]
        .to_list()
    )
    remarks = [
        (~pl.col("is_in_catalogue"), "sold, but not in the catalogue: its category is unknown"),
        (
            pl.col("is_in_catalogue") & (pl.col("category") == UNKNOWN),
            "no category in the catalogue",
        ),
        (pl.col("supplier_id") == UNKNOWN, "no supplier on record"),
        (
            pl.col("count_split") > 0,
            "disputes that name no item count in equal parts for the items of their order",
        ),
        (alone, "the only product in its category: judged by its supplier and the store"),
        (pl.col("exposure") <= 0, "no matured orders: the rate is its family's, not its own"),
        (
            pl.col("value_an_order_usd") <= 0,
            "no price on record: the loss only counts the fixed cost of a dispute",
        ),
    ]
    return pl.concat_str(
        [pl.when(when).then(pl.lit(text)) for when, text in remarks],
        separator="; ",
        ignore_nulls=True,
    ).alias("note")
