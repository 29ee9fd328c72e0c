"""Measure whether contacting works: disputes of contacted buyers compared with the hold-out.

Buyers were assigned to the two arms at random, so the difference is the effect of being on the list
(intention to treat): a buyer skipped by an agent stays in the assigned arm. Orders of one buyer are
not independent, so all variances are of sums per buyer. The model's own probability, known before
any message was sent, explains part of the outcome in both arms alike; subtracting it narrows the
interval without bias (CUPED: Deng et al. 2013).

There are three intervals. `difference` is valid at a planned date (normal). `always_valid` is valid
on any night, however often it is checked (an asymptotic confidence sequence, Waudby-Smith et al.
2024, Annals of Statistics 52). `among_contacted` is for the effect on buyers who were really
contacted (the arm as an instrument, Imbens & Angrist 1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

Z95 = float(ndtri(0.975))
ALPHA = 0.05
# the always valid interval is narrowest at this number of buyers
TIGHTEST_AT = 5_000
LEAST_BUYERS = 2


@dataclass(frozen=True)
class Sums:
    """Sums per buyer.

    `held` (bool) is the arm, `count` the number of orders, `outcome` the disputes, `forecast` the
    sum of the model's probabilities, and `contacted` the number of contacted orders.
    """

    held: np.ndarray
    count: np.ndarray
    outcome: np.ndarray
    forecast: np.ndarray
    contacted: np.ndarray

    @classmethod
    def of(
        cls,
        buyer: np.ndarray,
        held: np.ndarray,
        outcome: np.ndarray,
        forecast: np.ndarray,
        contacted: np.ndarray,
    ) -> Sums:
        """Build the sums from one value per order.

        Buyers keep the order of their first appearance.
        """
        _, first, sorted_number = np.unique(buyer, return_index=True, return_inverse=True)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        buyer_number = rank[sorted_number]
        ones = np.ones(len(buyer_number))
        sums = [
            np.bincount(buyer_number, values, len(first))
            for values in (ones, outcome, forecast, contacted.astype(np.float64))
        ]
        arm = np.zeros(len(first), dtype=bool)
        arm[buyer_number] = held
        return cls(arm, *sums)

    def has_both(self) -> bool:
        """Whether each arm has at least `LEAST_BUYERS` buyers."""
        return min(int(self.held.sum()), int((~self.held).sum())) >= LEAST_BUYERS


@dataclass(frozen=True)
class Effect:
    """An estimate per order with its 95 % interval; negative means disputes were prevented.

    `reduction` is the share of the variance that the forecast removed.
    """

    estimate: float
    low: float
    high: float
    reduction: float = 0.0

    @property
    def is_settled(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0.0 or self.high < 0.0


def difference(sums: Sums, *, adjusted: bool = True) -> Effect | None:
    """Mean outcome per order of contacted buyers minus that of the hold-out.

    Return None if an arm has fewer than two buyers.
    """
    if not sums.has_both():
        return None
    plain = _variance(sums, sums.outcome)
    if not adjusted:
        return _normal(_gap(sums, sums.outcome), plain)
    residual = sums.outcome - slope(sums) * (sums.forecast - sums.count * _mean_forecast(sums))
    variance = _variance(sums, residual)
    return _normal(_gap(sums, residual), variance, 1.0 - variance / plain if plain > 0 else 0.0)


def among_contacted(sums: Sums) -> Effect | None:
    """The same effect per order that was really contacted.

    Return None if the share of contacted orders hardly differs between the arms.
    """
    if not sums.has_both():
        return None
    contacted_gap = _gap(sums, sums.contacted)
    if contacted_gap < 0.05:
        return None
    residual = sums.outcome - slope(sums) * (sums.forecast - sums.count * _mean_forecast(sums))
    effect = _gap(sums, residual) / contacted_gap
    return _normal(effect, _variance(sums, residual - effect * sums.contacted) / contacted_gap**2)


def always_valid(sums: Sums, holdout_share: float) -> Effect | None:
    """The effect per order, with an interval that may be checked on every night.

    It covers the truth on all nights together with 95 %, asymptotically. `holdout_share` is the
    probability of being held out. Each buyer's score is the outcome minus the forecast, divided by
    the probability of the buyer's arm. Scores are independent, and their mean is the effect per
    buyer.
    """
    if not sums.has_both():
        return None
    forecast = slope(sums) * sums.forecast
    residual = (
        sums.outcome
        - forecast
        - sums.count * (sums.outcome.sum() - forecast.sum()) / sums.count.sum()
    )
    score = residual * np.where(sums.held, -1.0 / holdout_share, 1.0 / (1.0 - holdout_share))
    buyers, per_buyer = len(score), sums.count.mean()
    rho = (-2.0 * np.log(ALPHA) + np.log(-2.0 * np.log(ALPHA) + 1.0)) / TIGHTEST_AT
    scaled_buyers = buyers * rho + 1.0
    # the spread of a few held-out buyers is unreliable, so the variance is at least what all buyers
    # together show
    variance = max(
        score.var(), float((residual**2).mean()) / (holdout_share * (1.0 - holdout_share))
    )
    half_width = np.sqrt(
        variance * 2.0 * scaled_buyers / (buyers**2 * rho) * np.log(np.sqrt(scaled_buyers) / ALPHA)
    )
    mean = score.mean()
    return Effect(
        float(mean / per_buyer),
        float((mean - half_width) / per_buyer),
        float((mean + half_width) / per_buyer),
    )


def slope(sums: Sums) -> float:
    """Slope of the outcome on the forecast, within the arms."""
    over = under = 0.0
    for arm in (sums.held, ~sums.held):
        count = sums.count[arm]
        x = sums.forecast[arm] - count * sums.forecast[arm].sum() / count.sum()
        y = sums.outcome[arm] - count * sums.outcome[arm].sum() / count.sum()
        over, under = over + float(x @ y), under + float(x @ x)
    return over / under if under > 0 else 0.0


def buyers_needed(
    rate: float, cut: float, holdout_share: float, *, reduction: float = 0.0, power: float = 0.8
) -> float:
    """Buyers in both arms together, one order each, needed to detect a cut of the dispute rate.

    `cut` is relative to `rate`. The test is two-sided at 5 % and detects the cut with probability
    `power`. Source: Fleiss, Statistical Methods for Rates and Proportions, 4.1, without a
    continuity correction.
    """
    sent = rate * (1.0 - cut)
    variance = sent * (1.0 - sent) / (1.0 - holdout_share) + rate * (1.0 - rate) / holdout_share
    return float((Z95 + ndtri(power)) ** 2 * variance * (1.0 - reduction) / (rate * cut) ** 2)


def _mean_forecast(sums: Sums) -> float:
    return float(sums.forecast.sum() / sums.count.sum())


def _gap(sums: Sums, values: np.ndarray) -> float:
    sent, held = ~sums.held, sums.held
    return float(
        values[sent].sum() / sums.count[sent].sum() - values[held].sum() / sums.count[held].sum()
    )


def _variance(sums: Sums, values: np.ndarray) -> float:
    """Variance of `_gap`: each arm's ratio of sums, by the spread of its buyers (delta method).

    A small hold-out with few disputes has too small a spread by chance as often as too large a one,
    and then it also seems too good. Each arm is therefore given at least the spread of both arms
    together, which is the true one if messages change nothing.
    """
    arms, spreads, residuals = (sums.held, ~sums.held), [], np.zeros(len(values))
    for arm in arms:
        count, arm_values = sums.count[arm], values[arm]
        residual = arm_values - count * arm_values.sum() / count.sum()
        residuals[arm] = residual
        spreads.append(float(residual @ residual) / (len(residual) - 1.0))
    pooled_spread = float(residuals @ residuals) / (len(residuals) - 2.0)
    variance = sum(
        max(own_spread, pooled_spread) * int(arm.sum()) / sums.count[arm].sum() ** 2
        for arm, own_spread in zip(arms, spreads, strict=True)
    )
    return float(variance)


def _normal(estimate: float, variance: float, reduction: float = 0.0) -> Effect:
    half_width = Z95 * float(np.sqrt(variance))
    return Effect(
        float(estimate),
        float(estimate - half_width),
        float(estimate + half_width),
        float(reduction),
    )
