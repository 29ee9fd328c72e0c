"""From a frame of features to what a booster reads: float32, filled block by block, so that no
second copy is held."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

BLOCK = 65_536


class UnusableFeatures(ValueError):
    """A frame lacks a feature the model was taught, or holds something that is not a number in its
    column."""


def to_matrix(
    rows: pl.DataFrame, feature_names: Sequence[str], order: np.ndarray | None = None
) -> np.ndarray:
    """Rows x features, a hole as NaN; `order`: which rows, in which order (None: all as they are).

    Training and scoring both read float32, so that a threshold cuts the same rows in both.
    Raises `UnusableFeatures` where a column is missing or holds no numbers.
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
            faults.append(f"{name} holds {kind} where numbers are needed")
    if faults:
        more = f", and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise UnusableFeatures(f"the features cannot be scored: {', '.join(faults[:5])}{more}.")
