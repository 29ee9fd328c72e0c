"""Many small random stores at once. They are not plausible, but every case occurs, above all ties.

All times are on a grid of six hours, so many facts have the same time and many become known exactly
at midnight. Some facts become known up to nine days late. Ids contain the number of the world, so
worlds do not overlap.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import polars as pl

from features.calendars_and_countries import COUNTRIES
from features.tables import INTENTS, SENTIMENTS, TABLES, URGENCIES

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 125
STATUSES = (
    "NotFound",
    "InfoReceived",
    "InTransit",
    "InTransit",
    "Delivered",
    "Delivered",
    "Exception",
    "DeliveryFailure",
    "OutForDelivery",
)
SUB_STATUSES = (
    None,
    None,
    "InTransit_PickedUp",
    "InTransit_Departure",
    "InTransit_Arrival",
    "InTransit_CustomsReleased",
    "InTransit_Other",
)
LANGUAGES = sorted({language for _, language in COUNTRIES.values()})

Row = dict[str, object]


def draw_worlds(count: int, seed: int) -> dict[str, pl.DataFrame]:
    """The canonical tables of `count` worlds. Each of the first worlds has its own language; the
    countries of the others are unknown."""
    rows: dict[str, list[Row]] = {name: [] for name in TABLES}
    for world in range(count):
        _draw_world(rows, world, Random(f"{seed}-{world}"))
    return {name: pl.DataFrame(rows[name], schema=table.schema) for name, table in TABLES.items()}


def _draw_world(rows: dict[str, list[Row]], world: int, rng: Random) -> None:
    def moment(low: float, high: float) -> datetime:
        return START + timedelta(hours=6 * rng.randint(int(low * 4), int(high * 4)))

    def add(table: str, at: datetime, **cells: object) -> None:
        late = rng.choice([0, 0, 0, 0, 6, 18, 24, 72, 216])
        blank = dict.fromkeys(TABLES[table].schema)
        number = {key: f"{world}-{len(rows[table])}" for key in TABLES[table].key}
        known = {"occurred_at": at, "known_at": at + timedelta(hours=late)}
        rows[table].append({**blank, **number, **cells, **known})

    spoken = LANGUAGES[world] if world < len(LANGUAGES) else None
    countries = [c for c, (_, language) in COUNTRIES.items() if language == spoken] or [
        f"x{world}",
        f"y{world}",
    ]
    products = [f"p{world}-{n}" for n in range(rng.randint(1, 3))]
    for product in products:
        add(
            "products",
            moment(-30, 20),
            product_id=product,
            category=f"c{world}-{rng.randint(0, 1)}",
        )
    for number in range(rng.randint(2, 8)):
        order_id, at = f"o{world}-{number}", moment(0, 25)
        add(
            "orders",
            at,
            order_id=order_id,
            buyer_id=f"b{world}-{rng.randint(0, 2)}",
            store_id=f"s{world}",
            country=rng.choice(countries),
            lane=f"{rng.choice('ST')}{world}>{rng.choice('XY')}",
            currency="USD",
            total_usd=9.0,
            total_source=9.0,
        )
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            add(
                "order_lines",
                at,
                order_id=order_id,
                product_id=rng.choice(products),
                supplier_id=f"u{world}-{rng.randint(0, 1)}",
                quantity=1.0,
                unit_price_usd=rng.randint(1, 999) / 100,
                shipping_usd=0.0,
            )
        _draw_facts(add, moment, rng, order_id, (at - START) / timedelta(days=1))


def _draw_facts(add, moment, rng: Random, order_id: str, placed: float) -> None:
    """The facts of an order, in random chronological order."""

    def moments(most: int, days: float = 30.0) -> list[datetime]:
        return [moment(placed - 1, min(placed + days, DAYS)) for _ in range(rng.randint(0, most))]

    for at in moments(2, 5.0):
        promised = at + timedelta(hours=6 * rng.randint(0, 60))
        add("promises", at, order_id=order_id, kind="dispatch", promised_at=promised)
    for at in moments(2, 8.0):
        promised = at + timedelta(hours=6 * rng.randint(-200, 80))
        add("promises", at, order_id=order_id, kind="delivery", promised_at=promised)
    for at in moments(2, 10.0):
        add("shipments", at, order_id=order_id)
    for at in moments(6, rng.choice([30.0, 100.0])):
        status, sub_status = rng.choice(STATUSES), rng.choice(SUB_STATUSES)
        add(
            "tracking", at, shipment_id="h", order_id=order_id, status=status, sub_status=sub_status
        )
    for at in moments(3):
        add(
            "messages",
            at,
            order_id=order_id,
            sender=rng.choice(["buyer", "seller"]),
            topic=rng.choice(["parcel", None]),
            intent=rng.choice([*INTENTS, None, None]),
            urgency=rng.choice([*URGENCIES, None]),
            sentiment=rng.choice([*SENTIMENTS, None]),
        )
    for at in moments(2):
        add("reviews", at, order_id=order_id, score=float(rng.randint(1, 5)))
    for at in moments(1):
        add(
            "order_events",
            at,
            order_id=order_id,
            event=rng.choice(["paid", "closed", "outcome_observed"]),
        )
    for at in moments(3) if rng.random() < 0.5 else []:
        add(
            "disputes",
            at,
            dispute_id="d",
            order_id=order_id,
            amount_usd=rng.randint(0, 999) / 100,
            step=rng.choice(["opened", "opened", "refunded", "withdrawn", "escalated"]),
            cause=rng.choice(["not_received", "not_as_described", "other"]),
        )
