"""Each row of a CSV file is either read unchanged or reported; types are not guessed."""

from __future__ import annotations

import codecs
from pathlib import Path

import polars as pl
import pytest

from pipeline.settings.errors import BadInput
from pipeline.sources.csv_text import ROW, read_text_table
from pipeline.sources.sheets import read_any_table


def read(folder: Path, data: bytes | str) -> tuple[pl.DataFrame, list[tuple[int, str, str]]]:
    path = folder / "orders.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_text_table(path)


WHOLE = {
    "plain": ("a,b\n1,2\n", [(2, "1", "2")]),
    "no newline at the end": ("a,b\n1,2", [(2, "1", "2")]),
    "byte-order mark": ("\ufeffa,b\n1,2\n", [(2, "1", "2")]),
    "windows line ends": ("a,b\r\n1,2\r\n3,4\r\n", [(2, "1", "2"), (3, "3", "4")]),
    "old mac line ends": ("a,b\r1,2\r3,4\r", [(2, "1", "2"), (3, "3", "4")]),
    "newline in quotes is one row": ('a,b\n"1\nx",2\n3,4\n', [(2, "1\nx", "2"), (3, "3", "4")]),
    "comma and doubled quote in quotes": ('a,b\n"1,""x""",2\n', [(2, '1,"x"', "2")]),
    "quoted header": ('"a","b"\n1,2\n', [(2, "1", "2")]),
    "quote inside a bare cell": ('a,b\n1,2"x\n', [(2, "1", '2"x')]),
    "empty cells are null": ('a,b\n,2\n"",\n', [(2, None, "2"), (3, None, None)]),
    "words are not nulls": ("a,b\nNULL,NA\n", [(2, "NULL", "NA")]),
    "numbers stay text": ("a,b\n007,1e3\n", [(2, "007", "1e3")]),
    "spaces stay, but not in names": ("a , b\n 1,2 \n", [(2, " 1", "2 ")]),
    "blank lines count and are left out": ("a,b\n1,2\n\n3,4\n\n\n", [(2, "1", "2"), (4, "3", "4")]),
    "blank lines before the header": ("\n\na,b\n1,2\n", [(4, "1", "2")]),
    "header only": ("a,b\n", []),
    "not ascii": ("a,b\nsão,日本\n", [(2, "são", "日本")]),
    "separators of other alphabets": ("a,b\n1\u2028x,2\x0b\x1c\n", [(2, "1\u2028x", "2\x0b\x1c")]),
}


@pytest.mark.parametrize(("text", "rows"), WHOLE.values(), ids=WHOLE)
def test_a_good_file_is_read_without_fault(
    tmp_path: Path, text: str, rows: list[tuple[int, str | None, str | None]]
) -> None:
    table, faults = read(tmp_path, text)
    assert table.columns == [ROW, "a", "b"]
    assert table.rows() == rows
    assert faults == []


FAULTY = {
    "too few cells": (b"a,b,c\n1,2\n3,4,5\n", [2], "2 cells where the header has 3"),
    "too many cells": (b"a,b,c\n1,2,3,4\n3,4,5\n", [2], "4 cells where the header has 3"),
    "cut off at the end": (b"a,b,c\n3,4,5\n3,4,5\n1,", [4], "2 cells"),
    "too few cells after a blank line": (b"a,b\n1,2\n\n3\n4,5\n", [4], "1 cells"),
    "too few cells after a quoted newline": (b'a,b\n"1\nx",2\n3\n4,5\n', [3], "1 cells"),
    "latin-1": (b"a,b\n1,caf\xe9\n2,x\n", [2], "not UTF-8"),
    "latin-1 next to a real replacement character": (
        "a,b\n1,\ufffd\n2,".encode() + b"\xe9\n",
        [3],
        "not UTF-8",
    ),
    "NUL bytes": (b"a,b\n1,2\n\x00\x00,3\n", [3], "NUL"),
    "quote never closed": (b'a,b\n1,"2\n3,4\n5,6\n', [2], "quote"),
    "quotes that swallow rows": (b'a,b\n1,"2\n3,4\n5,"6\n7,8\n', [2, 4], "quote"),
    "text after a closing quote": (b'a,b\n1,"2"x\n3,4\n', [2], "quote"),
}


@pytest.mark.parametrize(("data", "rows", "reason"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_row_is_reported_and_the_others_are_read(
    tmp_path: Path, data: bytes, rows: list[int], reason: str
) -> None:
    table, faults = read(tmp_path, data)
    assert [row for row, _, _ in faults] == rows
    assert all(column in table.columns and reason in why for _, column, why in faults)
    lines = data.decode("latin-1").replace('"1\nx"', "1x").split("\n")
    not_blank = [number for number, line in enumerate(lines, start=1) if line and number > 1]
    assert table[ROW].to_list() == not_blank


def test_the_cells_of_a_faulty_row_are_kept(tmp_path: Path) -> None:
    table, _ = read(tmp_path, b'a,b\n1,2,3,4\n5\nx,"y\n\xe9,6\n')
    assert table.rows() == [(2, "1", "2,3,4"), (3, "5", None), (4, "x", '"y'), (5, "\ufffd", "6")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b" \n\r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\x00\x01\x02\n", "UTF-16 or not text"),
        (b"a,b,a\n1,2,3\n", "two columns are named a"),
        (b"a, a\n1,2\n", "two columns are named a"),
        (b"a,a\n1,\xe9\n", "two columns are named a"),
        (b'a,a\n1,2\n"3",4\n', "two columns are named a"),
        (b"a,__row__\n1,2\n", "two columns are named __row__"),
        (b'a,"b\n1,2\n', "row 1, the column names"),
    ],
)
def test_an_unreadable_file_is_refused_by_name(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        read(tmp_path, data)
    assert "orders.csv" in str(refused.value)


@pytest.mark.parametrize(
    "data", [codecs.BOM_UTF16_LE, codecs.BOM_UTF8, "\n \r\n".encode("utf-16"), b"\n\n"]
)
def test_a_file_with_only_a_mark_or_blank_lines_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"orders\.csv: is empty"):
        read_any_table(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_utf_16_text_is_read_with_and_without_its_mark(
    tmp_path: Path, encoding: str, separator: str
) -> None:
    """Spreadsheets save 'Unicode text' as UTF-16 with tabs."""
    text = "a,b\r\nsão,2\r\n日,4\r\n".replace(",", separator)
    table, faults = read(tmp_path, text.encode(encoding))
    assert (table.rows(), faults) == ([(2, "são", "2"), (3, "日", "4")], [])
    assert read_any_table(tmp_path / "orders.csv")[0].equals(table)


TITLES = {
    "one cell": ("Orders of May\na,b\n1,2\n", [(3, "1", "2")]),
    "one cell and the separators": ("Orders of May,\na,b\n1,2\n", [(3, "1", "2")]),
    "one cell, a blank line": ("Orders\n\na,b\n1,2\n\n3,4\n", [(4, "1", "2"), (6, "3", "4")]),
    "blank lines, two titles": ("\n\nShop\nOrders\na,b\n1,2\n", [(6, "1", "2")]),
    "quotes": ('"Orders, all"\n"a","b"\n"1","2"\n', [(3, "1", "2")]),
    "tabs": ("Orders, all\na\tb\n1\t2\n", [(3, "1", "2")]),
    "windows line ends": ("Orders\r\na;b\r\n1;2\r\n", [(3, "1", "2")]),
}


@pytest.mark.parametrize(("text", "rows"), TITLES.values(), ids=TITLES)
def test_titles_above_the_column_names_are_left_out_and_rows_keep_their_numbers(
    tmp_path: Path, text: str, rows: list[tuple[int, str, str]]
) -> None:
    table, faults = read(tmp_path, text)
    assert (table.columns, table.rows(), faults) == ([ROW, "a", "b"], rows, [])


def test_a_fault_below_a_title_has_its_own_row_number(tmp_path: Path) -> None:
    table, faults = read(tmp_path, "Orders\na,b\n1,2\n3\n4,5\n")
    assert [row for row, _, _ in faults] == [4]
    assert table[ROW].to_list() == [3, 4, 5]


NO_TITLES = {
    "a table of one column": "a\nx\ny\n",
    "one column, its cells hold commas": "a\nx, y, z\nu\nv, w\n",
    "values below a short header": "a\n1,2\n3,4\n",
    "an unnamed column": "a,\nx,y\n",
    "two columns, more cells below": "a,b\nx,y,z,w\nu,v\n",
}


@pytest.mark.parametrize("text", NO_TITLES.values(), ids=NO_TITLES)
def test_column_names_are_not_taken_for_a_title(tmp_path: Path, text: str) -> None:
    table, _ = read(tmp_path, text)
    assert table.columns[1] == "a"


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"orders\.csv: no such file"):
        read_text_table(tmp_path / "orders.csv")
    (tmp_path / "orders.csv").mkdir()
    with pytest.raises(BadInput, match=r"orders\.csv: cannot be read"):
        read_text_table(tmp_path / "orders.csv")


def test_columns_without_a_name_are_numbered(tmp_path: Path) -> None:
    table, faults = read(tmp_path, "a,,\n1,2,\n")
    assert (table.columns, table.rows(), faults) == (
        [ROW, "a", "(column 2)", "(column 3)"],
        [(2, "1", "2", None)],
        [],
    )


def test_one_column_with_blank_lines_keeps_row_numbers(tmp_path: Path) -> None:
    table, faults = read(tmp_path, "a\n1\n\n2\n")
    assert (table.rows(), faults) == ([(2, "1"), (4, "2")], [])


def test_both_ways_of_reading_agree_on_many_rows(tmp_path: Path) -> None:
    lines = [f"o-{i},{i}" for i in range(100_003)]
    fast, _ = read(tmp_path, "\n".join(["a,b", *lines]))
    careful, faults = read(tmp_path, "\n".join(["a,b", *lines, '"o-x",1']))
    assert faults == []
    assert fast.equals(careful.head(-1))
