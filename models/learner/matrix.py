"""Turn a frame of features into the float32 matrix that a booster reads.

The matrix is filled block by block, so that no second copy of the data is held.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

BLOCK = 65_536


class UnusableFeatures(ValueError):
    """A frame lacks a feature of the model, or the feature's column is not numeric."""


def to_matrix(
    rows: pl.DataFrame, feature_names: Sequence[str], order: np.ndarray | None = None
) -> np.ndarray:
    """(rows, features) float32 array with NaN for missing values.

    `order` selects rows and their order; None takes all rows as they are. Training and scoring both
    read float32, so that a threshold splits the same rows in both.

    Raises `UnusableFeatures` if a column is missing or not numeric.
    """
    _require_numbers(rows, feature_names)
    height = rows.height if order is None else len(order)
    matrix = np.empty((height, len(feature_names)), np.float32)
    for start in range(0, height, BLOCK):
        stop = min(start + BLOCK, height)
        block = rows[start:stop] if order is None else rows[order[start:stop]]
        matrix[start:stop] = block.select(pl.col(feature_names).cast(pl.Float32)).to_numpy()
    return matrix


def _require_numbers(rows: pl.DataFrame, feature_names: Sequence[str]) -> None:
    faults = []
    for name in feature_names:
        kind = rows.schema.get(name)
        if kind is None:
            faults.append(f"{name} is missing")
        elif not (kind.is_numeric() or kind in (pl.Boolean, pl.Null)):
            faults.append(f"{name} is of type {kind} instead of a number")
    if faults:
        more = f", and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise UnusableFeatures(f"The features cannot be scored: {', '.join(faults[:5])}{more}.")
