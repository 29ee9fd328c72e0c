"""Buyer family: what this buyer, and buyers of this country, did before."""

from __future__ import annotations

import polars as pl

from features.feature import Feature
from features.history import View, dispute_share

FEATURES = [
    Feature("buyer_count_orders_365d", "earlier orders", "returning buyers know what they get",
            "the buyer ordered {value:.0f} times before within a year"),
    Feature("buyer_count_disputes_365d", "disputes", "a buyer who disputed may again",
            "the buyer opened {value:.0f} disputes within a year"),
    Feature("country_dispute_share_365d", "share of ended orders", "customs, distance and habits differ by country",
            "{value:.0%} of the orders to this country were disputed over the last year"),
]  # fmt: skip


def build(view: View) -> pl.DataFrame:
    """One row per spine row, in its order."""
    buyer = view.totals["buyer_id"]
    return pl.DataFrame(
        {
            "buyer_count_orders_365d": buyer["count_orders_365d"],
            "buyer_count_disputes_365d": buyer["count_disputes_365d"],
            "country_dispute_share_365d": dispute_share(view, ["country", "store_id"], 365),
        }
    )
