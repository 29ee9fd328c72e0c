"""Stores with planted products, and their reviews."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from features.indicators.product_exposure import order_exposure, product_orders
from features.tables import TABLES, Tables, create_tables
from models.product.product_notes import notes
from models.product.product_table import Reviewed, product_frame, review_products
from models.product.product_verdict import VerdictRules, add_verdict
from tests.conftest import day

NOW = "2024-10-01"
START = datetime(2024, 1, 1, tzinfo=UTC)
LIMIT = 0.10
# product: (orders on the good lane, disputed ones, orders on the collapsed lane, disputed ones)
PLANTED = {f"plain-{n}": (100, 3, 20, 5) for n in range(12)} | {
    "good-on-bad-lane": (0, 0, 120, 30),
    "bad-on-good-lane": (120, 24, 0, 0),
    "one-in-three": (3, 1, 0, 0),
    "forty-in-a-thousand": (1000, 40, 0, 0),
}


def frame(name: str, rows: list[dict]) -> pl.DataFrame:
    schema = TABLES[name].schema
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)


def order_row(order: str, lane: str) -> dict:
    return {
        "order_id": order,
        "buyer_id": order,
        "store_id": "s",
        "country": "US",
        "lane": lane,
        "currency": "USD",
        "total_usd": 20.0,
        "total_source": 20.0,
    }


def line_row(order: str, product: str, supplier: str | None = None) -> dict:
    return {
        "order_id": order,
        "line_id": "1",
        "product_id": product,
        "supplier_id": supplier or f"u-{product}",
        "quantity": 1.0,
        "unit_price_usd": 18.0,
        "shipping_usd": 2.0,
    }


def dispute_row(order: str) -> dict:
    return {
        "step_id": order,
        "dispute_id": order,
        "order_id": order,
        "step": "opened",
        "cause": "not_as_described",
    }


def plant(planted: dict[str, tuple[int, int, int, int]], **category: str) -> Tables:
    """Orders spread over five months, all long over; disputes are opened after twenty days."""
    tables: dict[str, list[dict]] = {
        name: [] for name in ("orders", "order_lines", "products", "disputes")
    }
    for product, (good, good_disputed, bad, bad_disputed) in planted.items():
        start = {"occurred_at": START, "known_at": START}
        tables["products"].append(
            {"product_id": product, "category": category.get(product, "shoes"), **start}
        )
        for lane, count, disputed in (
            ("Fine>US", good, good_disputed),
            ("Slow>US", bad, bad_disputed),
        ):
            for number in range(count):
                order, placed = (
                    f"{product} {lane} {number}",
                    START + timedelta(days=150 * number / count, hours=12),
                )
                times = {"occurred_at": placed, "known_at": placed}
                tables["orders"].append(order_row(order, lane) | times)
                tables["order_lines"].append(line_row(order, product) | times)
                if (number + 1) * disputed // count > number * disputed // count:
                    filed = placed + timedelta(days=20)
                    tables["disputes"].append(
                        dispute_row(order) | {"occurred_at": filed, "known_at": filed}
                    )
    return create_tables({name: frame(name, rows) for name, rows in tables.items()}, zone="UTC")


def plant_batches(drawing: str) -> Tables:
    """Batches of orders from text: `product | supplier | from | until | orders | disputed`.

    Orders are spread evenly over the days of 2024, and a dispute is opened 20 days after its order.
    """
    header, *lines = [[c.strip() for c in row.split("|")] for row in drawing.strip().splitlines()]
    tables: dict[str, list[dict]] = {"orders": [], "order_lines": [], "disputes": []}
    for batch, line in enumerate(lines):
        cell = dict(zip(header, line, strict=True))
        first, last = (datetime.fromisoformat(f"2024-{cell[n]}T12:00Z") for n in ("from", "until"))
        count, disputed = int(cell["orders"]), int(cell["disputed"])
        for number in range(count):
            order = f"{batch}-{number}"
            placed = first + (last - first) * number / count
            times = {"occurred_at": placed, "known_at": placed}
            tables["orders"].append(order_row(order, "Fine>US") | times)
            of_supplier = line_row(order, cell["product"], cell["supplier"])
            tables["order_lines"].append(of_supplier | times)
            if (number + 1) * disputed // count > number * disputed // count:
                filed = placed + timedelta(days=20)
                times = {"occurred_at": filed, "known_at": filed}
                tables["disputes"].append(dispute_row(order) | times)
    return create_tables({name: frame(name, rows) for name, rows in tables.items()}, zone="UTC")


def review(tables: Tables, as_of: str = NOW) -> Reviewed:
    orders = order_exposure(tables, day(as_of), 365)
    return review_products(product_orders(tables, orders, day(as_of)), day(as_of))


def verdicts(reviewed: Reviewed) -> dict[str, dict]:
    products = product_frame(reviewed, limit=LIMIT, fixed_cost_usd=15.0, seed=1).with_columns(
        notes(reviewed.products), margin_per_100_units_usd=pl.lit(None, pl.Float64)
    )
    return {
        row["product_id"]: row
        for row in add_verdict(products, VerdictRules(LIMIT, 0.8, 4.0)).iter_rows(named=True)
    }
