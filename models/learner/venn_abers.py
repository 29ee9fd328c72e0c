"""Venn-Abers: two probabilities for one order, one as if it were disputed and one as if not; the
truth lies between.

Inductive Venn-Abers predictors (Vovk, Petej & Fedorova 2015): isotonic regression on the
calibration rows and the new one, once with each label. Their distance says how much the calibration
rows know about such an order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import isotonic_regression

# calibration rows are pooled into this many equally filled groups, so that a fitted table stays
# small and quick
GROUPS = 200


@dataclass(frozen=True)
class VennAbers:
    """`edges` (groups - 1) part the scores into groups; `low` and `high` (groups) are p0 and p1 of
    each."""

    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def bounds(self, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p0 and p1 per given probability, p0 < p1."""
        group = np.searchsorted(np.asarray(self.edges), probability, side="right")
        return np.asarray(self.low)[group], np.asarray(self.high)[group]

    def apply(self, probability: np.ndarray) -> np.ndarray:
        """p1 / (1 - p0 + p1): the one probability with the least worst log loss between the two
        (same paper)."""
        low, high = self.bounds(probability)
        return np.asarray(high / (1.0 - low + high))


def fit_venn_abers(probability: np.ndarray, label: np.ndarray, evidence: float = 1.0) -> VennAbers:
    """The two isotonic regressions for a new order in each group.

    `evidence`: independent cases a row. The method takes rows for exchangeable; the nights of one
    order are not, so a row counts only as much as it brings of new orders, which widens the bounds
    and moves no share.
    """
    order = np.argsort(probability, kind="stable")
    sorted_score = probability[order]
    # rows of one score stay in one group
    edges = np.unique(sorted_score[[len(order) * k // GROUPS for k in range(1, GROUPS)]])
    edges = edges[edges > sorted_score[0]]
    group = np.searchsorted(edges, probability, side="right")
    count = np.bincount(group, minlength=len(edges) + 1) * evidence
    disputes = np.bincount(group, weights=label, minlength=len(edges) + 1) * evidence
    bounds = [
        [_fit_with(count, disputes, group=place, label=added) for place in range(len(count))]
        for added in (0.0, 1.0)
    ]
    return VennAbers(tuple(map(float, edges)), tuple(bounds[0]), tuple(bounds[1]))


def _fit_with(count: np.ndarray, disputes: np.ndarray, *, group: int, label: float) -> float:
    """The isotonic value of a group that one more order with `label` has joined."""
    count, disputes = count.copy(), disputes.copy()
    count[group] += 1.0
    disputes[group] += label
    return float(isotonic_regression(disputes / count, sample_weight=count)[group])
