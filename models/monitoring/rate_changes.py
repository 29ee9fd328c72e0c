"""Check whether the dispute rate of products or suppliers rose, at any time in the last 90 days.

A product's own rate is not known, so its orders are compared with each other. If nothing changed,
each of its disputes falls on the orders from a given day on with a chance equal to their share of
the expected disputes, whatever the rate. The evidence for "from that day on the rate is `times` as
high" is the likelihood ratio of these binomial counts. It does not depend on the rate, and its mean
is at most 1 without a change. For two Poisson processes it is also a martingale from night to night
(the Bayes factor with a prior of 1 / rate; Hendriksen, de Heide & Gruenwald 2021). A supplier's
evidence is the product over its products, so that a new product with a rate of its own is no
change.

Young orders need no waiting: their expected disputes are those of their age. The day of a change is
unknown, so the ratios of all days are added up and compared with the threshold of
`models.monitoring.sequential_monitoring`. A stream's share of alpha is its share of the orders
(weighted Bonferroni; Genovese, Roeder & Wasserman 2006), so that many small products do not hide a
change of a large one.

A review on a planned day needs less evidence: `risen_on_one_day` is an exact binomial test of the
last 30 and 90 days. Of the disputes of several products, each falls on recent orders with a chance
of its own; the binomial tail with their mean chance is an upper bound (Hoeffding 1956).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, logsumexp

from features.clock import in_closed_days
from models.monitoring.sequential_monitoring import LOOKBACK_NIGHTS, RISES, level_of

# a rise within this factor is no change, as for the whole store (`rise` of config.toml), because
# the factors of lanes and buyers are estimates
TOLERANCE = 1.15

# of the reviews of a store without a change, this share shows a supplier that seems to have become
# worse, and this share a product
REVIEW_ALPHA = 0.05


@dataclass(frozen=True)
class OrderCounts:
    """The orders of all products, one value per order and product in it.

    `product` holds numbers from 0 and `day` the days on which the orders became known. `disputes`
    holds 0, 1 or the product's part of the dispute; `expected` the disputes expected by now at one
    rate for all, up to a factor per product.
    """

    product: np.ndarray
    day: np.ndarray
    disputes: np.ndarray
    expected: np.ndarray


@dataclass(frozen=True)
class RateChange:
    """Per stream: `evidence` (log), the most likely first day of the rise, its `level` and its
    `weight`, the stream's share of the orders."""

    evidence: np.ndarray
    since_day: np.ndarray
    level: np.ndarray
    weight: np.ndarray


def rate_rises(
    counts: OrderCounts,
    stream: np.ndarray,
    as_of_day: int,
    share: float,
    tolerance: float = TOLERANCE,
) -> RateChange:
    """Judge each stream on the day `as_of_day`.

    `stream` is the number of each product's stream; all streams together get `share` of alpha.
    `tolerance` is the rise that is not reported.
    """
    number, products = int(stream.max(initial=-1)) + 1, len(stream)
    disputes, expected = (
        np.bincount(counts.product, values, products)
        for values in (counts.disputes, counts.expected)
    )
    # without a dispute the ratio of a product is 1
    has_some = np.flatnonzero(disputes > 0)
    after = _from_day_on(counts, has_some, products, as_of_day)
    totals = disputes[has_some], expected[has_some]
    by_day = np.full((number, LOOKBACK_NIGHTS), -np.inf)
    for times in RISES:
        ratios = np.zeros_like(by_day)
        np.add.at(ratios, stream[has_some], _log_ratios(totals, after, tolerance, times))
        np.logaddexp(by_day, ratios - np.log(len(RISES)), out=by_day)
    evidence = logsumexp(by_day, axis=1)
    weight = np.bincount(stream, expected, number) / max(expected.sum(), 1e-9)
    families = [(share, 1.0 / max(part, 1e-9)) for part in weight]
    levels = [level_of(float(e), family) for e, family in zip(evidence, families, strict=True)]
    since = as_of_day - LOOKBACK_NIGHTS + by_day.argmax(axis=1)
    return RateChange(evidence, since, np.array(levels, dtype=object), weight)


def risen_on_one_day(
    counts: OrderCounts,
    stream: np.ndarray,
    as_of_day: int,
    windows: Sequence[int],
    alpha: float = REVIEW_ALPHA,
    tolerance: float = TOLERANCE,
) -> np.ndarray:
    """Whether each stream's rate rose within one of the `windows` (days), as of a planned day.

    In a store without a change, a share of at most `alpha` of such days shows any stream.
    """
    number, products = int(stream.max(initial=-1)) + 1, len(stream)

    def sums(values: np.ndarray) -> np.ndarray:
        return np.bincount(counts.product, values, products)

    disputes, expected = sums(counts.disputes), sums(counts.expected)
    weight = np.bincount(stream, expected, number) / max(expected.sum(), 1e-9)
    all_disputes = np.bincount(stream, disputes, number)
    has_risen = np.zeros(number, dtype=bool)
    for days in windows:
        first, last = np.array(as_of_day - days), np.array(as_of_day - 1)
        is_recent = in_closed_days(counts.day, first, last)
        recent = tolerance * sums(counts.expected * is_recent)
        before = np.maximum(expected - recent / tolerance, 0.0)
        share = np.divide(recent, before + recent, out=np.ones(products), where=before > 0)
        recent_disputes = np.bincount(stream, sums(counts.disputes * is_recent), number)
        mean_share = np.bincount(stream, disputes * share, number) / np.maximum(all_disputes, 1e-9)
        p = binomial_tail(recent_disputes, all_disputes, mean_share)
        has_risen |= p <= alpha * weight / len(windows)
    return has_risen


def binomial_tail(count: np.ndarray, of: np.ndarray, share: np.ndarray) -> np.ndarray:
    """P(at least `count` of `of`, each with the chance `share`); counts may have fractions."""
    is_certain = (count <= 0) | (share >= 1)
    above = np.where(is_certain, 1.0, count)
    below = np.where(is_certain, 1.0, np.maximum(of - count, 0.0) + 1.0)
    return np.where(is_certain, 1.0, betainc(above, below, np.minimum(share, 1.0)))


def _from_day_on(
    counts: OrderCounts, chosen: np.ndarray, products: int, as_of_day: int
) -> tuple[np.ndarray, np.ndarray]:
    """(chosen products, days): disputes and expected disputes of the orders from each of the last
    `LOOKBACK_NIGHTS` days on."""
    first, days = as_of_day - LOOKBACK_NIGHTS, LOOKBACK_NIGHTS
    number = np.full(products, -1)
    number[chosen] = np.arange(len(chosen))
    is_used = in_closed_days(counts.day, np.array(first), np.array(as_of_day - 1))
    is_used &= number[counts.product] >= 0
    cell = number[counts.product[is_used]] * days + (counts.day[is_used] - first)

    def sums(values: np.ndarray) -> np.ndarray:
        daily = np.bincount(cell, values[is_used], len(chosen) * days).reshape(-1, days)
        return np.cumsum(daily[:, ::-1], axis=1)[:, ::-1]

    return sums(counts.disputes), sums(counts.expected)


def _log_ratios(
    totals: tuple[np.ndarray, np.ndarray],
    after: tuple[np.ndarray, np.ndarray],
    tolerance: float,
    times: float,
) -> np.ndarray:
    """(products, days): log likelihood ratio of a rise to `tolerance` x `times` from the day on,
    against one to `tolerance`, given the number of disputes."""
    (disputes, expected), (late_disputes, late_expected) = totals, after
    before = np.maximum(expected[:, None] - late_expected, 0.0)
    allowed = before + tolerance * late_expected
    risen = before + tolerance * times * late_expected
    scale = np.log(np.maximum(allowed, 1e-12)) - np.log(np.maximum(risen, 1e-12))
    return np.asarray(late_disputes * np.log(times) + disputes[:, None] * scale)
