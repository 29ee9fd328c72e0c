"""Calibrate a model's scores to probabilities that a seller can multiply by money.

There are five kinds, all monotone and all stored as plain numbers. The libraries made for this
(betacal, venn-abers) keep fitted objects that only a pickle can store, or need all calibration rows
again for scoring; here a fitted calibration is a small table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from models.learner.venn_abers import VennAbers, fit_venn_abers

SMALLEST = 1e-6


@dataclass(frozen=True)
class Curve:
    """probability = sigmoid(a * ln p - b * ln(1 - p) + c); the defaults are the identity.

    Beta calibration (Kull, Silva Filho & Flach 2017); with a = b it is Platt scaling (1999).
    """

    a: float = 1.0
    b: float = 1.0
    c: float = 0.0

    def apply(self, probability: np.ndarray) -> np.ndarray:
        """One calibrated probability per raw one; the ranking does not change."""
        p = np.clip(probability, SMALLEST, 1 - SMALLEST)
        return np.asarray(expit(self.a * np.log(p) - self.b * np.log1p(-p) + self.c))


@dataclass(frozen=True)
class Steps:
    """Isotonic regression (Zadrozny & Elkan 2002).

    Values are interpolated linearly between the points and constant beyond them.
    """

    points: tuple[float, ...]
    values: tuple[float, ...]

    def apply(self, probability: np.ndarray) -> np.ndarray:
        """One calibrated probability per raw one; ties are possible, inversions are not."""
        return np.asarray(np.interp(probability, self.points, self.values))


Calibration = Curve | Steps | VennAbers
KINDS = ("none", "platt", "isotonic", "beta", "venn_abers")
_TYPES: dict[str, Callable[..., Calibration]] = {
    "Curve": Curve,
    "Steps": Steps,
    "VennAbers": VennAbers,
}


def fit_calibration(
    kind: str, probability: np.ndarray, label: np.ndarray, evidence: float = 1.0
) -> Calibration:
    """Fit a calibration of the given kind (one of `KINDS`) to `label`.

    `label` is 0 or 1 and must contain both. No kind reverses the ranking. `evidence` is the number
    of independent cases per row, in (0, 1], because the nights of one order share its outcome; only
    Venn-Abers uses it.

    Raises ValueError for an unknown kind.
    """
    if kind == "none":
        return Curve()
    if kind == "platt":
        return _fit_platt(probability, label)
    if kind == "beta":
        return _fit_beta(probability, label)
    if kind == "isotonic":
        return _fit_isotonic(probability, label)
    if kind == "venn_abers":
        return fit_venn_abers(probability, label, evidence)
    raise ValueError(f"calibration must be one of {', '.join(KINDS)}; it is {kind!r}.")


def to_numbers(calibration: Calibration) -> dict[str, Any]:
    """The calibration as a dict that JSON can store."""
    return {"type": type(calibration).__name__, **asdict(calibration)}


def from_numbers(numbers: Mapping[str, Any]) -> Calibration:
    """The inverse of `to_numbers`."""
    rest = {
        name: tuple(value) if isinstance(value, list) else value for name, value in numbers.items()
    }
    return _TYPES[str(rest.pop("type"))](**rest)


def log_odds(probability: np.ndarray) -> np.ndarray:
    """ln(p / (1 - p)), with p clipped away from 0 and 1."""
    return np.asarray(logit(np.clip(probability, SMALLEST, 1 - SMALLEST)))


def _fit_platt(probability: np.ndarray, label: np.ndarray) -> Curve:
    slope, intercept = _fit_logistic(log_odds(probability)[:, None], label)
    return Curve(slope[0], slope[0], intercept) if slope[0] > 0 else Curve()


def _fit_beta(probability: np.ndarray, label: np.ndarray) -> Curve:
    """Fit both slopes; if one is negative, set it to 0 and refit the other, as in the paper."""
    p = np.clip(probability, SMALLEST, 1 - SMALLEST)
    sides = np.column_stack([np.log(p), -np.log1p(-p)])
    (a, b), c = _fit_logistic(sides, label)
    if a < 0 or b < 0:
        kept = 1 if a < b else 0
        (slope,), c = _fit_logistic(sides[:, [kept]], label)
        a, b = (slope, 0.0) if kept == 0 else (0.0, slope)
    return Curve(a, b, c) if min(a, b) >= 0 and a + b > 0 else Curve()


def _fit_logistic(columns: np.ndarray, label: np.ndarray) -> tuple[list[float], float]:
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(columns, label)
    return [float(value) for value in fitted.coef_[0]], float(fitted.intercept_[0])


def _fit_isotonic(probability: np.ndarray, label: np.ndarray) -> Steps:
    fitted = IsotonicRegression(out_of_bounds="clip").fit(probability, label)
    # a share of 0 or 1 rests on finitely many rows, so no probability is exactly 0 or 1
    least = 1.0 / (len(label) + 2.0)
    values = np.clip(fitted.y_thresholds_, least, 1.0 - least)
    return Steps(tuple(map(float, fitted.X_thresholds_)), tuple(map(float, values)))
