"""The dispute rate of a product and its uncertainty: beta-binomial, its family as the prior.

The prior of a product's rate is a Beta distribution with the mean and variance given by its
supplier and category (models/product/hierarchical_prior.py), for the lanes and buyers that it sells
to (its `mix`, below). The posterior is Beta(a + disputes, b + exposure - disputes). A young order
counts for the part of its risk that has already passed (features/indicators/product_exposure.py; to
first order in the rate, this is the chance that it is undisputed so far), and an order on a bad
lane counts for more. With few orders the rate stays near the family's; with many it is the
product's own.

Assumptions: orders of one product are disputed independently, given its rate; the rate does not
change within the lookback (models/product/recent_rates.py shows where it does); the dispute of an
order with two products counts for both. Sources: Efron & Morris 1975; Gelman et al., Bayesian Data
Analysis, 5.3.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc

from models.product.beta_rates import Posterior, prior_of, update
from models.product.hierarchical_prior import Families

DRAWS = 60
FIFTHS = 5
MIX_ORDERS = 50.0


def expected_mix(adjusted: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """The factor of a product's lanes and buyers for its future orders.

    It averages the factors of its own orders with `MIX_ORDERS` average orders of the store: two
    orders on a bad lane do not mean that the next hundred take it too.
    """
    return (adjusted + MIX_ORDERS) / (exposure + MIX_ORDERS)


def product_posterior(
    families: Families, mix: np.ndarray | float, disputes: np.ndarray, adjusted: np.ndarray
) -> Posterior:
    """Posterior of each product's rate.

    `adjusted` is the exposure with each order multiplied by its lane's and buyer's factors. `mix`
    is the average of these factors for future orders; 1 means the store's average.
    """
    return update(prior_of(families.mean * mix, families.variance), disputes, adjusted / mix)


def rank_stability(posterior: Posterior, rng: np.random.Generator) -> np.ndarray:
    """Per product: how often draws of all rates put it in the same fifth of the ranking as its
    mean.
    """
    count = len(posterior.above)
    if not count:
        return np.zeros(0)
    fifth = _fifths(posterior.mean)
    same = np.zeros(count)
    for _ in range(DRAWS):
        same += _fifths(posterior.draw(rng, 1)[0]) == fifth
    return np.asarray(same / DRAWS)


def _fifths(values: np.ndarray) -> np.ndarray:
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(values, kind="stable")] = np.arange(len(values))
    return rank * FIFTHS // len(values)


def chance_risen(
    shape: float, recent: tuple[np.ndarray, np.ndarray], before: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Chance that a product's recent rate is above its earlier one.

    `recent` and `before` are (disputes, expected disputes). Both rates are gamma(shape + disputes,
    shape + expected), and a ratio of two gammas is a beta (Johnson & Kotz 1970).
    """
    above, below = (shape + counts[0] for counts in (recent, before))
    scale = (shape + recent[1]) / (2.0 * shape + recent[1] + before[1])
    return np.asarray(1.0 - betainc(above, below, scale))


def chance_better(
    first: tuple[float, float], other: tuple[float, float], rng: np.random.Generator
) -> float:
    """P(rate of the first < rate of the other), each Beta(above, below)."""
    draws = rng.beta(*first, size=40_000) < rng.beta(*other, size=40_000)
    return float(draws.mean())


def orders_to_settle(
    first: tuple[float, float], other: tuple[float, float], sure: float, most: float = 1e6
) -> float | None:
    """How many more orders of each would settle which is better, if the rates are as estimated.

    The smallest n with |difference| = z x its standard deviation, where both posteriors get n more
    orders (normal approximation). Return None if this takes more than `most` orders, that is, if
    the two are alike.
    """
    from scipy.special import ndtri

    rates = [a / (a + b) for a, b in (first, other)]
    gap, z = abs(rates[0] - rates[1]), float(ndtri(sure))

    def is_settled(more: float) -> bool:
        spread = sum(
            r * (1 - r) / (a + b + 1 + more)
            for r, (a, b) in zip(rates, (first, other), strict=True)
        )
        return bool(gap >= z * np.sqrt(spread))

    if is_settled(0.0):
        return 0.0
    if not is_settled(most):
        return None
    low, high = 0.0, most
    while high - low > 1.0:
        middle = (low + high) / 2.0
        low, high = (low, middle) if is_settled(middle) else (middle, high)
    return float(np.ceil(high))
