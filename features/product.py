"""Product family: how this product, its supplier and its category have done so far."""

from __future__ import annotations

import polars as pl

from features.feature import EITHER, LOW, Feature
from features.history import LOOKBACKS, View, dispute_share

FEATURES = [
    *(Feature(f"product_dispute_share_{days}d", "share of ended orders",
              "a product that disappointed will again; few orders count little",
              f"{{value:.0%}} of this product's orders that ended in the last {days} days were disputed "
              "(few orders lean on its supplier's share)")
      for days in LOOKBACKS),
    Feature("product_count_orders_90d", "orders", "how well this product is known"),
    *(Feature(f"supplier_dispute_share_{days}d", "share of ended orders",
              "quality and packing are the supplier's habit",
              f"{{value:.0%}} of this supplier's orders that ended in the last {days} days were disputed")
      for days in LOOKBACKS),
    Feature("supplier_count_orders_90d", "orders", "a supplier with a sudden rush falls behind"),
    Feature("category_dispute_share_365d", "share of ended orders", "some kinds of goods disappoint more",
            "{value:.0%} of the orders of this category were disputed over the last year"),
    Feature("product_unit_price_usd", "USD", "expectations grow with the price",
            "one unit costs {value:.2f} USD", worse=EITHER),
    Feature("product_weight_g", "grams", "heavy goods travel slowly and break", "the product weighs {value:,.0f} g"),
    Feature("product_count_photos", "photos", "a thin listing leaves room for surprise",
            "the listing has {value:.0f} photos", worse=LOW),
]  # fmt: skip


def build(view: View) -> pl.DataFrame:
    """One row per spine row, in its order; shares without the order itself."""
    product, supplier = view.totals["product_id"], view.totals["supplier_id"]
    shares = {
        f"product_dispute_share_{d}d": dispute_share(view, ["product_id", "supplier_id", "category", "store_id"], d)
        for d in LOOKBACKS
    } | {f"supplier_dispute_share_{d}d": dispute_share(view, ["supplier_id", "store_id"], d) for d in LOOKBACKS}
    return view.rows.select(
        **shares,
        product_count_orders_90d=product["count_orders_90d"],
        supplier_count_orders_90d=supplier["count_orders_90d"],
        category_dispute_share_365d=dispute_share(view, ["category", "store_id"], 365),
        product_unit_price_usd="unit_price_usd",
        product_weight_g="weight_g",
        product_count_photos="count_photos",
    ).select(feature.name for feature in FEATURES)
