"""Rows of text from an order of the Open Platform: the order, its lines and its parcels.

Field names, with their spellings, are those of the platform's public SDK.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.sources.aliexpress.answer_fields import field_money, field_text, list_items
from pipeline.sources.aliexpress.answer_shapes import ListedRecord
from pipeline.sources.aliexpress.record_columns import (
    COLUMNS,
    LINES,
    MESSAGES,
    NOT_AN_OBJECT,
    ORDERS,
    PARCELS,
    Row,
)

_INNER_LISTS = (
    "product_list",
    "child_order_list",
    "logistic_info_list",
    "logistics_info_list",
    "order_msg_list",
)
_PARCEL_FIELDS = frozenset(
    ("logistics_no", "gmt_send", "gmt_received", "logistics_service_name", "logistics_type_code")
)


def order_rows(record: ListedRecord) -> Iterator[Row]:
    """Yield the rows of an order from the list of orders or from an order's detail."""
    node = record.value
    if not isinstance(node, dict):
        yield ORDERS, (), node, NOT_AN_OBJECT
        return
    order_id = field_text(node, "order_id", "id")
    total, currency = field_money(node, "pay_amount", "order_amount", "init_oder_amount")
    lines = list_items(node.get("product_list")) or list_items(node.get("child_order_list"))
    texts = _order_texts(node, order_id, lines, total, currency)
    yield ORDERS, texts, {k: v for k, v in node.items() if k not in _INNER_LISTS}, ""
    for line in lines:
        yield _line(line, order_id, currency)
    for name in ("logistic_info_list", "logistics_info_list"):
        for parcel in list_items(node.get(name)):
            yield _parcel(parcel, order_id)
    for message in list_items(node.get("order_msg_list")):
        yield _order_message(message, order_id)


def _order_texts(
    node: dict[str, Any],
    order_id: str | None,
    lines: list[Any],
    total: str | None,
    currency: str | None,
) -> tuple[str | None, ...]:
    buyer, address = _part(node, "buyer_info"), _part(node, "receipt_address")
    shipping, _ = field_money(node, "logistics_amount")
    services = [
        field_text(line, "logistics_service_name", "logistics_type")
        for line in lines
        if isinstance(line, dict)
    ]
    return (
        order_id,
        field_text(node, "gmt_create"),
        field_text(node, "buyer_login_id", "buyerloginid")
        or field_text(buyer, "login_id", "buyer_login_id"),
        field_text(node, "seller_login_id", "seller_operator_login_id"),
        field_text(address, "country", "country_code") or field_text(buyer, "country"),
        next((service for service in services if service), None)
        or field_text(node, "logistics_service_name"),
        total,
        currency,
        shipping,
        field_text(node, "order_status"),
        field_text(node, "end_reason", "order_end_reason"),
        field_text(node, "issue_status"),
        field_text(node, "gmt_pay_time", "gmt_pay_success"),
        field_text(node, "gmt_send_goods_time"),
        field_text(node, "gmt_trade_end"),
        field_text(node, "gmt_update", "gmt_modified"),
        field_text(node, "logistics_status"),
    )


def _part(node: dict[str, Any], name: str) -> dict[str, Any]:
    value = node.get(name)
    return value if isinstance(value, dict) else {}


def _only(order_id: str) -> tuple[str | None, ...]:
    """The texts of a line of which only the order is known."""
    return (order_id, *[None] * (len(COLUMNS[LINES]) - 1))


def _line(node: Any, order_id: str | None, order_currency: str | None) -> Row:
    if not isinstance(node, dict):
        return LINES, _only(order_id) if order_id else (), node, NOT_AN_OBJECT
    price, currency = field_money(node, "product_unit_price", "product_price")
    total, total_currency = field_money(node, "total_product_amount", "init_order_amt")
    shipping, _ = field_money(node, "logistics_amount")
    return (
        LINES,
        (
            # in some answers the line's own field has the order's number, in others the line's
            order_id or field_text(node, "order_id", "parent_order_id"),
            field_text(node, "child_id", "child_order_id", "id"),
            field_text(node, "product_id"),
            field_text(node, "product_name"),
            field_text(node, "product_count"),
            price,
            total,
            shipping,
            currency or total_currency or order_currency,
            field_text(node, "goods_prepare_time"),
            field_text(node, "freight_commit_day"),
            field_text(node, "send_goods_time"),
            field_text(node, "logistics_service_name", "logistics_type"),
            field_text(node, "issue_status"),
        ),
        {"order_id": order_id, **node},
        "",
    )


def _parcel(node: Any, order_id: str | None) -> Row:
    if not isinstance(node, dict) or _PARCEL_FIELDS.isdisjoint(node):
        return PARCELS, (), node, "not a parcel: its fields are unknown"
    return (
        PARCELS,
        (
            order_id,
            field_text(node, "logistics_no"),
            field_text(node, "logistics_service_name", "logistics_type_code"),
            field_text(node, "gmt_send"),
            field_text(node, "gmt_received"),
        ),
        {"order_id": order_id, **node},
        "",
    )


def _order_message(node: Any, order_id: str | None) -> Row:
    """A message that buyer or seller wrote on the page of the order."""
    if not isinstance(node, dict):
        return MESSAGES, (), node, NOT_AN_OBJECT
    return (
        MESSAGES,
        (
            field_text(node, "id"),
            order_id,
            None,
            None,
            None,
            field_text(node, "gmt_create"),
            field_text(node, "poster"),
            field_text(node, "content"),
        ),
        {"order_id": order_id, **node},
        "",
    )
