"""The three indicators without some products, or with one lane's orders moved to another lane.

Rates are per matured order of the lookback: filed, escalated, and ruled against the seller. A
product's filings are draws from its posterior. The shares of filings that are escalated, or ruled
against the seller, combine the store's share and the product's own (Beta, with the store's share
counting as `SHARE_DISPUTES` disputes). The change is computed per draw, so whatever both scenarios
share does not widen its interval. Moving a lane multiplies its orders' rates by the new over the
old lane's factor, each drawn from a gamma with the disputes behind it. Assumptions: sales of the
other products stay the same; moved orders are like those that use the new lane today.
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
    """One row per indicator: `now`, `then`, `change`, `change_low`, `change_high`.

    All are shares of orders; the interval covers 90 %.
    """
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
    """(draws, products) array: each product's factor from moving its orders from the old lane to
    the new.
    """
    rows, count = reviewed.rows, reviewed.products.height
    ratio = _lane_draws(reviewed, new, rng) / _lane_draws(reviewed, old, rng)
    reach = rows["exposure"].to_numpy() * reviewed.adjustment.lane * reviewed.adjustment.buyers
    on_old_lane = np.bincount(
        reviewed.product.codes, reach * (rows["lane"] == old).to_numpy(), count
    )
    all_orders = np.bincount(reviewed.product.codes, reach, count)
    moved_share = np.divide(on_old_lane, all_orders, out=np.zeros(count), where=all_orders > 0)
    return np.asarray(1.0 + moved_share[None, :] * (ratio[:, None] - 1.0))


def _lane_draws(reviewed: Reviewed, lane: str, rng: np.random.Generator) -> np.ndarray:
    """Draws of the service's and lane's factor together, including that of the lane's recent
    months.
    """
    rows, adjustment = reviewed.rows, reviewed.adjustment
    on_lane = (rows["lane"] == lane).to_numpy()
    weight = rows["exposure"].to_numpy() * on_lane
    level = (adjustment.lane * weight).sum() / max(weight.sum(), 1e-9) if weight.sum() > 0 else 1.0
    blame = rows["is_disputed"].to_numpy() * rows["blame"].to_numpy()
    disputes = float((blame * on_lane).sum())
    return np.asarray(
        level * rng.gamma(PRIOR_DISPUTES + disputes, 1.0 / (PRIOR_DISPUTES + disputes), size=DRAWS)
    )
