"""What is usual at a stage: the median of each feature over the training rows.

It serves twice. A reason is only said when the order's number is worse than usual. And an order
whose lines are missing (in an export, that tells how it ended: the item was found unavailable) gets
the usual values for what its lines would have said, so that the hole itself moves no probability.
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
    """`typical[stage][feature]`: the median over the stage's rows; None where the stage never has
    the feature."""
    found: dict[str, dict[str, float | None]] = {
        stage: {} for stage in rows["stage"].unique().sort()
    }
    # a few at a time: to group millions of rows by stage copies their columns
    for start in range(0, len(feature_names), FEATURES_AT_ONCE):
        some = feature_names[start : start + FEATURES_AT_ONCE]
        medians = rows.select("stage", *some).group_by("stage").agg(pl.col(some).median())
        for row in medians.iter_rows(named=True):
            found[row.pop("stage")] |= row
    return found


def fill_missing_lines(features: pl.DataFrame, typical: Typical) -> pl.DataFrame:
    """`features`, with the stage's typical value for every null of the rows that have no lines.

    The days left to ship are typical for an order of typical age; they run down with the order's
    own.
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
