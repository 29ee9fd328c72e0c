"""The kinds of rows read from the platform's answers, and their columns.

The workspace keeps rows on disk with these columns (`seen_rows`), so the names must not change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ORDERS, LINES, PARCELS, SCANS, DISPUTES, STEPS, MESSAGES, REVIEWS, UNREAD = (
    "orders",
    "order_lines",
    "parcels",
    "tracking",
    "disputes",
    "dispute_steps",
    "messages",
    "reviews",
    "unread",
)
# columns by kind; all are text until `record_checks` parses them
COLUMNS: Mapping[str, tuple[str, ...]] = {
    ORDERS: (
        "order_id",
        "placed_at",
        "buyer_id",
        "store_id",
        "country",
        "service",
        "total",
        "currency",
        "shipping",
        "status",
        "end_reason",
        "issue_status",
        "paid_at",
        "sent_at",
        "ended_at",
        "updated_at",
        "logistics_status",
    ),
    LINES: (
        "order_id",
        "line_id",
        "product_id",
        "title",
        "quantity",
        "unit_price",
        "line_total",
        "shipping",
        "currency",
        "prepare_days",
        "commit_days",
        "sent_at",
        "service",
        "issue_status",
    ),
    PARCELS: ("order_id", "number", "service", "sent_at", "received_at"),
    SCANS: ("order_id", "number", "scanned_at", "status", "sub_status", "words", "carrier"),
    DISPUTES: (
        "line_id",
        "order_id",
        "issue_id",
        "opened_at",
        "status",
        "reason",
        "reason_english",
        "reason_id",
        "goods_received",
        "updated_at",
    ),
    STEPS: (
        "line_id",
        "order_id",
        "opened_at",
        "stepped_at",
        "action",
        "actor",
        "status",
        "reached_type",
        "solution",
        "amount",
        "currency",
        "freight_by",
    ),
    MESSAGES: (
        "message_id",
        "order_id",
        "channel_id",
        "buyer_id",
        "product_id",
        "sent_at",
        "sender",
        "text",
    ),
    REVIEWS: ("order_id", "line_id", "rated_at", "score"),
    UNREAD: ("what", "reason"),
}
# columns that the rows of earlier dumps may lack, and kinds that they may lack
ADDED = ("logistics_status",)
ADDED_KINDS = (MESSAGES, REVIEWS)
# a row without one of these is refused
REQUIRED: Mapping[str, tuple[str, ...]] = {
    ORDERS: ("order_id", "placed_at"),
    LINES: ("order_id", "line_id", "product_id"),
    PARCELS: ("order_id",),
    SCANS: ("scanned_at",),
    DISPUTES: ("line_id", "order_id", "opened_at"),
    STEPS: ("line_id", "order_id", "opened_at", "stepped_at"),
    MESSAGES: ("message_id", "sent_at", "sender"),
    REVIEWS: ("order_id", "rated_at", "score"),
    UNREAD: (),
}
# (kind, texts by `COLUMNS`, the source's record, why the record cannot be read)
Row = tuple[str, tuple[str | None, ...], Any, str]
NOT_AN_OBJECT = "not an object with fields"
