"""How good scores are, against outcomes and against the true risk of a simulated store."""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score


def measure(score: np.ndarray, label: np.ndarray, truth: np.ndarray, step: int) -> dict[str, float]:
    """AUC, average precision and log loss against `label` (one value per row) and, for each
    `step`-th row, against `truth`.

    `true_auc` and `true_ap` are what outcomes drawn from the truth would give on average,
    `true_log_loss` is the log loss beyond that of the truth itself.
    """
    auc, ap = _ranking(label, score)
    sample = np.clip(score[::step], 1e-6, 1 - 1e-6)
    both = np.repeat([1, 0], len(truth))
    true_auc, true_ap = _ranking(both, np.tile(sample, 2), np.concatenate([truth, 1 - truth]))
    return {
        "auc": auc,
        "ap": ap,
        "log_loss": float(log_loss(label, score)),
        "mean_p": float(score.mean()),
        "rate": float(label.mean()),
        "true_rate": float(truth.mean()),
        "true_auc": true_auc,
        "true_ap": true_ap,
        "true_log_loss": float(beyond_truth(sample, truth).mean()),
    }


def beyond_truth(score: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The expected log loss of each row beyond that of the truth itself; both (rows,)."""
    return np.asarray(rel_entr(truth, score) + rel_entr(1 - truth, 1 - score))


def _ranking(
    label: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None
) -> tuple[float, float]:
    return (
        float(roc_auc_score(label, score, sample_weight=weight)),
        float(average_precision_score(label, score, sample_weight=weight)),
    )
