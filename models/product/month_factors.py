"""Disputes expected of each order if its supplier had not changed, from the other suppliers.

Seasons, sales and lanes that collapse raise the disputes of all suppliers; a bad batch raises those
of one. The factors of a month, and of a lane in a month, are therefore measured on the orders of
the other suppliers. Factors measured on all orders would take part of a large supplier's change for
a bad month.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.product.lane_buyer_adjustment import (
    PRIOR_DISPUTES,
    PRIOR_OF_PRODUCT,
    Adjustment,
    Coded,
    factor_of_rows,
)

# what does not change in time
FIXED_PARTS = ("service", "lane", "promise", "country", "price")
# a store has many disputes in a month, and few on a lane in a month
PRIORS: Mapping[str, float] = {"month": 5.0, "lane_month": PRIOR_DISPUTES}


def supplier_or_product(supplier: Coded, unknown: str) -> np.ndarray:
    """Per product, the number of its supplier; a number of its own if the supplier is unknown."""
    is_unknown = (supplier.names == unknown).to_numpy()[supplier.codes]
    own = len(supplier.names) + np.arange(len(supplier.codes))
    return np.where(is_unknown, own, supplier.codes)


def expected_without_own(
    adjustment: Adjustment,
    parts: Mapping[str, Coded],
    product: np.ndarray,
    group: np.ndarray,
    disputed: np.ndarray,
    exposure: np.ndarray,
) -> np.ndarray:
    """Per order and product, the expected disputes up to a factor per product.

    `group` is the number of each product's supplier, or a number of its own where the supplier is
    not known. The other arguments are those of `fit_adjustment`.
    """
    fixed = exposure * factor_of_rows(adjustment.factors, parts, FIXED_PARTS)
    rate = disputed.sum() / max(fixed.sum(), 1e-9)
    happened, matured = (np.bincount(product, v, len(group)) for v in (disputed, fixed * rate))
    own = (happened + PRIOR_OF_PRODUCT) / (matured + PRIOR_OF_PRODUCT)
    expected = fixed * rate * own[product]
    for name, prior in PRIORS.items():
        factor = _of_others(parts[name].codes, group[product], disputed, expected, prior)
        fixed, expected = fixed * factor, expected * factor
    return np.asarray(fixed)


def _of_others(
    part: np.ndarray, group: np.ndarray, disputed: np.ndarray, expected: np.ndarray, prior: float
) -> np.ndarray:
    """Per row, disputes over expected ones of its part, without the orders of its own group."""
    cell = part.astype(np.int64) * (int(group.max(initial=0)) + 1) + group
    _, own = np.unique(cell, return_inverse=True)
    of_part = [np.bincount(part, values)[part] for values in (disputed, expected)]
    of_own = [np.bincount(own, values)[own] for values in (disputed, expected)]
    happened, usual = (
        np.maximum(whole - mine, 0.0) for whole, mine in zip(of_part, of_own, strict=True)
    )
    return np.asarray((happened + prior) / (usual + prior))
