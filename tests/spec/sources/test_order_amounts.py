"""SOURCE=mapped: the total and the shipping of an order with several rows, and sums that contradict
each other."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipeline.settings.errors import BadInput
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

MAPPING = """
[store]
zone = "UTC"
[[fact]]
table = "orders"
file = "rows.csv"
per = "Order"
[fact.columns]
order_id = "Order"
occurred_at = "Date"
total = TOTAL
"""
SHIPPING = 'shipping = "Post"\n'
LINES = """
[[fact]]
table = "order_lines"
file = "rows.csv"
[fact.columns]
order_id = "Order"
product_id = "SKU"
quantity = "Qty"
unit_price = "Price"
"""


def load(folder: Path, table: str, mapping: str, total: str = '"Sum"') -> StoreData:
    """What the mapping reads from a table drawn as text, of which every row is loaded."""
    rows = [line.split("|") for line in table.strip().splitlines()]
    text = "\n".join(",".join(cell.strip() for cell in row) for row in rows)
    (folder / "rows.csv").write_text(text + "\n")
    (folder / "mapping.toml").write_text(mapping.replace("TOTAL", total))
    data = enforce_contract(read_mapped(SourceContext(folder)))
    assert pl.concat([file.quarantine() for file in data.files]).is_empty()
    return data


def totals(data: StoreData) -> list[float]:
    return data.frames["orders"].sort("order_id")["total_usd"].round(2).to_list()


def test_the_totals_of_lines_are_added_up(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        """
        Order | Date       | SKU | Qty | Price | Sum
        1     | 2026-05-01 | mug | 2   | 5     | 10
        1     | 2026-05-01 | tee | 1   | 20    | 20
        2     | 2026-05-02 | mug | 1   | 5     | 5
        2     | 2026-05-02 | mug | 1   | 5     | 5
        """,
        MAPPING + LINES,
    )
    assert totals(data) == [30.0, 10.0]


def test_the_total_of_the_order_in_each_of_its_rows_counts_once(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        """
        Order | Date       | SKU | Qty | Price | Sum | Post
        1     | 2026-05-01 | mug | 2   | 5     | 34  | 4
        1     | 2026-05-01 | tee | 1   | 20    | 34  | 4
        2     | 2026-05-02 | mug | 1   | 5     | 13  | 4
        2     | 2026-05-02 | tee | 1   | 20    | 13  | 4
        """,
        MAPPING + SHIPPING + LINES,
    )
    # the second order has a discount of 16, and two totals of 13 would fit as well
    assert totals(data) == [34.0, 13.0]
    assert data.frames["orders"]["shipping_usd"].to_list() == [4.0, 4.0]
    assert not [note for note in data.notes if "several rows" in note]


def test_shipping_of_each_line_is_added_up_where_the_total_shows_it(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        """
        Order | Date       | SKU | Qty | Price | Sum | Post
        1     | 2026-05-01 | mug | 1   | 5     | 9   | 4
        1     | 2026-05-01 | tee | 1   | 20    | 24  | 4
        """,
        MAPPING + SHIPPING + LINES,
    )
    assert totals(data) == [33.0]
    assert data.frames["orders"]["shipping_usd"].to_list() == [8.0]


def test_a_row_filled_only_once_needs_no_rule(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        """
        Order | Date       | SKU | Qty | Price | Sum
        1     | 2026-05-01 | mug | 2   | 5     | 28
        1     |            | tee | 1   | 20    |
        """,
        MAPPING + LINES,
    )
    assert totals(data) == [28.0]
    assert not [note for note in data.notes if "several rows" in note]


REPEATED = """
    Order | Date       | Sum
    1     | 2026-05-01 | 10
    1     | 2026-05-01 | 10
    2     | 2026-05-02 | 8
"""


def test_what_nothing_shows_is_reported_with_the_first_row(tmp_path: Path) -> None:
    data = load(tmp_path, REPEATED, MAPPING)
    assert totals(data) == [10.0, 8.0]
    note = next(note for note in data.notes if "several rows" in note)
    assert note.startswith("1 orders have a total in several rows")
    assert "rows.csv, row 2: 10.00 or 20.00, taken as 10.00" in note


@pytest.mark.parametrize(("way", "total"), [("sum", 20.0), ("first", 10.0)])
def test_the_mapping_says_how_the_rows_count(tmp_path: Path, way: str, total: float) -> None:
    data = load(tmp_path, REPEATED, MAPPING, f'{{column = "Sum", rows = "{way}"}}')
    assert totals(data) == [total, 8.0]
    assert not [note for note in data.notes if "several rows" in note]


def test_rows_is_only_for_the_amounts_of_orders(tmp_path: Path) -> None:
    lines = LINES.replace('quantity = "Qty"', 'quantity = {column = "Qty", rows = "sum"}')
    with pytest.raises(BadInput, match="quantity has rows, which only total and shipping"):
        load(tmp_path, REPEATED, MAPPING + lines)


def test_a_tax_that_prices_include_is_not_subtracted(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        """
        Order | Date       | SKU | Qty | Price | Sum | VAT
        1     | 2026-05-01 | mug | 2   | 5     | 12  | 2
        2     | 2026-05-02 | mug | 2   | 5     | 10  | 1.67
        3     | 2026-05-03 | mug | 2   | 5     | 10  | 0
        """,
        MAPPING + LINES,
        '{column = "Sum", minus = ["VAT"]}',
    )
    assert totals(data) == [10.0, 10.0, 10.0]
    note = next(note for note in data.notes if "tax" in note)
    assert note.startswith("1 orders already have tax in their prices")
    assert note.endswith("rows.csv, row 3")


def test_a_discount_that_the_mapping_subtracts_stays_subtracted(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        """
        Order | Date       | SKU | Qty | Price | Sum | Coupon
        1     | 2026-05-01 | mug | 2   | 5     | 10  | 3
        """,
        MAPPING + LINES,
        '{column = "Sum", minus = ["Coupon"]}',
    )
    assert totals(data) == [7.0]


def test_a_line_that_contradicts_itself_is_reported(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        """
        Order | Date       | SKU | Qty | Price | Sum | Line
        1     | 2026-05-01 | mug | 3   | 3.33  | 9.99 | 10.00
        2     | 2026-05-02 | mug | 2   | 5     | 10  | 12
        3     | 2026-05-03 | mug | 1   | 5     | 5   | 7
        """,
        MAPPING + LINES + 'line_total = "Line"\n',
    )
    note = next(note for note in data.notes if "contradict" in note)
    assert note.startswith("2 order lines contradict themselves")
    assert note.endswith("rows.csv, row 3: 2 x 5.00 is not 12.00")


def test_totals_below_their_lines_are_reported_with_the_first_row(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        """
        Order | Date       | SKU | Qty | Price | Sum
        1     | 2026-05-01 | mug | 2   | 5     | 10
        2     | 2026-05-02 | mug | 3   | 5     | 5
        3     | 2026-05-03 | mug | 1   | 5     | 4
        """,
        MAPPING + LINES,
    )
    assert data.notes[-1] == (
        "2 orders have a total below quantity x price + shipping of their lines, by 11.00 USD in "
        "all: a discount, or a wrong column. First: rows.csv, row 3, 5.00 of 15.00 USD"
    )
