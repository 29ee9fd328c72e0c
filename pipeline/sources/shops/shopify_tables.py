"""The kept answers of a Shopify shop as the tables that Shopify exports: orders, transaction
histories and disputes; and its fulfillments, which it exports nowhere.

What has no time of its own (amounts, lines, country, reason) is as in the first answer that showed
the record: a later answer would tell earlier nights what was not known yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.sources.shops.first_known import FirstKnown
from pipeline.sources.shops.kept_answers import (
    KeptAnswer,
    cell_time,
    parsed_time,
    rows_of,
    texts_of,
)

Rows = list[dict[str, str]]
ORDERS_FILE, TRANSACTIONS_FILE = "shopify-orders.csv", "shopify-transactions.csv"
FULFILLMENTS_FILE, DISPUTES_FILE = "shopify-fulfillments.csv", "shopify-disputes.csv"
PAID = ("SALE", "CAPTURE")
_MONEY = ("shopMoney", "amount")


def shopify_tables(answers: Iterable[KeptAnswer]) -> dict[str, Rows]:
    """The rows by file, from the answers in the order of their arrival."""
    orders, disputes = _ShopifyOrders(), _ShopifyDisputes()
    pages: dict[str, list[KeptAnswer]] = {}
    for answer in answers:
        if answer.kind == "orders":
            # the lines of a result belong together; without the last one it is not whole
            pages.setdefault(str(answer.request.get("look")), []).append(answer)
            if answer.request.get("complete"):
                orders.follow(pages.pop(str(answer.request.get("look"))))
        elif answer.kind == "disputes":
            disputes.follow(answer)
    return {
        ORDERS_FILE: orders.rows,
        TRANSACTIONS_FILE: orders.transactions,
        FULFILLMENTS_FILE: orders.fulfillments,
        DISPUTES_FILE: disputes.rows(),
    }


class _ShopifyOrders:
    def __init__(self) -> None:
        self.rows: Rows = []
        self.transactions: Rows = []
        self.fulfillments: Rows = []
        self._first: dict[str, dict[str, str]] = {}
        self._seen: set[tuple[str, str]] = set()
        self._known = FirstKnown()

    def follow(self, answers: list[KeptAnswer]) -> None:
        """One result: its lines, the last of which ends it."""
        *lines, end = answers
        items: dict[str, list[Mapping[str, Any]]] = {}
        for line in lines:
            if parent := texts_of(line.content, "__parentId"):
                items.setdefault(parent, []).append(line.content)
        for line in lines:
            if texts_of(line.content, "name") and "__parentId" not in line.content:
                self._order(line, items.get(texts_of(line.content, "id"), []))
        self._known.end_look(end)

    def _order(self, answer: KeptAnswer, items: list[Mapping[str, Any]]) -> None:
        node = answer.content
        order_id = texts_of(node, "id")
        if order_id not in self._first:
            known = self._known.created(order_id, parsed_time(node.get("createdAt")), answer)
            first, *others = _order_rows(node, items, known)
            self._first[order_id] = first
            self.rows += [first, *others]
        first = self._first[order_id]
        # names the order of a dispute; it is no fact of its own, and may come later
        first["Payment Reference"] = first["Payment Reference"] or payment_reference(node)
        self._event(answer, first, "Paid at", _paid_at(node))
        self._event(answer, first, "Cancelled at", node.get("cancelledAt"))
        sent = [row for row in rows_of(node, "fulfillments") if row.get("status") != "CANCELLED"]
        times = [cell_time(row.get("createdAt")) for row in sent]
        self._event(answer, first, "Fulfilled at", min(filter(None, times), default=None))
        for row in rows_of(node, "transactions"):
            self._add(answer, self.transactions, _transaction(node, row), "Created At")
        for row in sent:
            self._add(answer, self.fulfillments, _fulfillment(node, row), "Fulfilled at")
        self._known.end_record(order_id, answer)

    def _event(self, answer: KeptAnswer, first: dict[str, str], column: str, when: object) -> None:
        """Something happened to the order, at the time that the first answer gives."""
        if not first[column] and (text := cell_time(when)):
            order_id = texts_of(answer.content, "id")
            first[column] = text
            first[f"{column} known"] = self._known.changed(order_id, parsed_time(text), answer)

    def _add(self, answer: KeptAnswer, rows: Rows, row: dict[str, str], time: str) -> None:
        """A row of a table next to the orders, once: as the first answer has it."""
        key = row["Name"], row["Id"]
        if key not in self._seen and row[time]:
            self._seen.add(key)
            order_id = texts_of(answer.content, "id")
            known = self._known.changed(order_id, parsed_time(row[time]), answer)
            rows.append({**row, "Known at": known})


def payment_reference(node: Mapping[str, Any]) -> str:
    """The id of the payment of an order, by which its dispute names it."""
    payments = [row for row in rows_of(node, "transactions") if row.get("kind") != "REFUND"]
    texts = (texts_of(row, name) for row in payments for name in ("authorizationCode", "paymentId"))
    return next(filter(None, texts), "")


def _paid_at(node: Mapping[str, Any]) -> str | None:
    times = [
        cell_time(row.get("processedAt") or row.get("createdAt"))
        for row in rows_of(node, "transactions")
        if row.get("kind") in PAID and row.get("status") == "SUCCESS"
    ]
    return min(filter(None, times), default=None)


def _order_rows(
    node: Mapping[str, Any], items: list[Mapping[str, Any]], known: str
) -> Iterator[dict[str, str]]:
    """Yield one row per line of the order, the first with what concerns the whole order."""
    order = {
        "Name": texts_of(node, "name"),
        "Email": texts_of(node, "email"),
        "Financial Status": texts_of(node, "displayFinancialStatus").lower(),
        "Paid at": "",
        "Paid at known": "",
        "Fulfillment Status": texts_of(node, "displayFulfillmentStatus").lower(),
        "Fulfilled at": "",
        "Fulfilled at known": "",
        "Currency": texts_of(node, "currencyCode"),
        "Subtotal": texts_of(node, "subtotalPriceSet", *_MONEY),
        "Shipping": texts_of(node, "totalShippingPriceSet", *_MONEY),
        "Taxes": texts_of(node, "totalTaxSet", *_MONEY),
        "Total": texts_of(node, "totalPriceSet", *_MONEY),
        "Discount Amount": texts_of(node, "totalDiscountsSet", *_MONEY),
        "Shipping Method": texts_of(node, "shippingLine", "title"),
        "Created at": cell_time(node.get("createdAt")),
        "Known at": known,
        "Billing Country": texts_of(node, "billingAddress", "countryCodeV2"),
        "Shipping Country": texts_of(node, "shippingAddress", "countryCodeV2"),
        "Cancelled at": "",
        "Cancelled at known": "",
        "Payment Reference": "",
        "Phone": texts_of(node, "phone"),
        "Id": texts_of(node, "legacyResourceId") or texts_of(node, "id").rsplit("/", 1)[-1],
    }
    later = {**dict.fromkeys(order, ""), "Name": order["Name"], "Email": order["Email"]}
    for position, item in enumerate(items or [{}]):
        yield (order if position == 0 else dict(later)) | {
            "Lineitem quantity": texts_of(item, "quantity"),
            "Lineitem name": texts_of(item, "name"),
            "Lineitem price": texts_of(item, "originalUnitPriceSet", *_MONEY),
            "Lineitem sku": texts_of(item, "sku"),
            "Vendor": texts_of(item, "vendor"),
        }


def _transaction(node: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "Order": texts_of(node, "legacyResourceId"),
        "Name": texts_of(node, "name"),
        "Id": texts_of(row, "id"),
        "Kind": texts_of(row, "kind").lower(),
        "Gateway": texts_of(row, "gateway"),
        "Created At": cell_time(row.get("createdAt") or row.get("processedAt")),
        "Status": texts_of(row, "status").lower(),
        "Amount": texts_of(row, "amountSet", *_MONEY),
        "Currency": texts_of(row, "amountSet", "shopMoney", "currencyCode"),
    }


def _fulfillment(node: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, str]:
    parcel = next(iter(rows_of(row, "trackingInfo")), {})
    return {
        "Name": texts_of(node, "name"),
        "Id": texts_of(row, "id"),
        "Fulfilled at": cell_time(row.get("createdAt")),
        "Tracking Number": texts_of(parcel, "number"),
        "Tracking Company": texts_of(parcel, "company"),
    }


def _end_of_day(text: str) -> str:
    """A day without a time lasts until its end: before that, the end of a dispute was not known."""
    return cell_time(f"{text}T23:59:59Z" if len(text) == len("2026-05-03") else text)


class _ShopifyDisputes:
    def __init__(self) -> None:
        self._rows: dict[str, dict[str, str]] = {}
        self._known = FirstKnown()

    def rows(self) -> Rows:
        return list(self._rows.values())

    def follow(self, answer: KeptAnswer) -> None:
        """A page; the last one ends the search."""
        nodes = rows_of(answer.content, "data", "shopifyPaymentsAccount", "disputes", "nodes")
        for node in nodes:
            self._dispute(answer, node)
        if answer.request.get("complete"):
            self._known.end_look(answer)

    def _dispute(self, answer: KeptAnswer, node: Mapping[str, Any]) -> None:
        dispute_id = texts_of(node, "id")
        row = self._rows.get(dispute_id)
        if row is None:
            known = self._known.created(dispute_id, parsed_time(node.get("initiatedAt")), answer)
            row = self._rows[dispute_id] = {
                "ID": texts_of(node, "legacyResourceId") or dispute_id.rsplit("/", 1)[-1],
                "Order Name": texts_of(node, "order", "name"),
                "Type": texts_of(node, "type").lower(),
                "Reason": texts_of(node, "reasonDetails", "reason").lower(),
                "Amount": texts_of(node, "amount", "amount"),
                "Currency": texts_of(node, "amount", "currencyCode"),
                "Initiated At": cell_time(node.get("initiatedAt")),
                "Known at": known,
                "Evidence Due By": cell_time(node.get("evidenceDueBy")),
                "Status": "",
                "Finalized On": "",
                "Finalized On known": "",
            }
        ended = _end_of_day(texts_of(node, "finalizedOn"))
        if ended and not row["Finalized On"]:
            row["Finalized On"] = ended
            row["Status"] = texts_of(node, "status").lower()
            late = self._known.changed(dispute_id, parsed_time(ended), answer)
            row["Finalized On known"] = late
        row["Status"] = row["Status"] or texts_of(node, "status").lower()
        self._known.end_record(dispute_id, answer)
