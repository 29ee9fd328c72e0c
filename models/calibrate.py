"""Calibration: from a model's number to a probability a seller can multiply with money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

SMALLEST = 1e-6


@dataclass(frozen=True)
class Calibration:
    """probability = sigmoid(slope * log odds + intercept) (Platt 1999); the defaults change nothing."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, probability: np.ndarray) -> np.ndarray:
        """One calibrated probability per given one; the ranking stays the same."""
        return expit(self.slope * log_odds(probability) + self.intercept)


def fit_calibration(probability: np.ndarray, label: np.ndarray) -> Calibration:
    """The slope and intercept that fit `label` (0 or 1) best; the slope never turns the ranking round."""
    fitted = LogisticRegression(C=1e6).fit(log_odds(probability)[:, None], label)
    slope = float(fitted.coef_[0, 0])
    return Calibration(slope, float(fitted.intercept_[0])) if slope > 0 else Calibration()


def log_odds(probability: np.ndarray) -> np.ndarray:
    return logit(np.clip(probability, SMALLEST, 1 - SMALLEST))
