"""Which rows a mapping takes, and with which decimal sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from tests.spec.sources.drawn_files import ORDERS, STORE, load
from tests.unit.sources.corner_shop import refused

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
