"""One message per buyer: the order that leads it, and the orders it also names."""

from __future__ import annotations

import polars as pl

# for a buyer with many open orders, this many are named in addition to the leading one
ALSO_NAMED = 10


def lead_per_buyer(scored: pl.DataFrame, contact_cost_usd: float) -> pl.DataFrame:
    """One row per buyer, most worth a message first.

    A message costs the same whatever number of orders it is about.
    """
    ranked = scored.sort("expected_value_usd", "order_id", descending=[True, False])
    saved = (pl.col("expected_value_usd") + contact_cost_usd).clip(
        lower_bound=0.0
    ).sum() - contact_cost_usd
    # a buyer's only order keeps its exact value
    value = pl.when(pl.len() > 1).then(saved).otherwise(pl.col("expected_value_usd").first())
    rest = pl.all().exclude("buyer_id", "order_id", "expected_value_usd")
    leads = ranked.group_by("buyer_id", maintain_order=True).agg(
        pl.col("order_id").first(),
        pl.col("order_id").slice(1, ALSO_NAMED).str.join(" ").alias("also_orders"),
        value.alias("expected_value_usd"),
        rest.first(),
    )
    return leads.sort("expected_value_usd", "order_id", descending=[True, False])
