"""What drafts state about an order is what was known about it on the night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from features.clock import day_number
from features.tables import Tables
from pipeline.drafts.stated_facts import disputed_order_facts

NIGHT = day_number(date(2024, 5, 20))
STORE = {
    "orders": """
    order_id | occurred_at | country | total_usd
    a        | 04-01       | DE      | 20
    b        | 04-02       | US      | 30
    """,
    "order_lines": """
    order_id | line_id | product_id | occurred_at
    a        | 1       | mug        | 04-01
    a        | 2       | hat        | 04-01
    b        | 1       | hat        | 04-02
    """,
    "products": """
    product_id | title    | occurred_at
    mug        | Blue mug | 01-01
    hat        | Hat      | 01-01
    """,
    "shipments": """
    shipment_id | order_id | carrier | occurred_at
    P1          | a        | Post    | 04-03
    P2          | a        | UPS     | 04-05
    P3          | b        | Post    | 04-05
    """,
    "tracking": """
    shipment_id | order_id | status       | sub_status                   | location | occurred_at
    P2          | a        | InTransit    | InTransit_Departure          | Yiwu, CN | 04-06
    P2          | a        | InTransit    | InTransit_CustomsProcessing  | Leipzig  | 05-02
    P2          | a        | InTransit    | InTransit_CustomsProcessing  | Leipzig  | 05-04
    P2          | a        | Expired      | Expired_Other                | -        | 05-19
    P2          | a        | Delivered    | Delivered_Other              | Berlin   | 05-20
    """,
    "messages": """
    order_id | sender | topic   | occurred_at
    a        | buyer  | product | 05-01
    a        | seller | product | 05-02
    a        | buyer  | parcel  | 05-10
    a        | buyer  | parcel  | 05-12
    b        | buyer  | parcel  | 05-10
    """,
    "contacts": "order_id | occurred_at\nb | 05-11",
}


@pytest.fixture
def facts(make_tables: Callable[..., Tables]) -> dict[str, dict[str, Any]]:
    """The facts of each order on the night."""
    tables = make_tables(**STORE, zone="Asia/Shanghai")
    rows = disputed_order_facts(tables, True, NIGHT)
    return {row["order_id"]: row for row in rows.iter_rows(named=True)}


def test_the_parcel_is_the_one_that_was_scanned(facts: dict[str, dict[str, Any]]) -> None:
    assert (facts["a"]["shipment_id"], facts["a"]["carrier"]) == ("P2", "UPS")
    assert facts["a"]["sent_at"].date() == date(2024, 4, 5)
    assert facts["b"]["shipment_id"] == "P3"
    assert facts["b"]["last_scan_at"] is None


def test_scans_of_the_night_itself_are_not_known_yet(facts: dict[str, dict[str, Any]]) -> None:
    a = facts["a"]
    assert (a["last_status"], a["delivered_at"]) == ("Expired", None)
    assert a["news_at"].date() == date(2024, 5, 4)
    assert a["first_scan_at"].date() == date(2024, 4, 6)


def test_a_status_has_the_day_of_its_first_scan(make_tables: Callable[..., Tables]) -> None:
    tables = make_tables(**STORE)
    row = disputed_order_facts(tables, True, day_number(date(2024, 5, 6))).row(0, named=True)
    assert row["last_sub_status"] == "InTransit_CustomsProcessing"
    assert row["status_since_at"].date() == date(2024, 5, 2)
    assert (row["last_location"], row["count_scans"]) == ("Leipzig", 3)


def test_the_last_message_is_open_only_without_an_answer_or_a_contact(
    facts: dict[str, dict[str, Any]],
) -> None:
    a, b = facts["a"], facts["b"]
    assert (a["said_by"], a["topic"]) == ("buyer", "parcel")
    assert a["said_at"].date() == date(2024, 5, 12)
    assert a["unanswered_since"].date() == date(2024, 5, 10)
    assert (a["count_from_buyer"], a["count_from_seller"]) == (3, 1)
    assert (b["said_by"], b["unanswered_since"]) == ("seller", None)


def test_the_product_is_that_of_the_first_line(facts: dict[str, dict[str, Any]]) -> None:
    assert (facts["a"]["product_title"], facts["a"]["count_products"]) == ("Blue mug", 2)
    assert (facts["b"]["product_title"], facts["b"]["count_products"]) == ("Hat", 1)
