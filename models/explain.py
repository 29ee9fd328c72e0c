"""Why an order is listed: the drivers that raised its risk most, as sentences with the order's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.feature import Feature
from models.gbm import DisputeModel

COUNT_REASONS = 3


def explain(model: DisputeModel, features: pl.DataFrame, registry: Mapping[str, Feature]) -> pl.DataFrame:
    """`reason_1..3` per row of `features`; empty where fewer drivers raise the risk.

    Features that move together raise the risk together: the group's drive is their sum, and the strongest of them with
    something to say speaks for it. Of the same measure over several lookbacks only one speaks, and none whose number is
    as usual or better for the order's stage.
    """
    contributions = model.contributions(features)
    values = features.select(model.feature_names).to_numpy()
    reasons = [
        _sentences(contributions[row], values[row], model, registry, model.typical.get(stage, {}))
        for row, stage in enumerate(features["stage"])
    ]
    return pl.DataFrame(
        {
            f"reason_{place + 1}": pl.Series([r[place] if place < len(r) else "" for r in reasons], dtype=pl.String)
            for place in range(COUNT_REASONS)
        }
    )


def _sentences(
    contribution: np.ndarray,
    value: np.ndarray,
    model: DisputeModel,
    registry: Mapping[str, Feature],
    usual: Mapping[str, float | None],
) -> list[str]:
    group = np.asarray(model.groups)
    drive = np.bincount(group, weights=contribution)
    said: dict[str, str] = {}
    spoken: set[int] = set()
    # the strongest group first, in it the strongest feature
    for place in np.lexsort((-contribution, group, -drive[group])):
        feature = registry[model.feature_names[place]]
        if drive[group[place]] <= 0 or len(said) == COUNT_REASONS:
            break
        if contribution[place] <= 0 or group[place] in spoken or not np.isfinite(value[place]):
            continue
        if feature.measure not in said and (sentence := feature.sentence(float(value[place]), usual.get(feature.name))):
            said[feature.measure] = sentence
            spoken.add(int(group[place]))
    return list(said.values())
