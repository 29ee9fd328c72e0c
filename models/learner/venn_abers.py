"""Venn-Abers calibration: a pair of probabilities per order that bounds the calibrated one.

Inductive Venn-Abers predictors (Vovk, Petej & Fedorova 2015): isotonic regression on the
calibration rows plus the new one, once with label 0 and once with label 1. The distance between the
two shows how much the calibration rows say about such an order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import isotonic_regression

# calibration rows are pooled into this many groups of equal size, so that a fitted table stays
# small and fast
GROUPS = 200


@dataclass(frozen=True)
class VennAbers:
    """p0 (`low`) and p1 (`high`) of each group of scores; `edges` (groups - 1) separates the
    groups.
    """

    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def bounds(self, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p0 and p1 per raw probability; p0 < p1."""
        group = np.searchsorted(np.asarray(self.edges), probability, side="right")
        return np.asarray(self.low)[group], np.asarray(self.high)[group]

    def apply(self, probability: np.ndarray) -> np.ndarray:
        """p1 / (1 - p0 + p1): the probability with the smallest worst-case log loss between the
        two.

        Source: same paper.
        """
        low, high = self.bounds(probability)
        return np.asarray(high / (1.0 - low + high))


def fit_venn_abers(probability: np.ndarray, label: np.ndarray, evidence: float = 1.0) -> VennAbers:
    """Fit the two isotonic regressions for a new order in each group.

    `evidence` is the number of independent cases per row. The method assumes exchangeable rows, but
    the nights of one order are not. A row therefore counts only as much as it adds new orders; this
    widens the bounds and leaves every share as it is.
    """
    order = np.argsort(probability, kind="stable")
    sorted_score = probability[order]
    # rows with equal scores stay in one group
    edges = np.unique(sorted_score[[len(order) * k // GROUPS for k in range(1, GROUPS)]])
    edges = edges[edges > sorted_score[0]]
    group = np.searchsorted(edges, probability, side="right")
    count = np.bincount(group, minlength=len(edges) + 1) * evidence
    disputes = np.bincount(group, weights=label, minlength=len(edges) + 1) * evidence
    bounds = [
        [_fit_with(count, disputes, group=number, label=added) for number in range(len(count))]
        for added in (0.0, 1.0)
    ]
    return VennAbers(tuple(map(float, edges)), tuple(bounds[0]), tuple(bounds[1]))


def _fit_with(count: np.ndarray, disputes: np.ndarray, *, group: int, label: float) -> float:
    """The isotonic value of a group after one more order with `label` joins it."""
    count, disputes = count.copy(), disputes.copy()
    count[group] += 1.0
    disputes[group] += label
    return float(isotonic_regression(disputes / count, sample_weight=count)[group])
