"""An account of Stripe with disputes, as its documentation says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.shops.fake_service import BROKEN, FakeService, Reply, Request

API_KEY = "rk_live_51-secret-of-the-account"


@dataclass
class FakeStripe(FakeService):
    kinds: tuple[str, ...] = BROKEN
    page_size: int = 4
    # order number -> status of its dispute
    statuses: dict[int, str] = field(default_factory=dict)
    forbidden: bool = False

    def respond(self, request: Request, fault: str | None) -> Reply:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return _error(401, "invalid_request_error", "Invalid API Key provided: rk_live_****")
        if self.forbidden:
            return _error(403, "invalid_request_error", "The provided key does not have access")
        disputed = [order for order in self.placed() if self.until_now(order.disputed)]
        if request.path != "/v1/disputes":
            wanted = request.path.rsplit("/", 1)[-1]
            for order in disputed:
                if dispute_id(order) == wanted:
                    return Reply(self.dispute(order))
            return _error(404, "invalid_request_error", f"No such dispute: '{wanted}'")
        since = int(request.query.get("created[gte]", "0"))
        disputed = [order for order in disputed if order.disputed.timestamp() >= since]
        disputed.sort(key=lambda order: (order.disputed, order.number), reverse=True)
        start = 0
        if after := request.query.get("starting_after"):
            start = 1 + [dispute_id(order) for order in disputed].index(after)
        size = min(int(request.query["limit"]), self.page_size)
        page = [self.dispute(order) for order in disputed[start : start + size]]
        content = {"object": "list", "url": "/v1/disputes", "data": page}
        return Reply({**content, "has_more": start + size < len(disputed)})

    def dispute(self, order: Order) -> dict[str, Any]:
        charge = order.names["charge"]
        return {
            "id": dispute_id(order),
            "object": "dispute",
            "amount": round(order.total * 100),
            "currency": "eur",
            "created": int(order.disputed.timestamp()),
            "charge": {
                "id": charge,
                "object": "charge",
                "created": int(order.paid.timestamp()),
                "description": None,
                "metadata": {"order_id": str(order.number)} if order.number % 3 == 0 else {},
            },
            "payment_intent": None,
            "evidence_details": {"due_by": int(order.disputed.timestamp()) + 86_400 * 9},
            "metadata": {},
            "reason": order.reason,
            "status": self.statuses.get(order.number, "needs_response"),
        }


def dispute_id(order: Order) -> str:
    return f"dp_{order.names['charge'][3:]}"


def _error(status: int, kind: str, message: str) -> Reply:
    return Reply({"error": {"type": kind, "message": message}}, status)
