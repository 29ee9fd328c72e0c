"""The rate of a product: what young orders, few orders and its family mean."""

from __future__ import annotations

import numpy as np
import pytest

from features.indicators.product_exposure import LONGEST_DAYS, elapsed_risk_share
from models.product.beta_rates import prior_of, update
from models.product.hierarchical_prior import fit_families
from models.product.product_rates import chance_better, orders_to_settle


def test_a_young_order_counts_for_the_part_of_its_risk_that_has_passed() -> None:
    """Ten old orders, disputed on days 9 and 19 of their age: half of all disputes by day 10."""
    age = np.full(10, LONGEST_DAYS)
    delay = np.array([9, 19, *[0] * 8])
    share = elapsed_risk_share(age, delay, np.array([True, True, *[False] * 8]))
    assert share[[0, 9]].tolist() == [0.0, 0.0]
    assert share[[10, 19, 20, LONGEST_DAYS]] == pytest.approx([0.5, 0.5, 1.0, 1.0])


def test_the_posterior_of_a_beta_prior_by_hand() -> None:
    prior = prior_of(
        np.array([0.04]), np.array([0.24 / 0.25])
    )  # Beta(1, 24): variance / mean^2 = 24 / 26
    assert update(
        prior_of(np.array([0.04]), np.array([24 / 26])), np.array([1.0]), np.array([3.0])
    ).mean[0] == (pytest.approx(2 / 28))
    assert prior.mean[0] == pytest.approx(0.04)


@pytest.mark.parametrize("rate", [0.03, 0.2])
def test_the_spread_of_products_is_recovered_at_any_rate(rate: float) -> None:
    """20,000 products of 1 to 9 orders; their own factors have variance 1 / 4.

    An order is disputed at most once. At high rates the counts therefore vary less than Poisson
    counts, and products would seem alike if this were ignored.
    """
    rng = np.random.default_rng(5)
    own = prior_of(np.array([rate]), np.array([0.25]))
    orders = rng.integers(1, 10, 20_000)
    disputes = rng.binomial(orders, rng.beta(own.above, own.below, len(orders)))
    one_family = np.zeros(len(orders), dtype=int)
    families = fit_families(disputes.astype(float), orders.astype(float), one_family, one_family)
    assert 1 / families.shape == pytest.approx(0.25, rel=0.25)


def test_two_products_are_compared() -> None:
    rng = np.random.default_rng(1)
    assert chance_better((1.0, 99.0), (20.0, 80.0), rng) > 0.99
    assert chance_better((4.0, 96.0), (4.0, 96.0), rng) == pytest.approx(0.5, abs=0.02)
    assert orders_to_settle((1.0, 99.0), (20.0, 80.0), 0.8) == 0.0
    assert orders_to_settle((4.0, 96.0), (4.0, 96.0), 0.8) is None
    some = orders_to_settle((4.0, 96.0), (5.0, 95.0), 0.95)
    assert some is not None
    assert 1000 < some < 10_000
