"""SOURCE=mapped: `where` on orders leaves out all facts of the other orders and none of its own."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

ORDERS = """
[store]
zone = "UTC"
[[fact]]
table = "orders"
file = "FILE"
per = "Order"
where = {Status = "paid"}
[fact.columns]
order_id = {column = "Order", strip = "#"}
occurred_at = "Date"
"""
LINES = """
[[fact]]
table = "order_lines"
file = "FILE"
WHERE
[fact.columns]
order_id = "Order"
product_id = "SKU"
unit_price = "Price"
"""
CLAIMS = """
[[fact]]
table = "disputes"
file = "claims.csv"
[fact.columns]
order_id = "Order"
step = {value = "opened"}
occurred_at = "Opened"
"""


def load(folder: Path, mapping: str, **files: str) -> StoreData:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "mapping.toml").write_text(mapping)
    return enforce_contract(read_mapped(SourceContext(folder)))


def lines(orders: str, where: str = "") -> str:
    """The mapping for orders in one file and lines in `lines.csv`, or both in `orders.csv`."""
    return ORDERS.replace("FILE", "orders.csv") + LINES.replace("FILE", orders).replace(
        "WHERE", where
    )


def refused(data: StoreData) -> int:
    return pl.concat([file.quarantine() for file in data.files]).height


def test_lines_and_disputes_of_orders_that_are_left_out_are_left_out_too(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        lines("lines.csv") + CLAIMS,
        orders="Order,Date,Status\n#1,2026-05-01,paid\n#2,2026-05-02,draft\n#3,2026-05-03,\n",
        lines="Order,SKU,Price\n1,mug,5\n2,mug,5\n2,tee,free\n3,tee,5\n",
        claims="Order,Opened\n1,2026-05-10\n2,2026-05-11\n",
    )
    assert refused(data) == 0
    assert data.frames["orders"]["order_id"].to_list() == ["1"]
    assert data.frames["order_lines"]["order_id"].to_list() == ["1"]
    assert data.frames["disputes"]["order_id"].to_list() == ["1"]
    assert "6 rows left out by 'where' in the mapping, or with their order" in data.notes


def test_a_line_of_no_order_at_all_is_a_fault(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        lines("lines.csv"),
        orders="Order,Date,Status\n#1,2026-05-01,paid\n#2,2026-05-02,draft\n",
        lines="Order,SKU,Price\n1,mug,5\n9,mug,5\n",
    )
    faults = pl.concat([file.quarantine() for file in data.files])
    assert faults["row"].unique().to_list() == [3]


def test_an_order_that_another_file_has_stays_with_its_lines(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        lines("lines.csv").replace('"orders.csv"', '"orders*.csv"'),
        orders1="Order,Date,Status\n#1,2026-05-01,draft\n",
        orders2="Order,Date,Status\n#1,2026-05-01,paid\n",
        lines="Order,SKU,Price\n1,mug,5\n",
    )
    assert refused(data) == 0
    assert data.frames["order_lines"]["order_id"].to_list() == ["1"]


CONTINUED = """Order,Date,Status,SKU,Price,Sent
1,2026-05-01,paid,mug,5,yes
1,,,tee,8,
2,2026-05-02,draft,mug,5,yes
2,,,tee,8,
"""


def test_a_line_below_the_first_has_the_status_of_its_order(tmp_path: Path) -> None:
    data = load(tmp_path, lines("orders.csv", 'where = {Status = "paid"}'), orders=CONTINUED)
    assert refused(data) == 0
    lines_of = data.frames["order_lines"].select("order_id", "product_id").rows()
    assert lines_of == [("1", "mug"), ("1", "tee")]


def test_an_empty_cell_of_a_line_is_its_own(tmp_path: Path) -> None:
    text = CONTINUED.replace("tee,8,\n2,", "tee,8,no\n2,")
    data = load(tmp_path, lines("orders.csv", 'where = {Sent = "yes"}'), orders=text)
    assert data.frames["order_lines"]["product_id"].to_list() == ["mug"]
