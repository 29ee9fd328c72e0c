"""What the three indicators would be without some products, or with one lane's orders sent by
another.

Rates of orders of the lookback, matured: filed, escalated and found the seller's fault per order. A
product's filings are draws of its posterior; of each filing, so many are escalated, and ruled
against the seller, as of the store's and its own (Beta, the store's share counting as
`SHARE_DISPUTES` of its disputes). The change is of the draws' differences, so what both worlds
share does not widen it. A lane moved multiplies its orders' rates by new / old lane's factor, each
a gamma with what it rests on. Assumptions: other products' sales stay; moved orders are like those
that go there now.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from models.product.lane_buyer_adjustment import PRIOR_DISPUTES
from models.product.product_table import Reviewed

DRAWS = 500
SHARE_DISPUTES = 10.0
NUMERATORS = {
    "dispute_rate": None,
    "adjudication_filing_rate": "count_escalated",
    "seller_liability_rate": "count_seller_liable",
}


def what_if(
    reviewed: Reviewed,
    *,
    dropped: Sequence[str] = (),
    moved: tuple[str, str] | None = None,
    seed: int,
) -> pl.DataFrame:
    """One row per indicator: `now`, `then`, `change` (shares of orders), `change_low`,
    `change_high` (90 %)."""
    rng = np.random.default_rng(seed)
    products, weight = reviewed.products, reviewed.products["exposure"].to_numpy()
    stays = ~products["product_id"].is_in(list(dropped)).to_numpy()
    filed = reviewed.posterior.draw(rng, DRAWS)
    moved_x = np.ones((DRAWS, len(weight))) if moved is None else _moved_x(reviewed, *moved, rng)
    rows = []
    for name, column in NUMERATORS.items():
        share = np.ones_like(filed) if column is None else _share(products, column, rng)
        now = _mean(filed * share, weight)
        then = _mean(filed * share * moved_x, weight * stays)
        change = then - now
        low, high = np.quantile(change, [0.05, 0.95])
        rows.append(
            {
                "indicator": name,
                "now": float(now.mean()),
                "then": float(then.mean()),
                "change": float(change.mean()),
                "change_low": float(low),
                "change_high": float(high),
            }
        )
    return pl.DataFrame(rows)


def _mean(rates: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.asarray((rates * weight).sum(axis=1) / max(weight.sum(), 1e-9))


def _share(products: pl.DataFrame, column: str, rng: np.random.Generator) -> np.ndarray:
    part, whole = products[column].to_numpy(), products["count_disputes"].to_numpy()
    share = (part.sum() + 0.5) / (whole.sum() + 1.0)
    above = part + SHARE_DISPUTES * share
    return rng.beta(
        above,
        np.maximum(whole - part, 0.0) + SHARE_DISPUTES * (1.0 - share),
        size=(DRAWS, len(part)),
    )


def _moved_x(reviewed: Reviewed, old: str, new: str, rng: np.random.Generator) -> np.ndarray:
    """(draws, products): what moving its orders of the old lane to the new one multiplies a
    product's rate by."""
    rows, count = reviewed.rows, reviewed.products.height
    ratio = _lane_draws(reviewed, new, rng) / _lane_draws(reviewed, old, rng)
    reach = rows["exposure"].to_numpy() * reviewed.adjustment.lane * reviewed.adjustment.buyers
    there = np.bincount(reviewed.product.codes, reach * (rows["lane"] == old).to_numpy(), count)
    whole = np.bincount(reviewed.product.codes, reach, count)
    part = np.divide(there, whole, out=np.zeros(count), where=whole > 0)
    return np.asarray(1.0 + part[None, :] * (ratio[:, None] - 1.0))


def _lane_draws(reviewed: Reviewed, lane: str, rng: np.random.Generator) -> np.ndarray:
    """Service's and lane's factor together, and what the lane's months add to them now."""
    rows, adjustment = reviewed.rows, reviewed.adjustment
    here = (rows["lane"] == lane).to_numpy()
    weight = rows["exposure"].to_numpy() * here
    level = (adjustment.lane * weight).sum() / max(weight.sum(), 1e-9) if weight.sum() > 0 else 1.0
    disputes = float((rows["is_disputed"].to_numpy() * here).sum())
    return np.asarray(
        level * rng.gamma(PRIOR_DISPUTES + disputes, 1.0 / (PRIOR_DISPUTES + disputes), size=DRAWS)
    )
