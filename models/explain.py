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

    Of features that tell the same thing (the same measure over several lookbacks) the strongest speaks, and none
    speaks whose number is as usual or better for the order's stage.
    """
    contributions = model.contributions(features)
    values = features.select(model.feature_names).to_numpy()
    reasons = [
        _sentences(contributions[row], values[row], model.feature_names, registry, model.typical.get(stage, {}))
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
    names: tuple[str, ...],
    registry: Mapping[str, Feature],
    usual: Mapping[str, float | None],
) -> list[str]:
    said: dict[str, str] = {}
    for place in np.argsort(-contribution, kind="stable"):
        feature = registry[names[place]]
        if contribution[place] <= 0 or len(said) == COUNT_REASONS:
            break
        if not np.isfinite(value[place]):
            continue
        if sentence := feature.sentence(float(value[place]), usual.get(feature.name)):
            said.setdefault(feature.measure, sentence)
    return list(said.values())
