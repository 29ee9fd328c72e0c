"""Listing family: how much the listing of the order's first product says."""

from __future__ import annotations

import polars as pl

from features.feature import Feature
from features.totals.family_inputs import FamilyInputs

FEATURES = [
    Feature(
        "listing_title_letters",
        "characters",
        "a title full of search words promises more than the product",
        theme="product",
    ),
    Feature(
        "listing_description_letters",
        "characters",
        "a listing that says little leaves room for surprise",
        theme="product",
    ),
]


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order: the listing as last known before the night."""
    return inputs.rows.select(
        listing_title_letters="count_title_letters",
        listing_description_letters="count_description_letters",
    )
