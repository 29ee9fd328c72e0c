"""Separate a product's disputes from those due to its lanes and its buyers.

Expected disputes of an order with a product = exposure x product's rate x lane's factors x buyers'
factors. This log-linear rate model is fitted by iterative proportional fitting (Deming & Stephan
1940), with each factor shrunk to 1 by `PRIOR_DISPUTES` expected disputes (a gamma prior). The
products have rates of their own in it. Therefore a lane on which good products are disputed gets a
high factor, and a lane that only carries bad products does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

LANE_PARTS = ("service", "lane", "lane_month", "promise")
BUYER_PARTS = ("country", "month", "price")
PRIOR_DISPUTES = 20.0
PRIOR_OF_PRODUCT = 3.0
ROUNDS = 6


@dataclass(frozen=True)
class Coded:
    """A column as numbers from 0: `names[codes]` is the column."""

    codes: np.ndarray
    names: pl.Series

    @classmethod
    def of(cls, column: pl.Series) -> Coded:
        names = column.unique().sort()
        if column.dtype == pl.String:
            codes = column.cast(pl.Enum(names)).to_physical().to_numpy()
        else:
            codes = np.searchsorted(names.to_numpy(), column.to_numpy())
        return cls(codes.astype(np.int32), names)


@dataclass(frozen=True)
class Adjustment:
    """The fitted factors.

    `factors[part]` has one number per value, relative to the store's average; `disputes[part]` has
    the disputes behind each. `lane` and `buyers` hold, per row, the product of its factors.
    """

    values: Mapping[str, pl.Series]
    factors: Mapping[str, np.ndarray]
    disputes: Mapping[str, np.ndarray]
    lane: np.ndarray
    buyers: np.ndarray


def lane_months(lane: Coded, month: Coded) -> Coded:
    """A lane in one month, because a lane can collapse for a limited time."""
    width = len(month.names)
    used, codes = np.unique(lane.codes.astype(np.int64) * width + month.codes, return_inverse=True)
    return Coded(codes.astype(np.int32), pl.Series(used))


def code_parts(rows: pl.DataFrame) -> dict[str, Coded]:
    """The columns of `rows` that `fit_adjustment` needs, as numbers."""
    parts = {
        name: Coded.of(rows[name])
        for name in ("service", "lane", "promise", "country", "month", "price")
    }
    return parts | {"lane_month": lane_months(parts["lane"], parts["month"])}


def fit_adjustment(
    product: np.ndarray, disputed: np.ndarray, exposure: np.ndarray, parts: Mapping[str, Coded]
) -> Adjustment:
    """Fit the factors on rows of orders x products.

    `product` holds numbers from 0, `disputed` 0 or 1, and `exposure` values in [0, 1].
    """
    total, weight = disputed.sum(), exposure.sum()
    rate = max(total, 1.0) / max(weight, 1.0)
    expected = exposure * rate
    factors = {name: np.ones(len(part.names)) for name, part in parts.items()}
    happened = {
        name: np.bincount(part.codes, disputed, len(part.names)) for name, part in parts.items()
    }
    own = np.ones(int(product.max(initial=-1)) + 1)
    happened_own = np.bincount(product, disputed, len(own))
    for _ in range(ROUNDS):
        own = _refit(own, product, happened_own, expected, PRIOR_OF_PRODUCT)
        for name in (*LANE_PARTS, *BUYER_PARTS):
            factors[name] = _refit(
                factors[name], parts[name].codes, happened[name], expected, PRIOR_DISPUTES
            )
    lane, buyers = (factor_of_rows(factors, parts, names) for names in (LANE_PARTS, BUYER_PARTS))
    lane = lane / _mean(lane, exposure)
    buyers = buyers / _mean(buyers, exposure * lane)
    values = {name: part.names for name, part in parts.items()}
    return Adjustment(values, factors, happened, lane, buyers)


def _refit(
    old: np.ndarray, codes: np.ndarray, happened: np.ndarray, expected: np.ndarray, prior: float
) -> np.ndarray:
    """The factor that explains what happened; updates `expected` in place."""
    without = np.bincount(codes, expected, len(old)) / old
    new = (happened + prior) / (without + prior)
    expected *= (new / old)[codes]
    return np.asarray(new)


def factor_of_rows(
    factors: Mapping[str, np.ndarray], parts: Mapping[str, Coded], names: Sequence[str]
) -> np.ndarray:
    """Per row, the product of its factors of the parts `names`."""
    product = np.ones(len(parts[names[0]].codes))
    for name in names:
        product *= factors[name][parts[name].codes]
    return product


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    whole = weights.sum()
    return float((values * weights).sum() / whole) if whole > 0 else 1.0
