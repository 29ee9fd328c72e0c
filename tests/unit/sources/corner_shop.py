"""A small shop with one file of orders and a mapping for it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from tests.unit.sources.made_shop import RATE_EUR

RATES = {"USD": 1.0, "EUR": RATE_EUR}
ORDERS = "No,When,Sum,Post,SKU,Qty,Price,Paid,Arrived\n"
MAPPING = """
[store]
name = "corner shop"
zone = "Asia/Shanghai"

[[fact]]
table = "orders"
file = "orders*"
per = "No"
[fact.columns]
order_id = {column = "No", strip = "#"}
occurred_at = {column = "When", format = "%d/%m/%Y %H:%M"}
total = "Sum"
shipping = "Post"

[[fact]]
table = "order_lines"
file = "orders*"
[fact.columns]
order_id = {column = "No", strip = "#"}
product_id = "SKU"
quantity = "Qty"
unit_price = "Price"

[[fact]]
table = "order_events"
file = "orders*"
[fact.columns]
order_id = {column = "No", strip = "#"}
event = {value = "paid"}
occurred_at = "Paid"

[[fact]]
table = "tracking"
file = "orders*"
[fact.columns]
order_id = {column = "No", strip = "#"}
status = {value = "Delivered"}
occurred_at = "Arrived"
"""


def write(
    folder: Path, orders: str | bytes, mapping: str = MAPPING, name: str = "orders.csv"
) -> SourceContext:
    """Write a file of orders and the mapping into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(orders.encode() if isinstance(orders, str) else orders)
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    return SourceContext(folder, RATES)


def refused(data: StoreData) -> list[tuple[int, str, str]]:
    """Row, column and reason of each fault."""
    faults = pl.concat([file.quarantine() for file in data.files])
    return faults.select("row", "column", "reason").rows()
