"""The level of one store in a pooled model: a shift of the log odds, learned from its outcomes."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.optimize import brentq
from scipy.special import expit, logit

# the assumption that the store is like the others counts as this many disputed orders: with fewer
# of its own, the shift stays small
ASSUMED_DISPUTES = 10.0
MOST = 5.0


def level_shift(probability: np.ndarray, rows: pl.DataFrame) -> float:
    """The shift of the log odds of `probability` that fits the labels of `rows`, shrunk to 0.

    `rows` (`order_id, label`) are the store's own matured order-nights, one per probability. The
    nights of an order share its outcome, so together they count as one case. It is the most likely
    shift if shifts of stores are normal with variance 1 / `ASSUMED_DISPUTES`. 0 without rows.
    """
    if rows.is_empty():
        return 0.0
    raw = logit(np.clip(probability, 1e-9, 1 - 1e-9))
    label = rows["label"].to_numpy()
    orders_a_row = rows["order_id"].n_unique() / rows.height

    def slope(shift: float) -> float:
        missing = orders_a_row * float((label - expit(raw + shift)).sum())
        return missing - ASSUMED_DISPUTES * shift

    if slope(-MOST) <= 0 or slope(MOST) >= 0:
        return -MOST if slope(-MOST) <= 0 else MOST
    return float(brentq(slope, -MOST, MOST))
