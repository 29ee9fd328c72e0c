"""Empirical Bayes prior of a product's dispute rate, from its supplier and category.

A product's rate is (store's rate) x (category's factor) x (supplier's factor) x (its own factor).
Each factor is gamma with mean 1 and a shape estimated from the store's own data by likelihood. The
counts of products are beta-binomial. Negative binomial counts (a gamma mixture of Poisson counts,
good enough for the sums of suppliers and categories) would make products seem more alike than they
are, because an order is disputed at most once.

The factor of a supplier or category rests on the observed over expected disputes of its products. A
product counts for e a / (e + a) of its e expected disputes, where a is the shape among products: a
product with thousands of orders is still only one product (hierarchical credibility: Buehlmann &
Straub 1970, Jewell 1975). Suppliers sell in several categories, so the two are fitted in turn. A
product's own orders are left out of its family's factors; otherwise they would count twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from models.product.beta_rates import log_evidence, prior_of

SHAPES = np.geomspace(0.3, 300.0, 40)
ROUNDS = 4


@dataclass(frozen=True)
class Level:
    """Factors of suppliers or of categories: gamma(`above`, `below`), prior included.

    `shape` measures how similar they are.
    """

    shape: float
    above: np.ndarray
    below: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        return np.asarray(self.above / self.below)

    def of(
        self, codes: np.ndarray, less_above: np.ndarray, less_below: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and relative variance for each member, without its own orders.

        Code -1 means a member that was never seen.
        """
        is_seen = codes >= 0
        at = np.where(is_seen, codes, 0)
        above = np.where(is_seen, self.above[at] - less_above, self.shape)
        below = np.where(is_seen, self.below[at] - less_below, self.shape)
        return above / below, 1.0 / above


@dataclass(frozen=True)
class Families:
    """The fitted prior.

    `rate` is the store's rate, and `shape` measures how similar products of one family are. `mean`
    and `variance` are, per product, its family's rate and the relative variance of the product's
    rate around it, with its own orders left out.
    """

    rate: float
    shape: float
    supplier: Level
    category: Level
    mean: np.ndarray
    variance: np.ndarray

    def expect(self, supplier: np.ndarray, category: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and relative variance for products that were never sold."""
        none = np.zeros(len(supplier))
        return _multiply(
            self.rate,
            self.shape,
            self.supplier.of(supplier, none, none),
            self.category.of(category, none, none),
        )


def fit_families(
    disputes: np.ndarray, exposure: np.ndarray, supplier: np.ndarray, category: np.ndarray
) -> Families:
    """Fit the prior. Per product: disputes, adjusted exposure (orders), codes of supplier and
    category.
    """
    rate = float((disputes.sum() + 0.5) / (exposure.sum() + 10.0))
    shape = 4.0
    codes = {"supplier": supplier, "category": category}
    levels = {name: _no_level(of) for name, of in codes.items()}
    own = {name: (np.zeros(len(disputes)), np.zeros(len(disputes))) for name in codes}
    mean = np.full(len(disputes), rate)
    variance = np.full(len(disputes), 1.0 / shape)
    for _ in range(ROUNDS):
        for name, other in (("category", "supplier"), ("supplier", "category")):
            expected = exposure * rate * levels[other].mean[codes[other]]
            levels[name], own[name] = _fit_level(disputes, expected, shape, codes[name])
        of_each = [levels[name].of(codes[name], *own[name]) for name in codes]
        grid = [prior_of(*_multiply(rate, one, *of_each)) for one in SHAPES]
        shape = _likely_shape(
            np.array([log_evidence(prior, disputes, exposure).sum() for prior in grid])
        )
        mean, variance = _multiply(rate, shape, *of_each)
        # the categories' factors absorb what the store's rate leaves over; products without a
        # family need the rate alone
        rate = float((disputes.sum() + 0.5) / ((exposure * mean).sum() / rate + 10.0))
    return Families(rate, shape, levels["supplier"], levels["category"], mean, variance)


def _no_level(codes: np.ndarray) -> Level:
    ones = np.ones(int(codes.max(initial=0)) + 1)
    return Level(1.0, ones, ones)


def _fit_level(
    disputes: np.ndarray, expected: np.ndarray, shape: float, codes: np.ndarray
) -> tuple[Level, tuple[np.ndarray, np.ndarray]]:
    below = expected * shape / (expected + shape)
    above = disputes * shape / (expected + shape)
    count = int(codes.max(initial=0)) + 1
    sums, weights = np.bincount(codes, above, count), np.bincount(codes, below, count)
    best = _likely_shape(
        np.array([_log_likelihood(sums, weights, np.full(count, one)).sum() for one in SHAPES])
    )
    return Level(best, sums + best, weights + best), (above, below)


def _multiply(
    rate: float, shape: float, *levels: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and relative variance of a product of independent factors."""
    mean, spread = rate, 1.0 + 1.0 / shape
    for factor, variance in levels:
        mean, spread = mean * factor, spread * (1.0 + variance)  # type: ignore[assignment]
    return np.asarray(mean), np.asarray(spread - 1.0)


def _likely_shape(scores: np.ndarray) -> float:
    """The shape whose spread (1 / shape) is the posterior mean of the spread.

    The most likely shape alone is often far too sure that all members are alike, which makes
    intervals too narrow. The prior of the standard deviation grows with it, because no store has
    products that do not differ at all (Chung et al. 2013, Psychometrika 78).
    """
    weight = np.exp(scores - scores.max()) / SHAPES
    return float(weight.sum() / (weight / SHAPES).sum())


def _log_likelihood(count: np.ndarray, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Negative binomial, without the part that does not depend on the shape."""
    mean = np.maximum(mean, 1e-12)
    return np.asarray(
        gammaln(count + shape)
        - gammaln(shape)
        + shape * np.log(shape / (shape + mean))
        + count * np.log(mean / (shape + mean))
    )
