"""Metrics of one scorer under many weightings of the same rows: sort once, sum often."""

from __future__ import annotations

import numpy as np

# weightings per batch: memory grows with rows times this number
AT_ONCE = 25
SMALLEST = 1e-15


def weighted_metrics(
    label: np.ndarray, score: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """`auc`, `average_precision` and `log_loss` of `score` for each row of `weights`.

    `label` and `score` have one value per row of data; `weights` has the shape (weightings, rows).
    Values equal scikit-learn's functions of the same names with `sample_weight`. NaN where a
    weighting leaves only one class, and for the log loss of scores that are not probabilities.

    A label may also be a chance between 0 and 1, such as the true risk of a simulated order-night.
    The row then counts as disputed with this weight and as undisputed with the rest, so the metrics
    are those of endless outcomes drawn from the chances: without the noise of one draw.
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    # rows with equal scores enter together: the curves have one point after the last of them
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    chance = label[order].astype(np.float64)
    parts = [
        _curves(weights[start : start + AT_ONCE][:, order], chance, ends)
        for start in range(0, len(weights), AT_ONCE)
    ]
    auc, precision = np.concatenate(parts, axis=1)
    return {
        "auc": auc,
        "average_precision": precision,
        "log_loss": _log_loss(label, score, weights),
    }


def excess_log_loss(risk: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How far the log loss of `score` is above that of the true `risk`, for each row of `weights`.

    This is the mean Kullback-Leibler divergence: 0 for the true risk itself, and never negative.
    """
    return np.asarray(_log_loss(risk, score, weights) - _log_loss(risk, risk, weights))


def _curves(weights: np.ndarray, chance: np.ndarray, ends: np.ndarray) -> np.ndarray:
    hits = np.cumsum(weights * chance, axis=1)[:, ends]
    misses = np.cumsum(weights * (1.0 - chance), axis=1)[:, ends]
    step_hits = np.diff(hits, axis=1, prepend=0.0)
    step_misses = np.diff(misses, axis=1, prepend=0.0)
    has_both = (hits[:, -1] > 0) & (misses[:, -1] > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        auc = (step_misses * (hits - step_hits / 2.0)).sum(axis=1) / (hits[:, -1] * misses[:, -1])
        precise = (
            np.where(step_hits > 0, step_hits * (hits / (hits + misses)), 0.0).sum(axis=1)
            / hits[:, -1]
        )
    return np.where(has_both, [auc, precise], np.nan)


def _log_loss(label: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    if score.min(initial=0.0) < 0 or score.max(initial=0.0) > 1:
        return np.full(len(weights), np.nan)
    clipped = np.clip(score, SMALLEST, 1 - SMALLEST)
    loss = -(label * np.log(clipped) + (1.0 - label) * np.log1p(-clipped))
    return np.asarray(weights @ loss / weights.sum(axis=1))
