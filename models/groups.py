"""Features that move together: what one of them says, the others say too, so they share one reason."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

# rank correlation from which two features tell the same story; every pair of a group has at least that
LEAST_CORRELATION = 0.7
MOST_ROWS = 20_000


def learn_groups(rows: pl.DataFrame, feature_names: list[str], order: np.ndarray | None = None) -> list[int]:
    """The group of each feature, as a number: complete linkage on Spearman's rank correlation of the training rows.

    A hole counts as the median: features that are missing together are not alike for that. One that never changes is
    alone. `order`: in which order to take the rows; of many, every n-th is looked at.
    """
    if len(feature_names) < 2:
        return [1] * len(feature_names)
    some = rows.gather_every(-(-rows.height // MOST_ROWS)).select(
        pl.col(name).fill_null(pl.col(name).median()).rank() for name in feature_names
    )
    ranks = some.to_numpy().astype(float)
    # a column of holes has no median: it is all zeros, and like nothing
    ranks = np.nan_to_num(ranks)
    ranks -= ranks.mean(axis=0)
    spread = np.sqrt((ranks**2).sum(axis=0))
    unit = np.divide(ranks, spread, out=np.zeros_like(ranks), where=spread > 0)
    apart = np.clip(1.0 - np.abs(unit.T @ unit), 0.0, 1.0)
    np.fill_diagonal(apart, 0.0)
    links = linkage(squareform(apart, checks=False), method="complete")
    return [int(group) for group in fcluster(links, 1.0 - LEAST_CORRELATION, criterion="distance")]
