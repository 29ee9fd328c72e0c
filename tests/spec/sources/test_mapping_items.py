"""A mapping that unpacks rows with several items."""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from tests.spec.sources.drawn_files import ORDERS, PACKED, STORE, load
from tests.unit.sources.corner_shop import refused


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
