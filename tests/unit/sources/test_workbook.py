"""Which sheet of a workbook is read, and from which row."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from pipeline.sources.csv_text import ROW
from pipeline.sources.sheets import read_any_table
from pipeline.sources.workbook import read_workbook

ORDERS = [("Order ID", "Created", "Total", "Country"), ("o-1", "2026-05-03", 5, "DE")]
FRONT = {
    "notes": [("Orders of May",), ("exported on Monday",)],
    "key figures": [("Orders", 60), ("Sum", 1234.5)],
    "names and values": [("Prepared by", "Anna"), ("Month", "May")],
    "a small lookup table": [("Code",), ("DE",), ("FR",)],
    "an empty sheet": [],
}


def book_of(path: Path, *contents: list[tuple[object, ...]]) -> Path:
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for number, rows in enumerate(contents):
        sheet = book.create_sheet(f"s{number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("front", FRONT.values(), ids=FRONT)
def test_another_sheet_in_front_of_the_right_one(
    tmp_path: Path, front: list[tuple[object, ...]]
) -> None:
    table, faults = read_workbook(book_of(tmp_path / "o.xlsx", front, ORDERS))
    assert (table.columns[1:], faults) == (list(ORDERS[0]), [])
    assert table.rows() == [(2, "o-1", "2026-05-03", "5", "DE")]


def test_the_first_of_two_tables_is_read_unless_one_is_asked_for(tmp_path: Path) -> None:
    products = [("SKU", "Name", "Price"), ("A", "Mug", 5)]
    path = book_of(tmp_path / "o.xlsx", products, ORDERS)
    assert read_workbook(path)[0].columns[1:] == ["SKU", "Name", "Price"]
    assert read_workbook(path, "s1")[0].columns[1] == "Order ID"
    right, _ = read_any_table(path, is_right=lambda header: "Created" in header)
    assert right.columns[1] == "Order ID"


def test_a_hidden_sheet_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "o.xlsx"
    book = Workbook()
    lists = book.active
    assert lists is not None
    for row in [("a", "b", "c", "d"), (1, 2, 3, 4)]:
        lists.append(row)
    lists.sheet_state = "hidden"
    shown = book.create_sheet("orders")
    for row in ORDERS:
        shown.append(row)
    book.save(path)
    assert read_workbook(path)[0].columns[1] == "Order ID"


def test_a_title_above_the_column_names(tmp_path: Path) -> None:
    path = book_of(tmp_path / "o.xlsx", [("Orders of May",), (), *ORDERS])
    table, faults = read_workbook(path)
    assert (table.columns, faults) == ([ROW, *ORDERS[0]], [])
    assert table[ROW].to_list() == [4]


def test_exact_integers_of_sixteen_digits_are_read(tmp_path: Path) -> None:
    ids = [5000000001737142, 5000000002572430, 5000000003977691]
    path = book_of(tmp_path / "o.xlsx", [("Order ID", "Total"), *((id_, 5) for id_ in ids)])
    table, faults = read_workbook(path)
    assert (table["Order ID"].to_list(), faults) == ([str(id_) for id_ in ids], [])


def test_integers_that_a_spreadsheet_cut_after_fifteen_digits_are_faults(tmp_path: Path) -> None:
    ids = [5000000001737140, 5000000002572430, 5000000003977690, 5000000003977180]
    path = book_of(tmp_path / "o.xlsx", [("Order ID", "Total"), *((id_, 5) for id_ in ids)])
    _, faults = read_workbook(path)
    assert [(row, column) for row, column, _ in faults] == [
        (row, "Order ID") for row in (2, 3, 4, 5)
    ]
    assert "rounded" in faults[0][2]
