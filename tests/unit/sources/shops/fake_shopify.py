"""A shop of Shopify: the GraphQL Admin API with bulk operations, as its documentation says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.shops.fake_service import BROKEN, FakeService, Reply, Request

TOKEN = "shpat_0f-the-shop-4711"
CLIENT_ID, CLIENT_SECRET = "c11e0f", "shpss_secret-of-the-app"
ALL = (*BROKEN, "throttled", "internal", "busy", "failed", "timed_out", "no_node")
ALL += ("expired_result", "short_result")
_FILTER = re.compile(r"(\w+):(>=|<)'([^']+)'")


@dataclass
class FakeShopify(FakeService):
    kinds: tuple[str, ...] = ALL
    scopes: tuple[str, ...] = ("read_orders", "read_all_orders")
    forbidden: tuple[str, ...] = ()
    token: str = TOKEN
    has_payments: bool = True
    # questions until an operation is complete
    patience: int = 1
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    result_host: str = "localhost"
    # the numbers of operations that take too long
    too_long: tuple[int, ...] = ()

    def respond(self, request: Request, fault: str | None) -> Reply:
        if request.path.startswith("/result/"):
            return self._result(request, fault)
        if request.path == "/admin/oauth/access_token":
            form = request.form
            good = form.get("client_id") == CLIENT_ID and form["client_secret"] == CLIENT_SECRET
            content = {"access_token": self.token, "scope": "read_orders", "expires_in": 86399}
            return Reply(content) if good else Reply({"error": "invalid_client"}, 400)
        if request.headers.get("x-shopify-access-token") != self.token:
            return Reply({"errors": "[API] Invalid API key or access token"}, 401)
        if fault == "throttled":
            cost = {"requestedQueryCost": 50, "actualQueryCost": None}
            cost["throttleStatus"] = {
                "maximumAvailable": 2000.0,
                "currentlyAvailable": 10,
                "restoreRate": 100.0,
            }
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return Reply({"errors": [error], "extensions": {"cost": cost}})
        if fault == "internal":
            error = {"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
            return Reply({"errors": [error], "data": None})
        body = json.loads(request.body)
        return self._graphql(body["query"], body.get("variables") or {}, fault)

    def _graphql(self, query: str, variables: dict[str, Any], fault: str | None) -> Reply:
        if "bulkOperationRunQuery" in query:
            return self._start(variables["query"], fault)
        if "BulkOperation" in query:
            return self._status(variables["id"], fault)
        if "shopifyPaymentsAccount" in query:
            if "disputes" in self.forbidden:
                return _denied("shopifyPaymentsAccount")
            return Reply({"data": {"shopifyPaymentsAccount": self._account(variables)}})
        if "currentAppInstallation" in query:
            scopes = [{"handle": scope} for scope in self.scopes]
            return Reply({"data": {"currentAppInstallation": {"accessScopes": scopes}}})
        if "orders(" in query:
            return _denied("orders") if "orders" in self.forbidden else Reply({"data": {}})
        shop = {"name": "Corner", "ianaTimezone": "Europe/Berlin", "currencyCode": "EUR"}
        return Reply({"data": {"shop": shop}})

    def _start(self, query: str, fault: str | None) -> Reply:
        if fault == "busy":
            said = "A bulk query operation for this app and shop is already in progress: gid://1."
            return _started(None, [{"field": None, "message": said}])
        if "orders" in self.forbidden:
            return _denied("orders")
        count = len(self.operations) + 1
        key = f"gid://shopify/BulkOperation/{count}"
        bounds = _FILTER.findall(query)
        fault = "timed_out" if count in self.too_long else fault
        lines = list(self._lines(bounds)) if fault not in ("failed", "timed_out") else []
        status = "FAILED" if fault in ("failed", "timed_out") else "COMPLETED"
        code = {"failed": "INTERNAL_SERVER_ERROR", "timed_out": "TIMEOUT"}.get(fault or "")
        self.operations[key] = {"lines": lines, "status": status, "asked": 0, "code": code}
        return _started({"id": key, "status": "CREATED"}, [])

    def _status(self, key: str, fault: str | None) -> Reply:
        operation = self.operations.get(key)
        if operation is None or fault == "no_node":
            return Reply({"data": {"node": None}})
        operation["asked"] += 1
        is_done = operation["asked"] > self.patience
        lines = operation["lines"]
        url = f"http://{self.result_host}:{self.port}/result/{key.rsplit('/', 1)[-1]}?sig=s1gned"
        node = {
            "id": key,
            "status": operation["status"] if is_done else "RUNNING",
            "errorCode": operation["code"] if is_done else None,
            "objectCount": str(len(lines)),
            "fileSize": str(sum(len(line) + 1 for line in lines)),
            "url": url if is_done and lines else None,
        }
        return Reply({"data": {"node": node}})

    def _result(self, request: Request, fault: str | None) -> Reply:
        operation = self.operations[f"gid://shopify/BulkOperation/{request.path[8:]}"]
        if fault == "expired_result" or request.query.get("sig") != "s1gned":
            return Reply("<Error><Code>ExpiredToken</Code></Error>", 403)
        lines = operation["lines"]
        lines = lines[: len(lines) // 2] if fault == "short_result" else lines
        return Reply("".join(f"{line}\n" for line in lines))

    def _lines(self, bounds: list[tuple[str, str, str]]) -> Iterator[str]:
        for order in self.placed():
            times = {"created_at": order.placed, "updated_at": self.updated(order)}
            if all(_is_in(times[name], sign, bound) for name, sign, bound in bounds):
                node = self.order_node(order)
                yield json.dumps(node)
                for line in line_nodes(order):
                    yield json.dumps({**line, "__parentId": node["id"]})

    def order_node(self, order: Order) -> dict[str, Any]:
        paid, shipped = self.until_now(order.paid), self.until_now(order.shipped)
        gid = f"gid://shopify/Order/{5_000_000_000_000 + order.number}"
        has_tax = order.number % 2 == 0
        transaction = {
            "id": f"gid://shopify/OrderTransaction/{order.number}",
            "kind": "SALE",
            "status": "SUCCESS",
            "gateway": "stripe",
            "createdAt": iso(paid),
            "processedAt": iso(paid),
            "paymentId": f"#{order.number}.1",
            "authorizationCode": order.names["charge"],
            "amountSet": money(order.total),
        }
        parcel = {
            "id": f"gid://shopify/Fulfillment/{order.number}",
            "createdAt": iso(shipped),
            "status": "SUCCESS",
            "deliveredAt": None,
            "trackingInfo": [{"number": f"LX{order.number:09}DE", "company": "DHL"}],
        }
        return {
            "id": gid,
            "legacyResourceId": gid.rsplit("/", 1)[-1],
            "name": f"#{order.number}",
            "email": order.email,
            "phone": None,
            "createdAt": iso(order.placed),
            "processedAt": iso(order.placed),
            "updatedAt": iso(self.updated(order)),
            "cancelledAt": None,
            "closedAt": None,
            "currencyCode": "EUR",
            "displayFinancialStatus": "PAID" if paid else "PENDING",
            "displayFulfillmentStatus": "FULFILLED" if shipped else "UNFULFILLED",
            "taxesIncluded": has_tax,
            "subtotalPriceSet": money(order.subtotal),
            "totalShippingPriceSet": money(order.shipping),
            "totalTaxSet": money(order.tax),
            "totalPriceSet": money(order.total if has_tax else order.total + order.tax),
            "totalDiscountsSet": money(0.0),
            "shippingAddress": {"countryCodeV2": order.country},
            "billingAddress": None,
            "shippingLine": {"title": "Standard"},
            "transactions": [transaction] if paid else [],
            "fulfillments": [parcel] if shipped else [],
            "refunds": [],
        }

    def _account(self, variables: dict[str, Any]) -> dict[str, Any] | None:
        if not self.has_payments:
            return None
        (bound,) = _FILTER.findall(variables.get("filter") or "initiated_at:>='2000-01-01'")
        disputed = [order for order in self.placed() if self.until_now(order.disputed)]
        disputed = [order for order in disputed if _is_in(order.disputed, *bound[1:])]
        disputed.sort(key=lambda order: (order.disputed, order.number), reverse=True)
        start = int(variables.get("after") or 0)
        page = disputed[start : start + 5]
        ends = start + 5 >= len(disputed)
        info = {"hasNextPage": not ends, "endCursor": None if ends else str(start + 5)}
        return {"disputes": {"nodes": [dispute_node(order) for order in page], "pageInfo": info}}


def line_nodes(order: Order) -> Iterator[dict[str, Any]]:
    for position, line in enumerate(order.lines):
        yield {
            "id": f"gid://shopify/LineItem/{order.number}{position}",
            "sku": line.sku,
            "name": line.title,
            "quantity": line.quantity,
            "vendor": "Corner",
            "originalUnitPriceSet": money(line.price),
        }


def dispute_node(order: Order) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ShopifyPaymentsDispute/{order.number}",
        "legacyResourceId": str(order.number),
        "status": "NEEDS_RESPONSE",
        "type": "CHARGEBACK",
        "initiatedAt": iso(order.disputed),
        "evidenceDueBy": iso(order.disputed),
        "evidenceSentOn": None,
        "finalizedOn": None,
        "amount": {"amount": f"{order.total:.2f}", "currencyCode": "EUR"},
        "reasonDetails": {"reason": order.reason.upper(), "networkReasonCode": "13.1"},
        "order": {"id": f"gid://shopify/Order/{order.number}", "name": f"#{order.number}"},
    }


def _is_in(when: datetime | None, sign: str, bound: str) -> bool:
    assert when is not None
    limit = datetime.fromisoformat(bound)
    limit = limit if limit.tzinfo else limit.replace(tzinfo=when.tzinfo)
    return when >= limit if sign == ">=" else when < limit


def _started(operation: dict[str, str] | None, errors: list[dict[str, Any]]) -> Reply:
    payload = {"bulkOperation": operation, "userErrors": errors}
    return Reply({"data": {"bulkOperationRunQuery": payload}})


def _denied(field_name: str) -> Reply:
    said = f"Access denied for {field_name} field. Required access: `read_{field_name}` scope."
    return Reply({"errors": [{"message": said, "extensions": {"code": "ACCESS_DENIED"}}]})


def money(amount: float) -> dict[str, Any]:
    return {"shopMoney": {"amount": f"{amount:.2f}", "currencyCode": "EUR"}}


def iso(when: datetime | None) -> str | None:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else None
