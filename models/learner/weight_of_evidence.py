"""What a number tells by itself: how much more often past orders with such a number were disputed
than their stage.

The weight of evidence of scorecards (Good 1950): the log odds of a dispute among the rows whose
number lies in the same bin, less those of all rows of the stage. Only the rows have a part in it,
not the seed of a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

# of each stage and feature the upper ends of the bins, the last of which has none, and the weight
# of each bin
Evidence = Mapping[str, Mapping[str, tuple[list[float], list[float]]]]

# the tails are cut finer: few numbers worth telling lie in the middle
QUANTILES = (0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
# a bin leans on its stage as if so many disputed orders of the stage had been seen besides
LEANS_ON = 10.0
MOST_ROWS = 200_000


def learn_evidence(
    rows: pl.DataFrame, feature_names: Sequence[str], order: np.ndarray
) -> dict[str, dict[str, tuple[list[float], list[float]]]]:
    """Of labelled order-nights (`order_id, stage, label` and the features); a stage of one outcome
    tells nothing.

    `order`: in which order to take the rows; of many, every n-th is looked at. The nights of an
    order share its fate, so what a bin leans on is counted in orders.
    """
    some = rows.select("order_id", "stage", "label", *feature_names)[
        order[:: -(-rows.height // MOST_ROWS)]
    ]
    found: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for (stage,), told in some.sort("stage", maintain_order=True).group_by(
        "stage", maintain_order=True
    ):
        label = told["label"].to_numpy().astype(float)
        if label.min() == label.max():
            continue
        nights = told.height / told["order_id"].n_unique()
        columns = {name: told[name].cast(pl.Float32).to_numpy() for name in feature_names}
        found[str(stage)] = {
            name: _weigh(values, label, LEANS_ON * nights)
            for name, values in columns.items()
            if np.isfinite(values).any()
        }
    return found


def _weigh(
    values: np.ndarray, label: np.ndarray, leans_on: float
) -> tuple[list[float], list[float]]:
    """Bins of the numbers there are, and their weights; `leans_on`: disputed rows of the whole
    stage in each bin."""
    rate = label.mean()
    is_known = np.isfinite(values)
    cuts = np.unique(np.quantile(values[is_known], QUANTILES, method="lower"))
    places = np.searchsorted(cuts, values[is_known])
    disputed = np.bincount(places, label[is_known], len(cuts) + 1) + leans_on
    count = np.bincount(places, minlength=len(cuts) + 1) + leans_on / rate
    weights = np.log(disputed / (count - disputed)) - np.log(rate / (1.0 - rate))
    return cuts.astype(float).tolist(), weights.round(4).tolist()


def weigh_evidence(
    evidence: Evidence, features: pl.DataFrame, feature_names: Sequence[str]
) -> np.ndarray:
    """Rows x features, in log odds; 0 for a hole and for what was never learnt."""
    weights = np.zeros((features.height, len(feature_names)))
    for (stage,), told in features.with_row_index("place").group_by("stage"):
        bins, places = evidence.get(str(stage), {}), told["place"].to_numpy()
        for column, name in enumerate(feature_names):
            values = told[name].cast(pl.Float32).to_numpy()
            if name in bins:
                cuts, of_bin = bins[name]
                found = np.asarray(of_bin)[np.searchsorted(np.asarray(cuts, np.float32), values)]
                weights[places, column] = np.where(np.isfinite(values), found, 0.0)
    return weights
