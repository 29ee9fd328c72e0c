"""An account of PayPal with disputes, as its documentation says."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.shops.fake_service import BROKEN, FakeService, Reply, Request

CLIENT_ID, SECRET = "AYSq3RDGsmBLJE-otTkBtM-jBRd1TCQwFf9RGfwddNXWz0uFU9ztymylOhRS", "EGnHDxD_s3cr3t"
ALL = (*BROKEN, "token_ends")


@dataclass
class FakePaypal(FakeService):
    kinds: tuple[str, ...] = ALL
    page_size: int = 4
    tokens: int = 0
    # order number -> (outcome, when it was resolved)
    resolved: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    forbidden: bool = False
    next_host: str = "https://evil.example"

    @property
    def token(self) -> str:
        return f"A21AA-token-{self.tokens}-of-the-account"

    def respond(self, request: Request, fault: str | None) -> Reply:
        if request.path == "/v1/oauth2/token":
            expected = "Basic " + b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
            if request.headers.get("authorization") != expected:
                return Reply({"error": "invalid_client"}, 401)
            self.tokens += 1
            content = {"access_token": self.token, "token_type": "Bearer", "expires_in": 32400}
            return Reply(content)
        if fault == "token_ends":
            self.tokens += 1
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Reply({"error": "invalid_token", "error_description": "Token signature"}, 401)
        if self.forbidden:
            said = "Authorization failed due to insufficient permissions."
            return Reply({"name": "NOT_AUTHORIZED", "message": said}, 403)
        if request.path == "/v1/customer/disputes":
            return self._list(request.query)
        wanted = request.path.rsplit("/", 1)[-1]
        case = next(each for each in self._disputed() if each.names["case"] == wanted)
        return Reply(self.detail(case))

    def _disputed(self) -> list[Order]:
        return [order for order in self.placed() if self.until_now(order.disputed)]

    def updated(self, order: Order) -> datetime:
        outcome = self.resolved.get(order.number)
        ended = self.until_now(outcome[1]) if outcome else None
        assert order.disputed is not None
        return ended or order.disputed

    def _list(self, query: dict[str, str]) -> Reply:
        since = datetime.fromisoformat(query.get("update_time_after", "2000-01-01T00:00:00Z"))
        cases = [order for order in self._disputed() if self.updated(order) >= since]
        cases.sort(key=lambda order: (order.disputed, order.number), reverse=True)
        start = int(query.get("next_page_token", "0"))
        items = [self.summary(order) for order in cases[start : start + self.page_size]]
        links = [{"href": f"{self.next_host}/v1/customer/disputes", "rel": "self"}]
        if start + self.page_size < len(cases):
            token = f"next_page_token={start + self.page_size}&page_size=50"
            bound = f"update_time_after={query.get('update_time_after', '')}"
            href = f"{self.next_host}/v1/customer/disputes?{token}&{bound}"
            links.append({"href": href, "rel": "next", "method": "GET"})
        return Reply({"items": items, "links": links})

    def summary(self, order: Order) -> dict[str, Any]:
        outcome = self.resolved.get(order.number)
        is_resolved = outcome is not None and outcome[1] <= self.moment
        return {
            "dispute_id": order.names["case"],
            "create_time": stamp(order.disputed),
            "update_time": stamp(self.updated(order)),
            "reason": order.reason,
            "status": "RESOLVED" if is_resolved else "WAITING_FOR_SELLER_RESPONSE",
            "dispute_life_cycle_stage": "INQUIRY",
            "dispute_channel": "INTERNAL",
            "dispute_amount": {"currency_code": "EUR", "value": f"{order.total:.2f}"},
        }

    def detail(self, order: Order) -> dict[str, Any]:
        paid = {"seller_transaction_id": order.names["paypal"], "invoice_number": None}
        content = {**self.summary(order), "disputed_transactions": [paid]}
        if content["status"] == "RESOLVED":
            content["dispute_outcome"] = {"outcome_code": self.resolved[order.number][0]}
        return content


def stamp(when: datetime | None) -> str | None:
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z") if when else None
