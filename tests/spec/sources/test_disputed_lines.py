"""SOURCE=mapped: which line of an order a dispute is about."""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

LINES = """Order,Date,Row,SKU,Maker,Price
1,2026-03-01,a,mug,Kiln,10
1,2026-03-01,b,tee,Acme,20
2,2026-03-02,a,mug,Kiln,10
2,2026-03-02,b,mug,Kiln,10
3,2026-03-03,a,mug,Kiln,10
3,2026-03-03,b,mug,Acme,10
"""
MAPPING = """
[store]
zone = "UTC"
[[fact]]
table = "orders"
file = "lines.csv"
per = "Order"
[fact.columns]
order_id = "Order"
occurred_at = "Date"
[[fact]]
table = "order_lines"
file = "lines.csv"
[fact.columns]
order_id = "Order"
line_id = "Row"
product_id = "SKU"
supplier_id = "Maker"
unit_price = "Price"
[[fact]]
table = "disputes"
file = "claims.csv"
[fact.columns]
order_id = "Order"
dispute_id = "Claim"
step = {value = "opened"}
occurred_at = "Opened"
"""


def load(folder: Path, claims: str, column: str) -> StoreData:
    (folder / "lines.csv").write_text(LINES)
    (folder / "claims.csv").write_text(claims)
    (folder / "mapping.toml").write_text(MAPPING + column)
    return enforce_contract(read_mapped(SourceContext(folder)))


def lines(data: StoreData) -> dict[str, str | None]:
    return dict(data.frames["disputes"].select("dispute_id", "line_id").rows())


def test_a_dispute_may_name_its_line(tmp_path: Path) -> None:
    claims = "Claim,Order,Opened,Row\nx,1,2026-04-01,b\ny,2,2026-04-01,\nz,2,2026-04-01,c\n"
    data = load(tmp_path, claims, 'line_id = "Row"\n')
    assert lines(data) == {"x": "b", "y": None, "z": None}
    assert any("1 disputes name a line that their order does not have" in n for n in data.notes)


def test_a_product_is_the_line_that_has_it_if_one_supplier_sent_it(tmp_path: Path) -> None:
    claims = (
        "Claim,Order,Opened,Item\nx,1,2026-04-01,tee\ny,2,2026-04-01,mug\nz,3,2026-04-01,mug\n"
        "q,1,2026-04-01,hat\nr,1,2026-04-01,\n"
    )
    data = load(tmp_path, claims, 'product_id = "Item"\n')
    assert lines(data) == {"x": "b", "y": "a", "z": None, "q": None, "r": None}
    assert (
        "2 disputes name a product (product_id) that is not exactly one line of their order; they "
        "count for the whole order"
    ) in data.notes
