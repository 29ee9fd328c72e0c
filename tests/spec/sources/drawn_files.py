"""Files of a shop drawn as text, and its mapping, for the tests of mappings."""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

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
