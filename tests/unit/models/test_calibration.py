"""Calibration: every kind improves probabilities, keeps the ranking and can be stored."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.learner.calibration import KINDS, Curve, fit_calibration, from_numbers, to_numbers
from models.learner.venn_abers import fit_venn_abers


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "none"])
def test_calibration_repairs_overconfidence(kind: str) -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(20_000) * 0.4 + 0.05
    label = (rng.random(20_000) < truth).astype(int)
    odds = np.log(truth / (1 - truth))
    overconfident = 1 / (1 + np.exp(-2 * odds))
    fitted = fit_calibration(kind, overconfident, label)
    calibrated = fitted.apply(overconfident)
    assert abs(calibrated - truth).mean() < 0.02 < abs(overconfident - truth).mean()
    assert (np.diff(calibrated[np.argsort(overconfident)]) >= 0).all(), (
        "the ranking is never reversed"
    )
    assert from_numbers(json.loads(json.dumps(to_numbers(fitted)))) == fitted


def test_beta_calibration_recovers_its_own_curve() -> None:
    rng = np.random.default_rng(4)
    raw = rng.beta(1, 6, 200_000)
    curve = Curve(a=0.7, b=2.0, c=-0.5)
    label = (rng.random(len(raw)) < curve.apply(raw)).astype(int)
    assert abs(fit_calibration("beta", raw, label).apply(raw) - curve.apply(raw)).max() < 0.03
    assert Curve().apply(np.array([0.2, 0.9])).tolist() == pytest.approx([0.2, 0.9])


@pytest.mark.parametrize("kind", ["platt", "beta"])
def test_a_ranking_is_never_reversed(kind: str) -> None:
    assert fit_calibration(kind, np.array([0.1, 0.2, 0.8, 0.9]), np.array([1, 1, 0, 0])) == Curve()


def test_an_unknown_calibration_is_reported() -> None:
    with pytest.raises(ValueError, match="one of none, platt.*; it is 'isotone'"):
        fit_calibration("isotone", np.array([0.1, 0.9]), np.array([0, 1]))


def test_venn_abers_by_hand() -> None:
    """Scores 0.1 (not disputed) and 0.9 (disputed), plus a new order.

    At 0.1: as if not disputed 0 of 2, as if disputed 1 of 2. At 0.9: 1 of 2 and 2 of 2.
    """
    fitted = fit_venn_abers(np.array([0.1, 0.9]), np.array([0, 1]))
    low, high = fitted.bounds(np.array([0.1, 0.9]))
    assert (low.tolist(), high.tolist()) == ([0.0, 0.5], [0.5, 1.0])
    assert fitted.apply(np.array([0.1, 0.9])).tolist() == pytest.approx([0.5 / 1.5, 1.0 / 1.5])


def test_repeated_nights_do_not_narrow_venn_abers_bounds() -> None:
    rng = np.random.default_rng(5)
    score = rng.random(500)
    label = (rng.random(500) < score).astype(int)
    once = fit_venn_abers(score, label)
    again = fit_venn_abers(np.tile(score, 10), np.tile(label, 10), evidence=0.1)
    assert again.low == pytest.approx(once.low)
    assert again.high == pytest.approx(once.high)
