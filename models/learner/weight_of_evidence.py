"""Weight of evidence: how much more often orders with a given value were disputed.

The weight of evidence of scorecards (Good 1950) is the log odds of a dispute among the rows whose
value lies in the same bin, minus the log odds of all rows of the stage. It depends on the rows
only, not on the seed of a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

# stage -> feature -> (upper ends of the bins, except for the last one; weight of each bin)
Evidence = Mapping[str, Mapping[str, tuple[list[float], list[float]]]]

# finer bins in the tails, because few values worth mentioning lie in the middle
QUANTILES = (0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
# each bin is shrunk towards its stage, which counts as this many disputed orders
LEANS_ON = 10.0
MOST_ROWS = 200_000


def learn_evidence(
    rows: pl.DataFrame, feature_names: Sequence[str], order: np.ndarray
) -> dict[str, dict[str, tuple[list[float], list[float]]]]:
    """Estimate the weights from labelled order-nights (`order_id, stage, label` and the features).

    A stage with only one outcome is left out. `order` gives the order in which to take the rows; of
    more than `MOST_ROWS` rows, every n-th is used. The nights of an order share its outcome, so the
    shrinkage is counted in orders.
    """
    sample = rows.select("order_id", "stage", "label", *feature_names)[
        order[:: -(-rows.height // MOST_ROWS)]
    ]
    evidence: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for (stage,), stage_rows in sample.sort("stage", maintain_order=True).group_by(
        "stage", maintain_order=True
    ):
        label = stage_rows["label"].to_numpy().astype(float)
        if label.min() == label.max():
            continue
        nights = stage_rows.height / stage_rows["order_id"].n_unique()
        columns = {name: stage_rows[name].cast(pl.Float32).to_numpy() for name in feature_names}
        evidence[str(stage)] = {
            name: _weigh(values, label, LEANS_ON * nights)
            for name, values in columns.items()
            if np.isfinite(values).any()
        }
    return evidence


def _weigh(
    values: np.ndarray, label: np.ndarray, leans_on: float
) -> tuple[list[float], list[float]]:
    """The bins of the known values, and their weights.

    `leans_on` is the number of disputed rows of the whole stage that is added to each bin.
    """
    rate = label.mean()
    is_known = np.isfinite(values)
    cuts = np.unique(np.quantile(values[is_known], QUANTILES, method="lower"))
    bins = np.searchsorted(cuts, values[is_known])
    disputed = np.bincount(bins, label[is_known], len(cuts) + 1) + leans_on
    count = np.bincount(bins, minlength=len(cuts) + 1) + leans_on / rate
    weights = np.log(disputed / (count - disputed)) - np.log(rate / (1.0 - rate))
    return cuts.astype(float).tolist(), weights.round(4).tolist()


def weigh_evidence(
    evidence: Evidence, features: pl.DataFrame, feature_names: Sequence[str]
) -> np.ndarray:
    """(rows, features) array in log odds; 0 for a missing value and for anything not estimated."""
    weights = np.zeros((features.height, len(feature_names)))
    for (stage,), stage_rows in features.with_row_index("row_number").group_by("stage"):
        bins, positions = evidence.get(str(stage), {}), stage_rows["row_number"].to_numpy()
        for column, name in enumerate(feature_names):
            values = stage_rows[name].cast(pl.Float32).to_numpy()
            if name in bins:
                cuts, bin_weights = bins[name]
                row_weights = np.asarray(bin_weights)[
                    np.searchsorted(np.asarray(cuts, np.float32), values)
                ]
                weights[positions, column] = np.where(np.isfinite(values), row_weights, 0.0)
    return weights
