"""All feature families, and `build_features`: the function that training and scoring both call."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import polars as pl

from features.families import (
    buyer,
    conversation,
    flow,
    goods,
    holiday,
    lane,
    listing,
    logistics,
    order,
    payment,
    postal,
    product,
    season,
    store,
)
from features.feature import Feature
from features.tables import Tables
from features.totals.family_inputs import FamilyInputs, build_family_inputs

FAMILIES: tuple[ModuleType, ...] = (
    order,
    product,
    logistics,
    lane,
    buyer,
    store,
    conversation,
    season,
    payment,
    postal,
    listing,
    goods,
    holiday,
    flow,
)


def family_name(family: ModuleType) -> str:
    """Name of a family: that of its module."""
    return family.__name__.rsplit(".", 1)[-1]


FEATURES: dict[str, Feature] = {
    feature.name: replace(feature, theme=feature.theme or family_name(family))
    for family in FAMILIES
    for feature in family.FEATURES
}
FEATURE_NAMES: list[str] = list(FEATURES)
# features of optional columns and of scans, which many stores do not have
OPTIONAL_NAMES = frozenset(
    feature.name
    for family in (payment, postal, listing, goods, holiday, flow)
    for feature in family.FEATURES
)


def build_features(tables: Tables, spine: pl.DataFrame) -> pl.DataFrame:
    """Build all features of the rows of `spine`.

    Returns one row per spine row, in its order: `order_id, as_of_day, stage` and every feature
    (float64; null: unknown). A row depends only on facts with `known_at < as_of`. Training and
    scoring differ only in the spine.
    """
    return features_of(build_family_inputs(tables, spine))


def features_of(inputs: FamilyInputs) -> pl.DataFrame:
    """`build_features` from inputs that have been gathered already."""
    families: list[pl.DataFrame] = [
        family.build(inputs).with_columns(pl.all().cast(pl.Float64)) for family in FAMILIES
    ]
    return pl.concat(
        [inputs.rows.select("order_id", "as_of_day", "stage"), *families], how="horizontal"
    ).select("order_id", "as_of_day", "stage", *FEATURE_NAMES)
