"""Sums per product of the orders it was in: the input of its rates."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.clock import in_days
from models.product.lane_buyer_adjustment import Adjustment, Coded

RECENT_DAYS = 90
# flag of a row -> number of such rows of a product
FLAGS = {
    "is_not_received": "count_not_received",
    "is_not_as_described": "count_not_as_described",
    "is_cause_known": "count_cause_known",
    "is_escalated": "count_escalated",
    "is_seller_liable": "count_seller_liable",
}


def sum_per_product(
    rows: pl.DataFrame, product: Coded, adjustment: Adjustment, as_of_day: int
) -> pl.DataFrame:
    """One row per product, in the order of its number.

    `rows` holds orders x products, as for `review_products`.
    """
    exposure = rows["exposure"].to_numpy()
    count = len(product.names)

    def total(values: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(product.codes, values, count)

    def flag(name: str) -> np.ndarray:
        """The product's part of the disputes that have the flag."""
        return np.asarray(rows[name].to_numpy() * rows["blame"].to_numpy())

    recent = (
        rows.select(in_days(pl.col("known_day"), as_of_day - RECENT_DAYS, as_of_day))
        .to_series()
        .to_numpy()
    )
    reach = exposure * adjustment.lane
    orders, matured, on_lanes = total(), total(exposure), total(reach)
    adjusted = total(reach * adjustment.buyers)
    last = np.zeros(count, dtype=np.int64)
    last[product.codes] = np.arange(len(product.codes))
    last_rows = rows.select("supplier_id", "category", "is_in_catalogue", "weight_g")[last]
    # a product without matured orders gets average lanes and average buyers
    lane_x = np.divide(on_lanes, matured, out=np.ones(count), where=matured > 0)
    buyers_x = np.divide(adjusted, on_lanes, out=np.ones(count), where=on_lanes > 0)
    disputed = flag("is_disputed")
    return (
        pl.DataFrame({"product_id": product.names})
        .hstack(last_rows)
        .with_columns(
            pl.Series("count_orders", orders.astype(np.int64)),
            pl.Series("exposure", matured),
            pl.Series("count_disputes", total(disputed)),
            pl.Series("count_split", total(rows["is_split"].to_numpy().astype(np.float64))),
            *[pl.Series(column, total(flag(name))) for name, column in FLAGS.items()],
            pl.Series("adjusted", adjusted),
            pl.Series("lane_x", lane_x),
            pl.Series("buyers_x", buyers_x),
            pl.Series("recent_disputes", total(disputed * recent)),
            pl.Series("recent_adjusted", total(reach * adjustment.buyers * recent)),
            pl.Series("units_an_order", total(rows["quantity"].to_numpy()) / orders),
            pl.Series(
                "value_an_order_usd", total(rows["value_usd"].fill_null(0.0).to_numpy()) / orders
            ),
        )
    )
