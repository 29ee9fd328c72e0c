"""Metrics under many weightings equal scikit-learn's, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from models.comparison.weighted_metrics import AT_ONCE, weighted_metrics


def test_every_weighting_equals_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    score = np.round(rng.random(300), 2)  # with ties
    label = (rng.random(300) < score).astype(int)
    weights = rng.integers(0, 4, (AT_ONCE + 3, 300)) * 0.5
    metrics = weighted_metrics(label, score, weights)
    for row, weight in enumerate(weights):
        assert metrics["auc"][row] == pytest.approx(
            roc_auc_score(label, score, sample_weight=weight)
        )
        assert metrics["average_precision"][row] == pytest.approx(
            average_precision_score(label, score, sample_weight=weight)
        )
        assert metrics["log_loss"][row] == pytest.approx(
            log_loss(label, score, sample_weight=weight)
        )


def test_one_class_has_no_ranking_and_a_rule_no_log_loss() -> None:
    metrics = weighted_metrics(
        np.array([0, 1]), np.array([3.0, 9.0]), np.array([[1.0, 0.0], [1.0, 1.0]])
    )
    assert np.isnan(metrics["auc"][0])
    assert np.isnan(metrics["average_precision"][0])
    assert metrics["auc"][1] == 1.0
    assert np.isnan(metrics["log_loss"]).all()
