"""Which order a message is about, if it does not say so itself."""

from __future__ import annotations

import polars as pl


def with_orders(messages: pl.DataFrame, orders: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The messages with an order; the others are left out.

    A message that names no order is about the buyer's last order before it: with the product that
    it names, or else with any product. This is an assumption.

    Parameters
    ----------
    messages
        One row per message: `order_id`, `buyer_id` and `product_id` may be null; `occurred_at`.
    orders
        `order_id`, `buyer_id`, `placed_at`; an order may have several rows.
    lines
        `order_id`, `product_id`.

    Returns
    -------
    pl.DataFrame
        The columns of `messages`, in their order; `order_id` is never null.

    """
    placed = (
        orders.drop_nulls(["buyer_id", "placed_at"])
        .unique("order_id", keep="first", maintain_order=True)
        .select("buyer_id", occurred_at="placed_at", order="order_id")
        .sort("occurred_at", "order")
    )
    of_product = lines.select("product_id", order="order_id").unique()
    sold = placed.join(of_product, on="order", how="inner").sort("occurred_at", "order")
    ordered = messages.with_row_index("__index__").sort("occurred_at", "__index__")
    for name, earlier, by in (
        ("by_product", sold, ["buyer_id", "product_id"]),
        ("by_buyer", placed, ["buyer_id"]),
    ):
        ordered = ordered.join_asof(
            earlier.rename({"order": name}),
            on="occurred_at",
            by=by,
            strategy="backward",
            check_sortedness=False,
        )
    order_id = pl.coalesce("order_id", "by_product", "by_buyer")
    named = ordered.with_columns(order_id=order_id).filter(pl.col("order_id").is_not_null())
    return named.sort("__index__").select(messages.columns)
