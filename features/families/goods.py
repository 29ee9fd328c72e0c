"""Goods family: the size of what is sent, and how the order is made up.

All features are null unless the size of the first line's product is known. A store that does not
record sizes so keeps the model that it had.
"""

from __future__ import annotations

import polars as pl

from features.feature import Feature
from features.totals.family_inputs import FamilyInputs

GRAMS_PER_KG = 1000.0
FEATURES = [
    Feature(
        "goods_volume_cm3",
        "cubic centimetres",
        "bulky goods travel slowly and get damaged",
        theme="product",
    ),
    Feature(
        "goods_longest_side_cm",
        "centimetres",
        "long parcels leave the usual machines",
        theme="product",
    ),
    Feature(
        "goods_grams_per_cm3",
        "grams per cubic centimetre",
        "light, hollow goods break",
        theme="product",
    ),
    Feature(
        "goods_shipping_usd_per_kg",
        "USD per kilogram of the first product",
        "a fast service costs more for the same weight",
        theme="product",
    ),
    Feature(
        "goods_count_products",
        "products",
        "with more products, more can disappoint",
        theme="product",
    ),
    Feature(
        "goods_highest_price_share",
        "highest unit price / value of all items",
        "one expensive item among cheap ones decides how the buyer feels",
        theme="product",
    ),
]


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order; sizes are those of the first line's product."""
    known = pl.col("length_cm").is_not_null()
    sides = [pl.col(name) for name in ("length_cm", "width_cm", "height_cm")]
    volume = sides[0] * sides[1] * sides[2]
    weight, items = pl.col("weight_g"), pl.col("items_usd")
    return inputs.rows.select(
        goods_volume_cm3=volume,
        goods_longest_side_cm=pl.when(known).then(pl.max_horizontal(sides)),
        goods_grams_per_cm3=pl.when(volume > 0).then(weight / volume),
        goods_shipping_usd_per_kg=pl.when(known & (weight > 0)).then(
            pl.col("shipping_usd") * GRAMS_PER_KG / weight
        ),
        goods_count_products=pl.when(known).then("count_products"),
        goods_highest_price_share=pl.when(known & (items > 0)).then(
            pl.col("highest_price_usd") / items
        ),
    )
