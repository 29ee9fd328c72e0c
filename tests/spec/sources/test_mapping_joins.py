"""A mapping that joins columns of several files, and unpacks rows with several items."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipeline.settings.errors import BadInput
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from tests.unit.sources.corner_shop import refused

STORE = '[store]\nzone = "UTC"\n'
ORDERS = """
[[fact]]
table = "orders"
file = "orders.csv"
[fact.columns]
order_id = "Order"
occurred_at = "Placed"
total = "Total"
"""
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


def load(
    folder: Path, mapping: str, rates: dict[str, float] | None = None, **files: str
) -> StoreData:
    """Write the drawings, with one space around `|`, as CSV files, and load the folder."""
    folder.mkdir(exist_ok=True)
    for name, drawing in files.items():
        rows = [line.split("|") for line in drawing.strip().split("\n")]
        text = "\n".join(";".join(cell.strip() for cell in row) for row in rows)
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "mapping.toml").write_text(STORE + mapping, encoding="utf-8")
    return enforce_contract(read_mapped(SourceContext(folder, rates or {"USD": 1.0})))


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


WHEN = ORDERS.replace(
    'occurred_at = "Placed"',
    'occurred_at = {column = "Day", time = "Clock", zone_column = "Zone", '
    'format = ["%d/%m/%Y %H:%M:%S"], zone = "Asia/Tokyo"}',
)
CLOCKS = """
    Day        | Clock    | Zone                | UTC
    01/02/2026 | 10:00:00 | Europe/Berlin       | 2026-02-01 09:00
    01/07/2026 | 10:00:00 | Europe/Berlin       | 2026-07-01 08:00
    01/11/2026 | 01:30:00 | PDT                 | 2026-11-01 08:30
    01/11/2026 | 01:30:00 | PST                 | 2026-11-01 09:30
    01/07/2026 | 10:00:00 | GMT+02:00           | 2026-07-01 08:00
    01/07/2026 | 10:00:00 |                     | 2026-07-01 01:00
"""


def test_date_time_and_zone_in_three_columns(tmp_path: Path) -> None:
    rows = [[cell.strip() for cell in line.split("|")] for line in CLOCKS.strip().split("\n")]
    numbered = "\n".join(
        " | ".join([str(position or "Order"), *row, "5" if position else "Total"])
        for position, row in enumerate(rows)
    )
    data = load(tmp_path, WHEN, orders=numbered)
    times = data.frames["orders"].sort("order_id")["occurred_at"].dt.strftime("%Y-%m-%d %H:%M")
    assert times.to_list() == [row[3] for row in rows[1:]]


@pytest.mark.parametrize("zone", ["CST", "Mars/Base", "local"])
def test_a_zone_with_several_meanings_is_refused(tmp_path: Path, zone: str) -> None:
    drawing = (
        f"Order | Day | Clock | Zone | Total\n1 | 01/02/2026 | 10:00:00 | {zone} | 5\n"
        "2 | 01/02/2026 | 10:00:00 | UTC | 5"
    )
    data = load(tmp_path, WHEN, orders=drawing)
    assert data.frames["orders"]["order_id"].to_list() == ["2"]
    ((row, column, reason),) = refused(data)
    assert (row, column) == (2, "Day")
    assert "The zone in Zone must be like Europe/Berlin or PST" in reason


DAYS = """
    Order | Placed           | Total | Delivery days     | promised
    1     | 2026-05-01 10:00 | 5     | 14                | 2026-05-15 10:00
    2     | 2026-05-01 10:00 | 5     | 10-20 days        | 2026-05-21 10:00
    3     | 2026-05-01 10:00 | 5     | 7 days            | 2026-05-08 10:00
    4     | 2026-05-01 10:00 | 5     |                   | no promise
    5     | 2026-05-01 10:00 | 5     | 5 business days   | refused
    6     | 2026-05-01 10:00 | 5     | -3                | refused
"""
PROMISE = """
[[fact]]
table = "promises"
file = "orders.csv"
[fact.columns]
order_id = "Order"
kind = {value = "delivery"}
promised_at = {column = "Placed", days = "Delivery days"}
"""


def test_a_promise_of_the_days_in_a_column(tmp_path: Path) -> None:
    data = load(tmp_path, ORDERS + PROMISE, orders=DAYS)
    promised = data.frames["promises"].sort("order_id").select("order_id", "promised_at")
    shown = promised.with_columns(pl.col("promised_at").dt.strftime("%Y-%m-%d %H:%M")).rows()
    assert shown == [
        ("1", "2026-05-15 10:00"),
        ("2", "2026-05-21 10:00"),
        ("3", "2026-05-08 10:00"),
    ]
    faults = {row: reason for row, _, reason in refused(data)}
    assert sorted(faults) == [6, 7]
    assert "Delivery days must be a number of days, like 14 or 10-14" in faults[6]


PACKED = """
[[fact]]
table = "order_lines"
file = "orders.csv"
[fact.packed]
column = "line_item_#"
[fact.columns]
order_id = "Order"
product_id = ["item sku", "item name"]
title = "item name"
quantity = "item quantity"
line_total = "item total"
"""


def test_packed_items_become_lines(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "mapping.toml").write_text(STORE + ORDERS + PACKED)
    (folder / "orders.csv").write_text(
        "Order,Placed,Total,line_item_1,line_item_2,line_item_10\n"
        "1,2026-05-01 10:00,25,name:Mug | blue|sku:M1|quantity:2|total:10.00,"
        "name:Tee: large|sku:T1|quantity:1|total:15.00,\n"
        "2,2026-05-01 10:00,15,name:Tee|sku:|quantity:3|total:15.00;name:|sku:,,\n"
        # a title that sets another quantity
        '3,2026-05-01 10:00,5,"name:Cup|quantity:99|sku:C|quantity:1|total:5.00",,\n'
    )
    data = enforce_contract(read_mapped(SourceContext(folder, {"USD": 1.0})))
    lines = data.frames["order_lines"].select("order_id", "product_id", "quantity")
    assert lines.sort("order_id", "product_id").rows() == [
        ("1", "M1", 2.0),
        ("1", "T1", 1.0),
        ("2", "Tee", 3.0),
    ]
    titles = dict(data.frames["products"].select("product_id", "title").iter_rows())
    assert titles["M1"] == "Mug | blue"
    assert titles["T1"] == "Tee: large"
    faults = {row: reason for row, _, reason in refused(data)}
    reason = "an item has no field, or names one twice, so it is not known which one counts"
    assert faults == {4: reason}
    assert data.frames["orders"].sort("order_id")["order_id"].to_list() == ["1", "2"]


NUMBERED = """
[[fact]]
table = "order_lines"
file = "orders.csv"
[fact.numbered]
sku = "Item # SKU"
count = "Item # Quantity"
price = "Item # Price"
[fact.columns]
order_id = "Order"
product_id = "sku"
quantity = "count"
unit_price = "price"
"""


def test_numbered_columns_become_lines(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        ORDERS + NUMBERED,
        orders="""
    Order | Placed           | Total | Item 1 SKU | Item 1 Quantity | Item 1 Price | Item 2 SKU | Item 2 Quantity | Item 2 Price
    1     | 2026-05-01 10:00 | 13    | A          | 2               | 4.00         | B          | 1               | 5.00
    2     | 2026-05-01 10:00 | 4     | A          | 1               | 4.00         |            |                 |
""",  # noqa: E501
    )
    lines = data.frames["order_lines"].sort("order_id", "line_id")
    assert lines.select("order_id", "product_id", "quantity", "unit_price_usd").rows() == [
        ("1", "A", 2.0, 4.0),
        ("1", "B", 1.0, 5.0),
        ("2", "A", 1.0, 4.0),
    ]


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


LEFT_OUT = {
    "where": ('where = {Status = ["paid"]}', ["1"]),
    "any filled cell": ('where = {Status = "*"}', ["1", "2"]),
    "where_not": ('where_not = {Status = "Cancelled"}', ["1", "3"]),
}


@pytest.mark.parametrize(("line", "orders"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_rows_by_a_value(tmp_path: Path, line: str, orders: list[str]) -> None:
    data = load(
        tmp_path,
        ORDERS.replace("[fact.columns]", f"{line}\n[fact.columns]"),
        orders="""
            Order | Placed           | Total | Status
            1     | 2026-05-01 10:00 | 5     | Paid
            2     | 2026-05-01 10:00 | 5     | cancelled
            3     | 2026-05-01 10:00 | 5     |
        """,
    )
    assert sorted(data.frames["orders"]["order_id"]) == orders


def test_each_file_may_have_its_decimal_sign(tmp_path: Path) -> None:
    more = ORDERS.replace("orders.csv", "old.csv").replace("[fact.col", 'decimal = ","\n[fact.col')
    data = load(
        tmp_path,
        ORDERS.replace('"orders.csv"', '["orders.csv", "new*.csv"]') + more,
        orders="Order | Placed | Total\n1 | 2026-05-01 | 1.50",
        old="Order | Placed | Total\n2 | 2026-05-01 | 1.000,50",
        new_1="Order | Placed | Total\n3 | 2026-05-01 | 1,000.50",
    )
    totals = data.frames["orders"].sort("order_id")["total_usd"].to_list()
    assert totals == [1.5, 1000.5, 1000.5]


def test_an_order_without_a_total_is_refused_with_its_damaged_line(tmp_path: Path) -> None:
    """Otherwise its total would be the sum of the other lines."""
    columns = 'order_id = "Order"\noccurred_at = "Placed"\n'
    mapping = f"""{STORE}
[[fact]]
table = "orders"
file = "orders.csv"
per = "Order"
[fact.columns]
{columns}
[[fact]]
table = "order_lines"
file = "orders.csv"
[fact.columns]
{columns}product_id = "SKU"
unit_price = "Price"
"""
    (tmp_path / "mapping.toml").write_text(mapping)
    (tmp_path / "orders.csv").write_text(
        "Order,Placed,SKU,Price\n1,2026-05-01,A,10\n1,2026-05-01\n2,2026-05-02,A,10\n"
        "3,2026-05-03,A,10\n4,2026-05-03,A,10\n,\n5,2026-05-03,B,10\n"
    )
    data = enforce_contract(read_mapped(SourceContext(tmp_path, {"USD": 1.0})))
    # the row that lost its number may be a line of order 4 or of order 5
    orders = data.frames["orders"].sort("order_id").select("order_id", "total_usd")
    assert orders.rows() == [("2", 10.0), ("3", 10.0)]
    assert data.frames["order_lines"]["order_id"].to_list() == ["2", "3"]
    assert {row for row, _, _ in refused(data)} == {2, 3, 6, 7, 8}
