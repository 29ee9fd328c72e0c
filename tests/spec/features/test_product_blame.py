"""Whose orders count, and which product of an order a dispute counts for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from features.indicators.product_exposure import order_exposure, product_orders
from features.tables import Tables
from models.product.product_notes import notes
from models.product.product_table import review_products
from tests.conftest import day


def test_orders_without_a_recorded_outcome_have_no_exposure(
    make_tables: Callable[..., Tables],
) -> None:
    tables = make_tables(
        has_partial_outcomes=True,
        orders="order_id | occurred_at\na | 01-05\nb | 01-06\nc | 01-07",
        order_events="order_id | event | occurred_at\nb | outcome_observed | 02-01",
        disputes="order_id | occurred_at\na | 01-25",
    )
    exposures = order_exposure(tables, day("2024-05-01"), 365).sort("order_id")
    assert exposures["exposure"].to_list() == [1.0, 1.0, 0.0]


def blame_of(make_tables: Callable[..., Tables], disputes: str) -> dict[str, float]:
    """The part of the order's disputes by product: a toy (line 1), a lamp (2) and a toy (3)."""
    tables = make_tables(
        orders="order_id | occurred_at\na | 05-01\nb | 05-01",
        order_lines="""
        order_id | line_id | product_id | occurred_at
        a        | 1       | toy        | 05-01
        a        | 2       | lamp       | 05-01
        a        | 3       | toy        | 05-01
        b        | 1       | lamp       | 05-01
        """,
        disputes=disputes,
    )
    reviewed = review_products(
        product_orders(tables, order_exposure(tables, day("09-01"), 365), day("09-01")),
        day("09-01"),
    )
    return dict(reviewed.products.select("product_id", "count_disputes").iter_rows())


@pytest.mark.parametrize(
    ("line", "blame"),
    [
        ("2", {"toy": 0.0, "lamp": 1.0}),
        ("3", {"toy": 1.0, "lamp": 0.0}),
        ("-", {"toy": 0.5, "lamp": 0.5}),
        ("9", {"toy": 0.5, "lamp": 0.5}),
    ],
    ids=["the lamp's line", "a toy's line", "no line", "an unknown line"],
)
def test_a_product_is_not_blamed_for_another_items_dispute(
    make_tables: Callable[..., Tables], line: str, blame: dict[str, float]
) -> None:
    disputes = f"order_id | line_id | occurred_at\na | {line} | 05-20"
    assert blame_of(make_tables, disputes) == blame


def test_two_disputes_of_an_order_each_count_for_their_item(
    make_tables: Callable[..., Tables],
) -> None:
    disputes = """
    order_id | dispute_id | step_id | line_id | occurred_at
    a        | x          | x1      | 1       | 05-20
    a        | y          | y1      | 2       | 05-21
    """
    assert blame_of(make_tables, disputes) == {"toy": 1.0, "lamp": 1.0}


def test_a_split_is_said(make_tables: Callable[..., Tables]) -> None:
    def note(line: str) -> str:
        tables = make_tables(
            orders="order_id | occurred_at\na | 05-01",
            order_lines="order_id | line_id | product_id | occurred_at\n"
            "a | 1 | toy | 05-01\na | 2 | lamp | 05-01",
            disputes=f"order_id | line_id | occurred_at\na | {line} | 05-20",
        )
        orders = order_exposure(tables, day("09-01"), 365)
        products = review_products(product_orders(tables, orders, day("09-01")), day("09-01"))
        return str(products.products.select(notes(products.products))["note"][0])

    assert "count in equal parts for the items of their order" in note("-")
    assert "equal parts" not in note("1")
