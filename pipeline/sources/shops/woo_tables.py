"""The kept answers of a WooCommerce shop as the table of the plugin *Advanced Order Export*, and a
table of refunds.

An order counts from the first answer on that shows it paid or being worked on: before, it is a
basket that may never be paid. What has no time of its own is as in that answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pipeline.connections.pull_clock import utc_text
from pipeline.sources.shops.first_known import SAME_NIGHT, FirstKnown
from pipeline.sources.shops.kept_answers import (
    KeptAnswer,
    cell_time,
    parsed_time,
    rows_of,
    texts_of,
    value_of,
)

ORDERS_FILE, REFUNDS_FILE = "woocommerce-orders.csv", "woocommerce-refunds.csv"
NOT_COUNTED = ("pending", "cancelled", "failed", "trash", "draft", "checkout-draft", "auto-draft")
CLOSED = ("cancelled", "failed", "refunded", "trash")
Rows = list[dict[str, str]]


def woo_tables(read: Callable[[], Iterable[KeptAnswer]]) -> dict[str, Rows]:
    """The rows by file. `read`: the answers in the order of their arrival, which are read twice
    instead of held in memory."""
    details: dict[str, tuple[KeptAnswer, Mapping[str, Any]]] = {}
    for answer in read():
        if answer.kind == "refunds":
            for refund in rows_of(answer.content, "refunds"):
                details.setdefault(texts_of(refund, "id"), (answer, refund))
    orders = _WooOrders(details)
    for answer in read():
        if answer.kind == "orders":
            orders.follow(answer)
    return {ORDERS_FILE: orders.rows, REFUNDS_FILE: orders.refunds}


def zone_of(answer: KeptAnswer) -> str:
    """The time zone that a shop reports: by name, or a number of whole hours."""
    if name := texts_of(answer.content, "timezone_string"):
        return name
    offset = value_of(answer.content, "gmt_offset")
    try:
        hours = float(str(offset))
    except ValueError:
        return ""
    if not hours.is_integer() or not -12 <= hours <= 14:
        return ""
    # the sign of these names is the other way round
    return f"Etc/GMT{-int(hours):+d}" if hours else "UTC"


class _WooOrders:
    """`details`: by the id of a refund, the answer that has its time, and the refund."""

    def __init__(self, details: Mapping[str, tuple[KeptAnswer, Mapping[str, Any]]]) -> None:
        self.rows: Rows = []
        self.refunds: Rows = []
        self._details = details
        self._first: dict[str, dict[str, str]] = {}
        self._seen: set[str] = set()
        self._seen_refunds: set[str] = set()
        self._known = FirstKnown()

    def follow(self, answer: KeptAnswer) -> None:
        """A page of orders, or the end of a search."""
        for order in rows_of(answer.content, "orders"):
            self._order(answer, order)
        if answer.request.get("complete"):
            self._known.end_look(answer)

    def _order(self, answer: KeptAnswer, order: Mapping[str, Any]) -> None:
        order_id = texts_of(order, "id")
        status = texts_of(order, "status").removeprefix("wc-")
        created = parsed_time(order.get("date_created_gmt"))
        is_new = order_id not in self._seen
        self._seen.add(order_id)
        known = self._known.created(order_id, created, answer) if is_new else ""
        if order_id not in self._first and status not in NOT_COUNTED:
            known = known if is_new else self._known.changed(order_id, created, answer)
            first, *others = _order_rows(order, known)
            self._first[order_id] = first
            self.rows += [first, *others]
        first_row = self._first.get(order_id)
        if first_row is not None:
            # names the order of a dispute; it is no fact of its own, and may come later
            own = first_row["Transaction ID"] or texts_of(order, "transaction_id")
            first_row["Transaction ID"] = own
            self._event(answer, first_row, "Paid Date", order.get("date_paid_gmt"))
            self._event(answer, first_row, "Completed Date", order.get("date_completed_gmt"))
            was_open = first_row["Order Status"] not in CLOSED
            if status in CLOSED and was_open and not first_row["Cancelled Date"]:
                # the shop does not say when: at the latest when an answer showed it
                first_row["Cancelled Date"] = utc_text(answer.arrived)
            for refund in rows_of(order, "refunds"):
                self._refund(answer, first_row, texts_of(refund, "id"))
        self._known.end_record(order_id, answer)

    def _event(self, answer: KeptAnswer, first: dict[str, str], column: str, when: object) -> None:
        if not first[column] and (text := cell_time(when)):
            first[column] = text
            order_id = first["Order ID"]
            first[f"{column} known"] = self._known.changed(order_id, parsed_time(text), answer)

    def _refund(self, answer: KeptAnswer, first: dict[str, str], refund_id: str) -> None:
        """A refund, once. Its time is in an answer of its own, which may have come a night later
        than the order that shows it."""
        if refund_id in self._seen_refunds or refund_id not in self._details:
            return
        self._seen_refunds.add(refund_id)
        detail, refund = self._details[refund_id]
        created = parsed_time(refund.get("date_created_gmt"))
        known = self._known.changed(first["Order ID"], created, answer)
        if detail.arrived - answer.arrived > SAME_NIGHT:
            known = utc_text(detail.arrived)
        self.refunds.append(
            {
                "Refund ID": refund_id,
                "Order Number": first["Order Number"],
                "Refund Date": cell_time(refund.get("date_created_gmt")),
                "Known at": known,
                "Refund Reason": texts_of(refund, "reason"),
                "Refund Amount": texts_of(refund, "amount"),
            }
        )


def _order_rows(order: Mapping[str, Any], known: str) -> Iterator[dict[str, str]]:
    """Yield one row per line of the order. All have the columns of the order, as in the export."""
    items = rows_of(order, "line_items")
    shipping = next(iter(rows_of(order, "shipping_lines")), {})
    customer = texts_of(order, "customer_id")
    whole = {
        "Order Number": texts_of(order, "number") or texts_of(order, "id"),
        "Order ID": texts_of(order, "id"),
        "Order Status": texts_of(order, "status").removeprefix("wc-"),
        "Order Date": cell_time(order.get("date_created_gmt")),
        "Known at": known,
        "Paid Date": "",
        "Paid Date known": "",
        "Completed Date": "",
        "Completed Date known": "",
        "Cancelled Date": "",
        "Email (Billing)": texts_of(order, "billing", "email"),
        "Customer User ID": "" if customer == "0" else customer,
        "Country Code (Shipping)": texts_of(order, "shipping", "country"),
        "Country Code (Billing)": texts_of(order, "billing", "country"),
        "Cart Discount Amount": texts_of(order, "discount_total"),
        "Order Subtotal Amount": str(sum(_number(item.get("subtotal")) for item in items)),
        "Shipping Method Title": texts_of(shipping, "method_title"),
        "Order Shipping Amount": texts_of(order, "shipping_total"),
        "Order Total Amount": texts_of(order, "total"),
        "Order Total Tax Amount": texts_of(order, "total_tax"),
        "Currency": texts_of(order, "currency"),
        "Transaction ID": "",
    }
    for position, item in enumerate(items or [{}]):
        row = whole if position == 0 else dict(whole)
        quantity = _number(item.get("quantity"))
        cost = _number(item.get("subtotal")) / quantity if quantity else Decimal(0)
        yield row | {
            "SKU": texts_of(item, "sku"),
            "Product Id": texts_of(item, "product_id"),
            "Item Name": texts_of(item, "name"),
            "Quantity": texts_of(item, "quantity"),
            "Item Cost": f"{cost:.4f}" if items else "",
        }


def _number(value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)
