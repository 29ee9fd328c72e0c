"""The usual value of each feature at a stage: its median over the training rows.

It is used twice. A reason is given only if the order's value is worse than usual. And an order
without order lines gets the usual values for the features that come from the lines, so that the
missing lines alone do not change its probability. (In an export, missing lines reveal how the order
ended: the item was found to be unavailable.)
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

Typical = Mapping[str, Mapping[str, float | None]]
FEATURES_AT_ONCE = 8
HAS_LINES, AGE, COUNTDOWN = "order_count_units", "order_age_days", "logistics_days_to_ship_by"


def learn_typical(
    rows: pl.DataFrame, feature_names: list[str]
) -> dict[str, dict[str, float | None]]:
    """`typical[stage][feature]`: the median over the stage's rows.

    It is None if the feature is never present at the stage.
    """
    typical: dict[str, dict[str, float | None]] = {
        stage: {} for stage in rows["stage"].unique().sort()
    }
    # a few columns at a time, because grouping millions of rows by stage copies their columns
    for start in range(0, len(feature_names), FEATURES_AT_ONCE):
        batch = feature_names[start : start + FEATURES_AT_ONCE]
        medians = rows.select("stage", *batch).group_by("stage").agg(pl.col(batch).median())
        for row in medians.iter_rows(named=True):
            typical[row.pop("stage")] |= row
    return typical


def fill_missing_lines(features: pl.DataFrame, typical: Typical) -> pl.DataFrame:
    """Fill the nulls of rows without order lines with the stage's typical values.

    The typical days left to ship belong to an order of typical age; they are adjusted to the
    order's own age.
    """
    if features[HAS_LINES].null_count() == 0:
        return features
    has_lines = pl.col(HAS_LINES).is_not_null()
    filled = []
    for name in sorted({name for values in typical.values() for name in values}):
        value = _usual(typical, name)
        if name == COUNTDOWN:
            value = value + _usual(typical, AGE) - pl.col(AGE)
        filled.append(
            pl.when(has_lines).then(pl.col(name)).otherwise(pl.coalesce(name, value)).alias(name)
        )
    return features.with_columns(filled)


def _usual(typical: Typical, name: str) -> pl.Expr:
    usual = {stage: values.get(name) for stage, values in typical.items()}
    return pl.col("stage").replace_strict(usual, default=None, return_dtype=pl.Float64)
