"""The orders of a made-up shop, and what is right to load of them. The exports in `export_files`
are written from these orders, so each right value is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

REASONS = {
    "stripe": {
        "product_not_received": "not_received",
        "product_unacceptable": "not_as_described",
        "fraudulent": "other",
    },
    "paypal": {
        "MERCHANDISE_OR_SERVICE_NOT_RECEIVED": "not_received",
        "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED": "not_as_described",
        "UNAUTHORISED": "other",
    },
    "amazon": {
        "CR-DEFECTIVE": "not_as_described",
        "CR-UNWANTED_ITEM": "other",
        "CR-UNDELIVERABLE_UNKNOWN": "not_received",
    },
    "plain": {"Item not received": "not_received", "Not as described": "not_as_described"},
}
TITLES = ("Mug", "Tea pot, blue", "Cup | large", "<b>Tee</b>", "=1+1", "Lamp: desk")


@dataclass
class Line:
    sku: str
    title: str
    quantity: int
    price: float


@dataclass
class Order:
    """One order; times are in UTC."""

    number: int
    placed: datetime
    paid: datetime
    shipped: datetime | None
    country: str
    email: str
    shipping: float
    lines: list[Line]
    disputed: datetime | None = None
    reason: str = ""
    cause: str = ""
    names: dict[str, str] = field(default_factory=dict)

    @property
    def subtotal(self) -> float:
        return round(sum(line.quantity * line.price for line in self.lines), 2)

    @property
    def total(self) -> float:
        """Without tax: what the lines and the shipping add up to."""
        return round(self.subtotal + self.shipping, 2)

    @property
    def tax(self) -> float:
        return round(self.total * 0.2, 2)


def made_orders(rng: Random, count: int, zone: str, reasons: str) -> list[Order]:
    """Orders of one shop in the order of their times. No time is in an hour that the clock changes
    repeat or skip."""
    place = ZoneInfo(zone)
    skus = [
        (f"SKU-{letter}{letter}", title) for letter, title in zip("ABCDEF", TITLES, strict=True)
    ]
    orders = []
    start = datetime(2026, 1, 3) + timedelta(days=rng.randint(0, 200))
    for position in range(count):
        day = start + timedelta(days=position * 60 / count)

        def at(days: float, day: datetime = day) -> datetime:
            local = (day + timedelta(days=days)).replace(
                hour=rng.randint(4, 23), minute=rng.randint(0, 59), second=0
            )
            return local.replace(tzinfo=place).astimezone(ZoneInfo("UTC"))

        lines = [
            Line(sku, title, rng.randint(1, 3), rng.choice([4.5, 12.0, 19.99, 1250.4]))
            for sku, title in rng.sample(skus, rng.randint(1, 3))
        ]
        placed = at(0)
        order = Order(
            number=1001 + position,
            placed=placed,
            paid=placed + timedelta(minutes=rng.randint(0, 50)),
            shipped=at(2) if rng.random() < 0.8 else None,
            country=rng.choice(["DE", "US", "FR"]),
            email=f"buyer{rng.randint(1, 30)}@example.org",
            shipping=rng.choice([0.0, 4.99]),
            lines=lines,
        )
        if rng.random() < 0.3:
            order.disputed = at(rng.randint(4, 30))
            order.reason = rng.choice(list(REASONS[reasons]))
            order.cause = REASONS[reasons][order.reason]
        letters = "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=14))
        order.names = {
            "charge": f"ch_{letters}",
            "paypal": f"{letters}PP",
            "case": f"PP-{letters[:9]}",
        }
        orders.append(order)
    return orders
