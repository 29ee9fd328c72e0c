"""How much each feature matters to a model."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.learner.gbm import DisputeModel

SCHEMA = {"feature": pl.String(), "share": pl.Float64(), "gain_share": pl.Float64()}


def gain_shares(model: DisputeModel) -> dict[str, float]:
    """Feature -> its share of the gain of all splits, from 0 to 1, on the training rows."""
    gain = model.booster.feature_importance("gain")
    return dict(zip(model.feature_names, _shares(gain), strict=True))


def feature_importance(model: DisputeModel, rows: pl.DataFrame) -> pl.DataFrame:
    """One row per feature, the most important first: `feature`, `share` and `gain_share`.

    `share`: the feature's part of how far the features move the log odds of `rows`, the mean of the
    absolute contributions. It needs no outcome, so `rows` may be any that the model has not seen.
    `gain_share`: as in `gain_shares`.
    """
    moved = np.abs(model.contributions(rows)).mean(axis=0)
    gains = gain_shares(model)
    table = {
        "feature": list(model.feature_names),
        "share": _shares(moved),
        "gain_share": [gains[name] for name in model.feature_names],
    }
    return pl.DataFrame(table, schema=SCHEMA).sort("share", "feature", descending=[True, False])


def _shares(parts: np.ndarray) -> np.ndarray:
    return np.asarray(parts / max(float(parts.sum()), 1e-9))
