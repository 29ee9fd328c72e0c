"""Postal family: how near the supplier is to the buyer, by the starts of their postal codes.

Postal codes are given by area in nearly every country, so near codes are near each other. The two
ends are compared only if both are in one country.
"""

from __future__ import annotations

import polars as pl

from features.feature import Feature
from features.tables import POSTAL_PREFIX
from features.totals.family_inputs import FamilyInputs

# digits of an area: a region of a country
AREA_DIGITS = 3
FEATURES = [
    Feature(
        "postal_shared_digits",
        "characters, 0 to 5; null unless both ends are in one country",
        "a supplier in the buyer's own town delivers in a day",
        theme="lane",
    ),
    Feature(
        "postal_area_gap",
        "difference of the areas' numbers; null unless both ends are in one country",
        "parcels that cross a country pass more depots",
        theme="lane",
    ),
    Feature(
        "postal_buyer_area",
        "the first 3 digits as a number; null if the code has letters there",
        "some areas are served worse than others",
        theme="lane",
    ),
    Feature(
        "postal_supplier_area",
        "the first 3 digits as a number; null if the code has letters there",
        "some depots hand parcels on more slowly than others",
        theme="lane",
    ),
]


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order. Uses the order and its first line alone."""
    buyer, supplier = pl.col("buyer_postal_prefix"), pl.col("supplier_postal_prefix")
    is_one_country = pl.col("buyer_country") == pl.col("origin_country")
    gap = (_area(buyer) - _area(supplier)).abs()
    return inputs.rows.select(
        postal_shared_digits=pl.when(is_one_country).then(_shared(buyer, supplier)),
        postal_area_gap=pl.when(is_one_country).then(gap),
        postal_buyer_area=_area(buyer),
        postal_supplier_area=_area(supplier),
    )


def _shared(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Number of equal characters from the start, at most `POSTAL_PREFIX`; null if one is null."""
    starts = [
        (one.str.head(n) == other.str.head(n)) & (one.str.len_chars() >= n)
        for n in range(1, POSTAL_PREFIX + 1)
    ]
    return pl.sum_horizontal(starts, ignore_nulls=False)


def _area(code: pl.Expr) -> pl.Expr:
    """The first digits of a code as a number; null if they are not all digits."""
    head = code.str.head(AREA_DIGITS)
    is_number = head.str.contains(rf"^[0-9]{{{AREA_DIGITS}}}$")
    return pl.when(is_number).then(head.cast(pl.Float64, strict=False))
