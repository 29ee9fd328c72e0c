"""Rates as Beta distributions: priors, posteriors, and the likelihood of the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv, betaln

LEAST_SURE = 1.0


@dataclass(frozen=True)
class Posterior:
    """Beta(`above`, `below`) per product."""

    above: np.ndarray
    below: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        return np.asarray(self.above / (self.above + self.below))

    def quantile(self, share: float) -> np.ndarray:
        return np.asarray(betaincinv(self.above, self.below, share))

    def chance_over(self, limit: float | np.ndarray) -> np.ndarray:
        return np.asarray(1.0 - betainc(self.above, self.below, np.minimum(limit, 1.0)))

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """(count, products) array of draws."""
        return rng.beta(self.above, self.below, size=(count, len(self.above)))


def prior_of(mean: np.ndarray, variance: np.ndarray) -> Posterior:
    """The Beta distribution with this mean and relative variance (variance / mean squared)."""
    mean = np.clip(mean, 1e-6, 0.95)
    strength = np.maximum((1.0 - mean) / (mean * variance) - 1.0, LEAST_SURE)
    return Posterior(mean * strength, (1.0 - mean) * strength)


def update(prior: Posterior, disputes: np.ndarray, exposure: np.ndarray) -> Posterior:
    """Add orders to a prior; `exposure` is the unadjusted number of orders.

    It counts as at least the number of disputes.
    """
    return Posterior(prior.above + disputes, prior.below + np.maximum(exposure - disputes, 0.0))


def log_evidence(prior: Posterior, disputes: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Log probability of these orders being disputed under the prior, up to a constant.

    Beta-binomial, without the part that does not depend on the prior.
    """
    after = update(prior, disputes, exposure)
    return np.asarray(betaln(after.above, after.below) - betaln(prior.above, prior.below))
