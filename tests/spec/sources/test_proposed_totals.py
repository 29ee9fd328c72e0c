"""`make map`: the total of an order is its lines and shipping, whichever way its tax is written."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipeline.load.propose_mapping import propose_mapping
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext

SHOPIFY = (
    "Name,Created at,Subtotal,Shipping,Taxes,Total,Lineitem quantity,Lineitem price,Lineitem sku"
)
ON_TOP = [
    "#1,2026-05-01 10:00,20.00,5.00,2.00,27.00,2,10.00,mug",
    "#2,2026-05-02 10:00,30.00,0.00,3.00,33.00,1,20.00,tee",
    "#2,,,,,,1,10.00,mug",
]
INCLUDED = [
    "#3,2026-05-03 10:00,20.00,5.00,3.33,25.00,2,10.00,mug",
    "#4,2026-05-04 10:00,30.00,0.00,5.00,30.00,1,20.00,tee",
    "#4,,,,,,1,10.00,mug",
    "#5,2026-05-05 10:00,18.00,5.00,3.00,23.00,2,10.00,mug",
]
WITHOUT = ["#6,2026-05-06 10:00,10.00,5.00,0.00,15.00,1,10.00,mug"]
# `5` has a discount of 2.00
RIGHT = {"1": 25.0, "2": 30.0, "3": 25.0, "4": 30.0, "5": 23.0, "6": 15.0}

WOO = (
    "Order Number;Order Date;SKU;Quantity;Item Cost;Order Line Tax;Discount Amount;"
    "Cart Discount Amount;Order Subtotal Amount;Order Shipping Amount;Order Total Amount;"
    "Order Total Tax Amount"
)
WOO_ROWS = [
    "1;01.05.2026 10:00;mug;2;12,00;4,56;0,00;0,00;24,00;12,90;43,91;7,01",
    "2;02.05.2026 10:00;mug;1;12,00;2,28;0,00;0,00;30,00;0,00;35,70;5,70",
    "2;02.05.2026 10:00;tee;1;18,00;3,42;0,00;0,00;30,00;0,00;35,70;5,70",
    "3;03.05.2026 10:00;poster;1;59,00;10,09;5,90;5,90;59,00;4,90;69,02;11,02",
]

ETSY = "Sale Date,Order ID,Item Price,Quantity,SKU,Order Value,Shipping,Sales Tax,Order Total"
ETSY_ROWS = [
    "05/13/2026,31,10.00,2,mug,20.00,4.00,1.60,25.60",
    "05/14/2026,32,8.00,1,tee,8.00,4.00,0.64,12.64",
]
NO_SUBTOTAL = "Order ID,Order Date,SKU,Quantity,Unit Price,Postage,VAT,Total"
NO_SUBTOTAL_ROWS = [
    "1,2026-05-01 10:00,mug,2,10.00,5.00,2.00,27.00",
    "2,2026-05-02 10:00,mug,3,10.00,5.00,3.00,38.00",
    "3,2026-05-03 10:00,mug,2,10.00,5.00,3.33,25.00",
]


def totals(folder: Path, header: str, rows: list[str]) -> dict[str, float]:
    """The totals that the proposed mapping loads, with every row of the file."""
    (folder / "orders_export.csv").write_text("\n".join([header, *rows]) + "\n")
    propose_mapping(folder)
    data = enforce_contract(read_mapped(SourceContext(folder)))
    assert [file.quarantine().rows() for file in data.files] == [[]] * len(data.files)
    rounded = data.frames["orders"].select("order_id", pl.col("total_usd").round(2))
    return dict(rounded.rows())


@pytest.mark.parametrize(
    "rows",
    [ON_TOP, INCLUDED, WITHOUT, ON_TOP + WITHOUT, INCLUDED + WITHOUT, ON_TOP + INCLUDED + WITHOUT],
    ids=["on top", "included", "none", "on top or none", "included or none", "all kinds"],
)
def test_the_tax_of_each_order_is_taken_off_only_where_it_is_on_top(
    tmp_path: Path, rows: list[str]
) -> None:
    numbers = {row.split(",")[0].strip("#") for row in rows}
    assert totals(tmp_path, SHOPIFY, rows) == {number: RIGHT[number] for number in numbers}


def test_the_whole_tax_of_a_shop_that_lists_it_by_line_too_is_taken_off(tmp_path: Path) -> None:
    assert totals(tmp_path, WOO, WOO_ROWS) == {"1": 36.9, "2": 30.0, "3": 58.0}
    text = (tmp_path / "mapping.toml").read_text()
    assert 'total = {column = "Order Total Amount", minus = ["Order Total Tax Amount"]}' in text


def test_sales_tax_and_order_value_are_other_names_of_tax_and_subtotal(tmp_path: Path) -> None:
    assert totals(tmp_path, ETSY, ETSY_ROWS) == {"31": 24.0, "32": 12.0}


def test_without_a_subtotal_the_lines_show_whether_tax_is_on_top(tmp_path: Path) -> None:
    assert totals(tmp_path, NO_SUBTOTAL, NO_SUBTOTAL_ROWS[:2]) == {"1": 25.0, "2": 35.0}


def test_without_a_subtotal_both_kinds_are_marked_and_read(tmp_path: Path) -> None:
    assert totals(tmp_path, NO_SUBTOTAL, NO_SUBTOTAL_ROWS) == {"1": 25.0, "2": 35.0, "3": 25.0}
    assert (
        "LOOK: tax is on top in 2 orders and included in the prices of 1"
        in (tmp_path / "mapping.toml").read_text()
    )


ORDERS = ["Order ID,Order Date,Postage,VAT,Total"]
ITEMS = [
    "Order No;SKU;Quantity;Unit Price",
    "#1;mug;2;10.00",
    "#2;mug;1;20.00",
    "#2;tee;2;5.00",
    "#3;mug;2;10.00",
]


def totals_of_files(folder: Path, orders: list[str], items: list[str]) -> dict[str, float]:
    (folder / "order_items.csv").write_text("\n".join(items) + "\n")
    return totals(folder, orders[0], orders[1:])


@pytest.mark.parametrize("is_line_total", [False, True], ids=["unit prices", "line totals"])
def test_lines_in_another_file_show_whether_tax_is_on_top(
    tmp_path: Path, is_line_total: bool
) -> None:
    items = ITEMS
    if is_line_total:
        items = ["Order No;SKU;Line Total", "#1;mug;20.00", "#2;mug;20.00", "#2;tee;10.00"]
    on_top = ["#1,2026-05-01 10:00,5.00,2.00,27.00", "#2,2026-05-02 10:00,0.00,3.00,33.00"]
    right = {"1": 25.0, "2": 30.0}
    assert totals_of_files(tmp_path, ORDERS + on_top, items[:4]) == right


def test_lines_in_another_file_show_that_tax_is_included(tmp_path: Path) -> None:
    included = ["#1,2026-05-01 10:00,5.00,4.17,25.00", "#2,2026-05-02 10:00,0.00,5.00,30.00"]
    right = {"1": 25.0, "2": 30.0}
    assert totals_of_files(tmp_path, ORDERS + included, ITEMS[:4]) == right
    assert "minus" not in (tmp_path / "mapping.toml").read_text()


def test_lines_in_another_file_show_both_kinds(tmp_path: Path) -> None:
    rows = [
        "#1,2026-05-01 10:00,5.00,2.00,27.00",
        "#2,2026-05-02 10:00,0.00,3.00,33.00",
        "#3,2026-05-03 10:00,5.00,4.17,25.00",
    ]
    right = {"1": 25.0, "2": 30.0, "3": 25.0}
    assert totals_of_files(tmp_path, ORDERS + rows, ITEMS) == right
    text = (tmp_path / "mapping.toml").read_text()
    assert "LOOK: tax is on top in 2 orders and included in the prices of 1" in text


@pytest.mark.parametrize("is_on_top", [True, False], ids=["on top", "included"])
def test_a_tax_that_only_the_file_of_the_lines_lists(tmp_path: Path, is_on_top: bool) -> None:
    taxed = ["Order No;SKU;Quantity;Unit Price;VAT", "#1;mug;2;10.00;2.00"]
    taxed += ["#2;mug;1;20.00;2.00", "#2;tee;2;5.00;1.00"]
    with_tax = ("27.00", "33.00") if is_on_top else ("25.00", "30.00")
    rows = [f"#1,2026-05-01 10:00,5.00,{with_tax[0]}", f"#2,2026-05-02 10:00,0.00,{with_tax[1]}"]
    orders = ["Order ID,Order Date,Postage,Total", *rows]
    assert totals_of_files(tmp_path, orders, taxed) == {"1": 25.0, "2": 30.0}
    text = (tmp_path / "mapping.toml").read_text()
    assert ("Total has the tax of the lines on top" in text) == is_on_top
