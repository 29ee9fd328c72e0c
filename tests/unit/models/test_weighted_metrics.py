"""Metrics under many weightings equal scikit-learn's, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from models.comparison.weighted_metrics import AT_ONCE, excess_log_loss, weighted_metrics


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


def test_a_chance_counts_as_a_part_of_both_outcomes() -> None:
    """The metrics of chances are those of each row taken once disputed and once undisputed."""
    rng = np.random.default_rng(2)
    risk, score = rng.random(200) ** 3, np.round(rng.random(200), 2)
    weights = rng.integers(0, 3, (4, 200)) * 1.0
    both = weighted_metrics(
        np.repeat([1, 0], 200),
        np.tile(score, 2),
        np.concatenate([weights * risk, weights * (1 - risk)], axis=1),
    )
    for name, values in weighted_metrics(risk, score, weights).items():
        assert values == pytest.approx(both[name]), name


def test_outcomes_drawn_from_the_chances_have_these_metrics_on_average() -> None:
    rng = np.random.default_rng(3)
    risk = rng.random(3_000) ** 3
    score = np.clip(risk + rng.normal(0.0, 0.1, len(risk)), 0.01, 0.99)
    ones = np.ones((1, len(risk)))
    expected = weighted_metrics(risk, score, ones)
    drawn = [
        weighted_metrics((rng.random(len(risk)) < risk).astype(int), score, ones) for _ in range(40)
    ]
    for name, value in expected.items():
        assert np.mean([each[name] for each in drawn]) == pytest.approx(value[0], abs=0.004), name


def test_the_excess_is_the_divergence_from_the_true_risk() -> None:
    risk, ones = np.array([0.5, 0.1]), np.ones((1, 2))
    assert excess_log_loss(risk, risk, ones)[0] == 0.0
    # by hand: half of 0.5 ln(0.5 / 0.2) + 0.5 ln(0.5 / 0.8)
    assert excess_log_loss(risk, np.array([0.2, 0.1]), ones)[0] == pytest.approx(0.5 * 0.2231436)
