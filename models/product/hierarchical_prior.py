"""How much products differ, and what their supplier and category say of each: empirical Bayes.

A product's rate is (store's rate) x (category's factor) x (supplier's factor) x (its own): each
factor gamma with mean 1, and a shape that the store's own data tell by their likelihood. Products'
counts are taken as beta-binomial: as negative binomial (a gamma mixture of Poisson counts, good
enough for the sums of suppliers and categories) products seem more alike than they are, because an
order is disputed once at most. A supplier's and a category's factor rest on their products'
observed over expected disputes, a product counting for e a / (e + a) of its e expected disputes, a
being the shape among products: one with thousands of orders is still only one product (hierarchical
credibility: Buehlmann & Straub 1970, Jewell 1975). Suppliers sell in several categories, so the two
are fitted in turn. What a product itself tells is left out of its own family: it would count twice.
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
    """Factors of suppliers, or of categories: gamma(`above`, `below`), prior included; `shape`: how
    alike they are."""

    shape: float
    above: np.ndarray
    below: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        return self.above / self.below

    def of(
        self, codes: np.ndarray, less_above: np.ndarray, less_below: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and relative variance for each member, without what it tells itself; code -1: one
        never seen."""
        is_seen = codes >= 0
        at = np.where(is_seen, codes, 0)
        above = np.where(is_seen, self.above[at] - less_above, self.shape)
        below = np.where(is_seen, self.below[at] - less_below, self.shape)
        return above / below, 1.0 / above


@dataclass(frozen=True)
class Families:
    """`rate`: the store's; `shape`: how alike products of one family are. `mean`, `variance`: per
    product, its family's rate and how uncertain it is about the product (relative variance), its
    own orders left out."""

    rate: float
    shape: float
    supplier: Level
    category: Level
    mean: np.ndarray
    variance: np.ndarray

    def expect(self, supplier: np.ndarray, category: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same for products that never sold."""
        none = np.zeros(len(supplier))
        return _together(
            self.rate,
            self.shape,
            self.supplier.of(supplier, none, none),
            self.category.of(category, none, none),
        )


def fit_families(
    disputes: np.ndarray, exposure: np.ndarray, supplier: np.ndarray, category: np.ndarray
) -> Families:
    """Per product: disputes, adjusted exposure (orders), numbers of its supplier and category."""
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
        grid = [prior_of(*_together(rate, one, *of_each)) for one in SHAPES]
        shape = _likely_shape(
            np.array([log_evidence(prior, disputes, exposure).sum() for prior in grid])
        )
        mean, variance = _together(rate, shape, *of_each)
        # the categories' factors hold what the store's rate leaves over; products in no family need
        # the rate alone
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


def _together(
    rate: float, shape: float, *levels: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and relative variance of a product of independent factors."""
    mean, spread = rate, 1.0 + 1.0 / shape
    for factor, variance in levels:
        mean, spread = mean * factor, spread * (1.0 + variance)  # type: ignore[assignment]
    return np.asarray(mean), np.asarray(spread - 1.0)


def _likely_shape(scores: np.ndarray) -> float:
    """The shape whose spread, 1 / shape, is the mean of all, each as likely as the data make it:
    the single most likely one is often far too sure that all are alike, and its intervals too
    narrow. Before the data the likelihood of a standard deviation grows with it, since products
    that do not differ at all are in no store (Chung et al. 2013, Psychometrika 78)."""
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
