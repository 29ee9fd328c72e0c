"""Order family: what was bought, for how much, and how long ago."""

from __future__ import annotations

import polars as pl

from features.asof import ROW_KEY, latest_fact
from features.clock import days_between
from features.feature import EITHER, Feature
from features.history import View

FEATURES = [
    Feature("order_value_usd", "USD", "more money at risk makes a complaint worth the trouble",
            "the order is worth {value:.2f} USD", worse=EITHER),
    Feature("order_shipping_share", "share of the total", "dear shipping raises expectations",
            "shipping is {value:.0%} of what the buyer paid"),
    Feature("order_count_units", "units", "more units, more that can go wrong", "{value:.0f} units in the order"),
    Feature("order_count_suppliers", "suppliers", "parcels from several suppliers arrive apart",
            "the order comes from {value:.0f} suppliers"),
    Feature("order_count_installments", "payments", "a purchase that was stretched to afford"),
    Feature("order_age_days", "days", "how far along its life the order is", "ordered {value:.0f} days ago"),
    Feature("order_payment_delay_days", "days", "a payment that took long delays all that follows",
            "payment took {value:.1f} days to clear"),
    Feature("order_promise_days", "days", "how long the buyer agreed to wait",
            "the buyer was promised {value:.0f} days", worse=EITHER),
]  # fmt: skip


def build(view: View) -> pl.DataFrame:
    """One row per spine row, in its order."""
    rows = view.rows
    events, promises = view.tables["order_events"], view.tables["promises"]
    paid = latest_fact(rows, events.filter(pl.col("event") == "paid"), ["occurred_at"]).rename(
        {"occurred_at": "paid_at"}
    )
    promised = latest_fact(rows, promises.filter(pl.col("kind") == "delivery"), ["promised_at"])
    for facts in (paid, promised):
        rows = rows.join(facts, on=ROW_KEY, how="left", maintain_order="left")
    placed = pl.col("placed_at")
    return rows.select(
        order_value_usd="total_usd",
        order_shipping_share=pl.when(pl.col("total_usd") > 0).then(pl.col("shipping_usd") / pl.col("total_usd")),
        order_count_units="count_units",
        order_count_suppliers="count_suppliers",
        order_count_installments="count_installments",
        order_age_days=days_between(placed, pl.col("as_of")),
        order_payment_delay_days=days_between(placed, pl.col("paid_at")),
        order_promise_days=days_between(placed, pl.col("promised_at")),
    )
