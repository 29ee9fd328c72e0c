"""Steps that an order's status implies: one that waits for the buyer to accept the goods was sent,
even if the answer has no time of sending.

Such a step is known from the first dump with the status. The meaning of the statuses:
developer.alibaba.com, article 108126 of the AliExpress documents, and platform-rules 5.1.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline.sources.aliexpress.dumps import SEEN
from pipeline.sources.aliexpress.order_records import first_of

Statuses = Mapping[str, tuple[str, ...]]
# by column of the orders: the values that imply the step. `RISK_CONTROL`: the day after payment.
# `FUND_PROCESSING`: buyer and seller agree and the money is moved, with or without a parcel.
SENT: Statuses = {
    "status": ("SELLER_PART_SEND_GOODS", "WAIT_BUYER_ACCEPT_GOODS"),
    "logistics_status": ("SELLER_SEND_PART_GOODS", "SELLER_SEND_GOODS", "BUYER_ACCEPT_GOODS"),
    "end_reason": ("buyer_confirm_goods",),
}
PAID: Statuses = {
    "status": (
        "RISK_CONTROL",
        "WAIT_SELLER_SEND_GOODS",
        "FUND_PROCESSING",
        "IN_ISSUE",
        *SENT["status"],
    ),
    "logistics_status": SENT["logistics_status"],
    "end_reason": SENT["end_reason"],
}
RECEIVED: Statuses = {
    "logistics_status": ("BUYER_ACCEPT_GOODS",),
    "end_reason": ("buyer_confirm_goods",),
}
# the order's own status wins over the others
UNPAID, UNSENT = ("PLACE_ORDER_SUCCESS",), ("RISK_CONTROL", "WAIT_SELLER_SEND_GOODS")
# the time of the last change is close, unless a dump showed the status before
LAST_CHANGE = pl.min_horizontal("updated_at", SEEN)


def implied(orders: pl.DataFrame, statuses: Statuses) -> pl.DataFrame:
    """One row per order with one of the statuses: `order_id, service, occurred_at` and `SEEN`, when
    a dump first showed one of them. A time before the order was placed is that of placing."""
    is_implied = pl.any_horizontal(
        pl.col(column).is_in(values).fill_null(False) for column, values in statuses.items()
    )
    excluded = {*UNPAID, *UNSENT} - {*statuses.get("status", ())}
    is_implied = is_implied & ~pl.col("status").is_in(excluded).fill_null(False)
    first = first_of(orders.filter(is_implied), ["order_id"], "service", "updated_at", "placed_at")
    return first.select(
        "order_id", "service", SEEN, occurred_at=pl.max_horizontal(LAST_CHANGE, "placed_at")
    )


def with_implied(steps: pl.DataFrame, by_status: pl.DataFrame) -> pl.DataFrame:
    """Add the implied step of the orders that have no such step; one that has is known since the
    status was, if that is earlier. Both frames have the same columns."""
    seen = by_status.select("order_id", seen_status=SEEN)
    known = steps.join(seen, on="order_id", how="left", maintain_order="left")
    is_first = pl.int_range(pl.len()).over("order_id") == 0
    earlier = pl.when(is_first).then(pl.min_horizontal(SEEN, "seen_status")).otherwise(SEEN)
    known = known.with_columns(earlier.alias(SEEN)).drop("seen_status")
    others = by_status.join(steps, on="order_id", how="anti", maintain_order="left")
    return pl.concat([known, others.select(known.columns)])
