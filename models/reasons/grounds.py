"""Whether the data of an order has what a reason rests on.

A reason about a supplier, a category, a buyer or a country is only true if the order has one. If an
export lacks it, sources write `unknown`, and all such orders together look like one big supplier.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.feature import Feature

# the columns of an order that reasons may rest on
ENTITIES = ("supplier_id", "category", "buyer_id", "country")
# what exports and sources write where a value is not known
NOT_KNOWN = ("", "-", "unknown", "none", "null", "nan", "n/a", "na", "guest")


def grounds(rows: pl.DataFrame, registry: Mapping[str, Feature]) -> dict[str, np.ndarray]:
    """Per feature that needs something, whether each row has it (bool, one per row).

    `rows` has the columns of `ENTITIES` and the features; a column that is absent counts as known.
    """
    by_feature = {}
    for name, feature in registry.items():
        has_it = pl.lit(True)
        if feature.entity in rows.columns:
            word = pl.col(feature.entity).cast(pl.String).str.strip_chars().str.to_lowercase()
            has_it = has_it & ~word.fill_null("").is_in(list(NOT_KNOWN))
        if feature.needs in rows.columns:
            has_it = has_it & (pl.col(feature.needs) > 0).fill_null(False)
        if feature.entity or feature.needs:
            by_feature[name] = rows.with_columns(has_it=has_it)["has_it"].to_numpy()
    return by_feature
