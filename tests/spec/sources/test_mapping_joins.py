"""A mapping that joins columns of several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.settings.errors import BadInput
from tests.spec.sources.drawn_files import ORDERS, PACKED, load
from tests.unit.sources.corner_shop import refused

DISPUTES = """
[[fact]]
table = "disputes"
file = "chargebacks.csv"
[[fact.join]]
file = "payments*.csv"
match = {Charge = "id"}
columns = {"order of the payment" = "Order number"}
[fact.columns]
order_id = {column = "order of the payment", strip = "#"}
step = {value = "opened"}
occurred_at = "Opened"
amount = "Amount"
currency = "Currency"
"""


ORDER_ROWS = """
    Order | Placed           | Total
    1     | 2026-05-01 10:00 | 10.00
    2     | 2026-05-02 10:00 | 20.00
"""


def test_a_dispute_finds_its_order_through_the_payment(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        ORDERS + DISPUTES,
        {"USD": 1.0, "EUR": 1.5},
        orders=ORDER_ROWS,
        payments_1="""
            id   | Order number
            ch_a | #1
        """,
        payments_2="""
            id   | Order number
            ch_b | #2
            ch_a | #1
        """,
        chargebacks="""
            Charge | Opened           | Amount | Currency
            ch_b   | 2026-05-09 10:00 | 20     | usd
            ch_a   | 2026-05-08 10:00 | 10     | eur
        """,
    )
    steps = data.frames["disputes"].sort("order_id").select("order_id", "step", "amount_usd")
    assert steps.rows() == [("1", "opened", 15.0), ("2", "opened", 20.0)]
    # the files of payments give no fact and have no fault
    assert refused(data) == []


def test_a_payment_of_no_order_or_of_several_is_refused_with_the_reason(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        ORDERS + DISPUTES,
        orders=ORDER_ROWS,
        payments="""
            id   | Order number
            ch_a | #1
            ch_a | #2
        """,
        chargebacks="""
            Charge | Opened           | Amount | Currency
            ch_a   | 2026-05-08 10:00 | 10     | USD
            ch_x   | 2026-05-08 10:00 | 10     | USD
            ch_a   | 2026-05-08 10:00 | 10     | XXX
        """,
    )
    assert "disputes" not in data.frames or data.frames["disputes"].is_empty()
    reasons = {(row, column): reason for row, column, reason in refused(data)}
    assert reasons[2, "Charge"].startswith("payments.csv has several rows with this value")
    assert "empty" in reasons[3, "order of the payment"]
    assert "exchange rate" in reasons[4, "Currency"]


def test_the_country_of_an_order_comes_from_the_file_of_customers(tmp_path: Path) -> None:
    mapping = ORDERS.replace(
        "[fact.columns]",
        '[[fact.join]]\nfile = "customers.csv"\nmatch = {Customer = "id"}\n'
        'columns = {land = "Country"}\n[fact.columns]\ncountry = "land"\nbuyer_id = "Customer"',
    )
    data = load(
        tmp_path,
        mapping,
        orders="""
            Order | Placed           | Total | Customer
            1     | 2026-05-01 10:00 | 10.00 | c1
            2     | 2026-05-02 10:00 | 20.00 | c9
        """,
        customers="""
            id | Country
            c1 | DE
        """,
    )
    assert data.frames["orders"].sort("order_id")["country"].to_list() == ["DE", "unknown"]


MISTAKES = {
    "no such file": (DISPUTES, "file 'payments*.csv' of disputes: no such file"),
    "no such column": (
        DISPUTES.replace("payments*.csv", "orders.csv"),
        "disputes uses column Order number, id of orders.csv, which has",
    ),
    "a name that exists": (
        DISPUTES.replace("payments*.csv", "orders.csv")
        .replace('"order of the payment" = "Order number"', 'Amount = "Order"')
        .replace("order of the payment", "Amount"),
        "disputes adds column Amount, which chargebacks.csv has already",
    ),
    "no packed column": (
        PACKED.replace("orders.csv", "chargebacks.csv").replace('"Order"', '"Charge"'),
        "order_lines uses column line_item_# of chargebacks.csv",
    ),
}


@pytest.mark.parametrize(("section", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_in_joins_are_reported(tmp_path: Path, section: str, message: str) -> None:
    files = {
        "orders": ORDER_ROWS,
        "chargebacks": "Charge | Opened | Amount | Currency\nch_a | 2026-05-08 | 10 | USD",
    }
    with pytest.raises(BadInput) as error:
        load(tmp_path, ORDERS + section, **files)
    assert message in str(error.value)
