"""What is assumed of an action before anything is measured: the share of disputes that it prevents,
and how much the first days overstate it.

This module imports little: the settings and the action files need it in every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, log1p, sqrt

# the action of held-out orders
NOTHING = "nothing"
# what holds at every stage
EVERY_STAGE = "all"
# the largest assumed share that has a logarithm, and the most harm that can be assumed
MOST_ASSUMED, LEAST_ASSUMED = 0.999, -1.0


@dataclass(frozen=True)
class AssumedShare:
    """The assumed share of disputes prevented: a Beta distribution, its weight in disputes."""

    mean: float
    weight: float

    def log_left(self, least_spread: float, spread_factor: float = 1.0) -> tuple[float, float]:
        """Mean and standard deviation of log(1 - share).

        The log-normal distribution with the mean of the Beta, so that without data the mean share
        is the assumption, and its spread times `spread_factor`. No Beta has shares below 0, and one
        with mean 0 is certain; `least_spread` leaves room for harm.
        """
        mean = min(max(self.mean, LEAST_ASSUMED), MOST_ASSUMED)
        odds = max(mean, 0.0) / (1.0 - mean)
        variance = max(log1p(odds / (self.weight + 1.0)) * spread_factor**2, least_spread**2)
        return log1p(-mean) - variance / 2.0, sqrt(variance)


@dataclass(frozen=True)
class AssumedDelay:
    """How much the first days overstate an action: log of (disputes left early / left in the end).

    A postponed dispute makes `log_ratio` negative. Waning words do as well, so no action is without
    a spread.
    """

    log_ratio: float = 0.0
    spread: float = 0.1

    @classmethod
    def between(cls, early: AssumedShare, in_the_end: AssumedShare) -> AssumedDelay:
        """The delay of an action that seems to prevent `early` and prevents `in_the_end`."""
        variance = sum(share.log_left(0.0)[1] ** 2 for share in (early, in_the_end))
        ratio = log((1.0 - early.mean) / (1.0 - in_the_end.mean))
        return cls(ratio, max(sqrt(variance), cls.spread))
