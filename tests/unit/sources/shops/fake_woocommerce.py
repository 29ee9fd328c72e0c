"""A shop of WooCommerce, as its documentation and reports of its errors say."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.shops.fake_service import BROKEN, FakeService, Reply, Request

KEY, SECRET = "ck_of-the-shop", "cs_secret-of-the-shop"
ALL = (*BROKEN, "php_warning", "missing_row", "changed_total")


@dataclass
class FakeWoo(FakeService):
    kinds: tuple[str, ...] = ALL
    # an old version: modified_after is ignored
    is_old: bool = False
    # dates_are_gmt is ignored: the clock of a shop so many hours ahead
    hours_ahead: int = 0
    statuses: dict[int, str] = field(default_factory=dict)
    # order number -> when it was refunded
    refunded: dict[int, datetime] = field(default_factory=dict)
    forbidden: bool = False
    # an order that is removed after so many pages of orders
    removed_after: int = -1
    pages: int = 0

    def respond(self, request: Request, fault: str | None) -> Reply:
        expected = "Basic " + b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if request.path == "/wp-json/":
            return Reply({"name": "Corner", "timezone_string": "Europe/Berlin", "gmt_offset": 1})
        if request.headers.get("authorization") != expected:
            code = "woocommerce_rest_authentication_error"
            return Reply({"code": code, "message": "Invalid signature", "data": {}}, 401)
        if self.forbidden:
            code = "woocommerce_rest_cannot_view"
            return Reply({"code": code, "message": "Sorry, you cannot list resources."}, 403)
        if request.path.endswith("/refunds"):
            return Reply([self.refund(int(request.path.split("/")[-2]) - 9_000)])
        reply = self._orders(request.query, fault)
        if fault == "php_warning":
            return Reply("<br />\n<b>Warning</b>: Undefined index<br />\n" + reply.body.decode())
        return reply

    def _orders(self, query: dict[str, str], fault: str | None) -> Reply:
        orders = self.placed()
        if self.removed_after >= 0 and self.pages > self.removed_after:
            orders = orders[1:]
        self.pages += 1
        orders = [order for order in orders if self._is_wanted(order, query)]
        size, page = int(query.get("per_page", "10")), int(query.get("page", "1"))
        total = len(orders) + (fault == "changed_total")
        rows = [self.order(order) for order in orders[(page - 1) * size : page * size]]
        if fault == "missing_row" and len(rows) > 1:
            rows.pop(len(rows) // 2)
        pages = str(-(-total // size))
        return Reply(rows, headers={"X-WP-Total": str(total), "X-WP-TotalPages": pages})

    def _is_wanted(self, order: Order, query: dict[str, str]) -> bool:
        shift = timedelta(hours=self.hours_ahead)

        def bound(name: str) -> datetime | None:
            text = query.get(name)
            return datetime.fromisoformat(text).replace(tzinfo=UTC) - shift if text else None

        after, before = bound("after"), bound("before")
        modified = None if self.is_old else bound("modified_after")
        return (
            (after is None or order.placed > after)
            and (before is None or order.placed < before)
            and (modified is None or self.updated(order) > modified)
        )

    def updated(self, order: Order) -> datetime:
        latest = super().updated(order)
        refunded = self.until_now(self.refunded.get(order.number))
        return max(latest, refunded) if refunded else latest

    def order(self, order: Order) -> dict[str, Any]:
        paid, shipped = self.until_now(order.paid), self.until_now(order.shipped)
        status = "completed" if shipped else "processing" if paid else "pending"
        refunded = self.until_now(self.refunded.get(order.number))
        return {
            "id": 9_000 + order.number,
            "number": str(order.number),
            "status": self.statuses.get(order.number, status),
            "currency": "EUR",
            "date_created_gmt": gmt(order.placed),
            "date_modified_gmt": gmt(self.updated(order)),
            "date_paid_gmt": gmt(paid),
            "date_completed_gmt": gmt(shipped),
            "discount_total": "0.00",
            "shipping_total": f"{order.shipping:.2f}",
            "total": f"{order.total + order.tax:.2f}",
            "total_tax": f"{order.tax:.2f}",
            "customer_id": 0,
            "billing": {"email": order.email, "country": ""},
            "shipping": {"country": order.country},
            "transaction_id": order.names["paypal"] if paid else "",
            "shipping_lines": [{"method_title": "Flat rate"}],
            "line_items": [
                {
                    "id": position,
                    "name": line.title,
                    "product_id": position,
                    "sku": line.sku,
                    "quantity": line.quantity,
                    "subtotal": f"{line.quantity * line.price:.2f}",
                    "total": f"{line.quantity * line.price:.2f}",
                }
                for position, line in enumerate(order.lines, 1)
            ],
            "refunds": [{"id": 100 + order.number, "total": "-1.00"}] if refunded else [],
        }

    def refund(self, number: int) -> dict[str, Any]:
        return {
            "id": 100 + number,
            "date_created_gmt": gmt(self.refunded[number]),
            "amount": "1.00",
            "reason": "Item not received",
        }


def gmt(when: datetime | None) -> str | None:
    return when.strftime("%Y-%m-%dT%H:%M:%S") if when else None
