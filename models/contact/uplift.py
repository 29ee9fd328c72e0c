"""Does it work? Disputes of those who were sent messages beside those of the hold-out, with
intervals.

Buyers were put into the two arms by lot, so the difference is the effect of being on the list
(intention to treat): whoever was skipped by an agent stays where the lot put him. Orders of one
buyer are not independent, so all variances are of sums per buyer. The model's own probability,
known before anything was sent, explains part of the outcome in both arms alike; taking it off
narrows the interval and shifts nothing (CUPED: Deng et al. 2013).

Three intervals: at a planned date (`difference`: normal); on any night, however often one looked
(`always_valid`: an asymptotic confidence sequence, Waudby-Smith et al. 2024, Annals of Statistics
52); and of the effect on those who really were written to (`among_contacted`: the arm as an
instrument, Imbens & Angrist 1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

Z95 = float(ndtri(0.975))
ALPHA = 0.05
# the always valid interval is made to be narrowest when so many buyers have been seen
TIGHTEST_AT = 5_000
LEAST_BUYERS = 2


@dataclass(frozen=True)
class Sums:
    """Sums per buyer: `held` (bool), `count` of orders, `outcome`, `forecast` (what the model's
    probabilities foretold of the outcome), `contacted` orders."""

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
        """From one value per order; buyers stay in the order in which they first come."""
        _, first, number = np.unique(buyer, return_index=True, return_inverse=True)
        place = np.empty(len(first), dtype=np.int64)
        place[np.argsort(first)] = np.arange(len(first))
        code = place[number]
        ones = np.ones(len(code))
        sums = [
            np.bincount(code, v, len(first))
            for v in (ones, outcome, forecast, contacted.astype(np.float64))
        ]
        arm = np.zeros(len(first), dtype=bool)
        arm[code] = held
        return cls(arm, *sums)

    def has_both(self) -> bool:
        return min(int(self.held.sum()), int((~self.held).sum())) >= LEAST_BUYERS


@dataclass(frozen=True)
class Effect:
    """An estimate per order with its 95 % interval; below 0: prevented. `reduction`: the share of
    the variance that the forecast took off."""

    estimate: float
    low: float
    high: float
    reduction: float = 0.0

    @property
    def is_settled(self) -> bool:
        return self.low > 0.0 or self.high < 0.0


def difference(sums: Sums, *, adjusted: bool = True) -> Effect | None:
    """Mean outcome per order of those sent less that of the hold-out; None without two buyers in
    each arm."""
    if not sums.has_both():
        return None
    plain = _variance(sums, sums.outcome)
    if not adjusted:
        return _normal(_gap(sums, sums.outcome), plain)
    left = sums.outcome - slope(sums) * (sums.forecast - sums.count * _mean_forecast(sums))
    variance = _variance(sums, left)
    return _normal(_gap(sums, left), variance, 1.0 - variance / plain if plain > 0 else 0.0)


def among_contacted(sums: Sums) -> Effect | None:
    """The same per order that was really written to; None where the arms hardly differ in that."""
    if not sums.has_both():
        return None
    taken = _gap(sums, sums.contacted)
    if taken < 0.05:
        return None
    left = sums.outcome - slope(sums) * (sums.forecast - sums.count * _mean_forecast(sums))
    effect = _gap(sums, left) / taken
    return _normal(effect, _variance(sums, left - effect * sums.contacted) / taken**2)


def always_valid(sums: Sums, holdout_share: float) -> Effect | None:
    """The effect per order, with an interval that may be looked at on every night: it covers the
    truth on all of them together with 95 %, in the limit.

    `holdout_share`: the chance with which a buyer was held out. Each buyer's score is the outcome
    that the forecast left, over that chance; scores are independent, and their mean is the effect
    per buyer.
    """
    if not sums.has_both():
        return None
    forecast = slope(sums) * sums.forecast
    left = (
        sums.outcome
        - forecast
        - sums.count * (sums.outcome.sum() - forecast.sum()) / sums.count.sum()
    )
    score = left * np.where(sums.held, -1.0 / holdout_share, 1.0 / (1.0 - holdout_share))
    buyers, per_buyer = len(score), sums.count.mean()
    rho = (-2.0 * np.log(ALPHA) + np.log(-2.0 * np.log(ALPHA) + 1.0)) / TIGHTEST_AT
    grown = buyers * rho + 1.0
    # with few held out, their own spread says too little: what all buyers together show of it is
    # the least
    variance = max(score.var(), float((left**2).mean()) / (holdout_share * (1.0 - holdout_share)))
    half = np.sqrt(variance * 2.0 * grown / (buyers**2 * rho) * np.log(np.sqrt(grown) / ALPHA))
    mean = score.mean()
    return Effect(
        float(mean / per_buyer), float((mean - half) / per_buyer), float((mean + half) / per_buyer)
    )


def slope(sums: Sums) -> float:
    """How much of the outcome goes with the forecast, within the arms."""
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
    """Buyers of both arms together, one order each, with whom a cut of the dispute rate by that
    share is seen (two sided, 5 %) as often as `power` says: Fleiss, Statistical Methods for Rates
    and Proportions, 4.1, without a continuity correction."""
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
    """Of `_gap`: each arm's ratio of sums, by the spread of its buyers around it (the delta
    method).

    A small hold-out with few disputes spreads too little by chance as often as too much, and then
    it also seems too good. So an arm spreads at least as both arms together do, which is the truth
    where messages change nothing.
    """
    arms, spread, whole = (sums.held, ~sums.held), [], np.zeros(len(values))
    for arm in arms:
        count, of_arm = sums.count[arm], values[arm]
        left = of_arm - count * of_arm.sum() / count.sum()
        whole[arm] = left
        spread.append(float(left @ left) / (len(left) - 1.0))
    both = float(whole @ whole) / (len(whole) - 2.0)
    return sum(
        max(own, both) * int(arm.sum()) / sums.count[arm].sum() ** 2
        for arm, own in zip(arms, spread, strict=True)
    )


def _normal(estimate: float, variance: float, reduction: float = 0.0) -> Effect:
    half = Z95 * float(np.sqrt(variance))
    return Effect(float(estimate), float(estimate - half), float(estimate + half), float(reduction))
