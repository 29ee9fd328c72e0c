"""Store family: how the whole store is doing now."""

from __future__ import annotations

import polars as pl

from features.feature import Feature
from features.history import View, dispute_share, mean_handling_days, mean_transit_days

FEATURES = [
    Feature("store_dispute_share_30d", "share of ended orders", "a bad month hits every order",
            "{value:.0%} of the store's orders that ended in the last 30 days were disputed"),
    Feature("store_handling_days_30d", "days", "a backlog delays every order",
            "the store took {value:.0f} days to ship over the last 30 days"),
    Feature("store_transit_days_30d", "days", "peaks and strikes slow every lane",
            "parcels took {value:.0f} days over the last 30 days"),
]  # fmt: skip


def build(view: View) -> pl.DataFrame:
    """One row per spine row, in its order."""
    store = view.totals["store_id"]
    return pl.DataFrame(
        {
            "store_dispute_share_30d": dispute_share(view, ["store_id"], 30),
            "store_handling_days_30d": mean_handling_days(store, 30),
            "store_transit_days_30d": mean_transit_days(store, 30),
        }
    )
