"""Metrics under many weightings are those of scikit-learn, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from models.comparison.weighted_metrics import AT_ONCE, weighted_metrics


def test_every_weighting_is_scored_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(1)
    score = np.round(rng.random(300), 2)  # with ties
    label = (rng.random(300) < score).astype(int)
    weights = rng.integers(0, 4, (AT_ONCE + 3, 300)) * 0.5
    found = weighted_metrics(label, score, weights)
    for place, weight in enumerate(weights):
        assert found["auc"][place] == pytest.approx(
            roc_auc_score(label, score, sample_weight=weight)
        )
        assert found["average_precision"][place] == pytest.approx(
            average_precision_score(label, score, sample_weight=weight)
        )
        assert found["log_loss"][place] == pytest.approx(
            log_loss(label, score, sample_weight=weight)
        )


def test_one_outcome_has_no_ranking_and_a_rule_no_log_loss() -> None:
    found = weighted_metrics(
        np.array([0, 1]), np.array([3.0, 9.0]), np.array([[1.0, 0.0], [1.0, 1.0]])
    )
    assert np.isnan(found["auc"][0])
    assert np.isnan(found["average_precision"][0])
    assert found["auc"][1] == 1.0
    assert np.isnan(found["log_loss"]).all()
