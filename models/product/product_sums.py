"""Sums per product of the orders it was in: the input of its rates."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.product.lane_buyer_adjustment import Adjustment, Coded
from models.product.recent_rates import window_sums

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
    count, blame = len(product.names), rows["blame"].to_numpy()
    exposure = rows["exposure"].to_numpy()

    def total(values: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(product.codes, values, count)

    orders, disputed = total(), rows["is_disputed"].to_numpy() * blame
    adjusted = exposure * adjustment.lane * adjustment.buyers
    value_usd = rows["value_usd"].fill_null(0.0).to_numpy()
    return _last_facts(rows, product).with_columns(
        pl.Series("count_orders", orders.astype(np.int64)),
        pl.Series("exposure", total(exposure)),
        pl.Series("count_disputes", total(disputed)),
        pl.Series("count_split", total(rows["is_split"].to_numpy().astype(np.float64))),
        # the product's part of the disputes that have the flag
        *[
            pl.Series(column, total(rows[name].to_numpy() * blame))
            for name, column in FLAGS.items()
        ],
        pl.Series("adjusted", total(adjusted)),
        *_factors(total(exposure), total(exposure * adjustment.lane), total(adjusted)),
        *window_sums(rows, product, disputed, adjusted, as_of_day),
        pl.Series("units_an_order", total(rows["quantity"].to_numpy()) / orders),
        pl.Series("value_an_order_usd", total(value_usd) / orders),
    )


def _last_facts(rows: pl.DataFrame, product: Coded) -> pl.DataFrame:
    """`product_id` and what the last row of each product says of it."""
    last = np.zeros(len(product.names), dtype=np.int64)
    last[product.codes] = np.arange(len(product.codes))
    facts = rows.select("supplier_id", "category", "is_in_catalogue", "weight_g")[last]
    return pl.DataFrame({"product_id": product.names}).hstack(facts)


def _factors(
    matured: np.ndarray, on_lanes: np.ndarray, adjusted: np.ndarray
) -> tuple[pl.Series, pl.Series]:
    """The factors of each product's lanes and buyers; 1 without matured orders."""
    ones = np.ones(len(matured))
    lane_x = np.divide(on_lanes, matured, out=ones.copy(), where=matured > 0)
    buyers_x = np.divide(adjusted, on_lanes, out=ones.copy(), where=on_lanes > 0)
    return pl.Series("lane_x", lane_x), pl.Series("buyers_x", buyers_x)
