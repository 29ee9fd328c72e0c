"""SOURCE=mapped reads the same facts from files of any notation, encoding and format."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook as Book

from pipeline.sources.enforce_contract import FILE, enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from tests.unit.sources.corner_shop import MAPPING, ORDERS, refused, write


def test_amounts_in_both_notations(tmp_path: Path) -> None:
    rows = ["1.234,50", "1234,5", "-", "€ 12,00", "12,00 EUR", "1,234.50", "1.2.3", ""]
    text = ORDERS + "".join(
        f'"{n}","03/05/2024 14:00","{cell}",0,A,1,2000,,\n' for n, cell in enumerate(rows)
    )
    data = enforce_contract(
        read_mapped(
            write(tmp_path, text, MAPPING.replace("[[fact]]", 'decimal = ","\n\n[[fact]]', 1))
        )
    )
    assert data.frames["orders"]["total_usd"].to_list() == [1234.5, 1234.5, 12.0, 12.0, 2000.0]
    assert [row for row, *_ in refused(data)] == [4, 7, 8]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("gb18030", b""), ("utf-16", b"")],
)
def test_encodings(encoding: str, mark: bytes, tmp_path: Path) -> None:
    text = (
        ORDERS.replace(",", ";")
        + "1;03/05/2024 14:00;5;0;女装连衣裙红色;1;5;;\n2;03/05/2024 14:00;5;0;手机壳;1;5;;\n"
    )
    data = enforce_contract(read_mapped(write(tmp_path, mark + text.encode(encoding))))
    assert data.frames["order_lines"]["product_id"].to_list() == ["女装连衣裙红色", "手机壳"]
    assert refused(data) == []


def test_a_western_european_file_is_not_read_as_chinese(tmp_path: Path) -> None:
    text = (
        ORDERS
        + "1,03/05/2024 14:00,5,0,Fußmatte größer,1,5,,\n2,03/05/2024 14:00,5,0,plain,1,5,,\n"
    )
    origin = write(tmp_path, text.encode("cp1252"))
    assert [row for row, *_ in refused(enforce_contract(read_mapped(origin)))] == [2]
    (tmp_path / "mapping.toml").write_text(
        MAPPING + '[[form]]\nfile = "orders*"\nencoding = "cp1252"\n'
    )
    assert enforce_contract(read_mapped(origin)).frames["order_lines"]["product_id"].to_list() == [
        "Fußmatte größer",
        "plain",
    ]


def test_a_workbook_and_a_parquet_file_give_the_same_facts(tmp_path: Path) -> None:
    rows = [
        ["1", "03/05/2024 14:00", 5.5, 0, "A", 1, 5.5, None, None],
        ["2", "04/05/2024 14:00", 6.0, 0, "B", 2, 3.0, None, None],
    ]
    header = ORDERS.strip().split(",")
    book = Book()
    for row in [header, *rows]:
        book.active.append(row)
    lines = []
    for kind in ("xlsx", "parquet"):
        folder = tmp_path / kind
        origin = write(folder, b"")
        (folder / "orders.csv").unlink()
        if kind == "xlsx":
            book.save(folder / "orders.xlsx")
        else:
            columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
            frame = pl.DataFrame(
                {name: pl.Series(cells, strict=False) for name, cells in columns.items()}
            )
            frame.write_parquet(folder / "orders.parquet")
        lines.append(enforce_contract(read_mapped(origin)).frames["order_lines"].drop(FILE))
    assert lines[0].equals(lines[1])
    assert lines[0]["unit_price_usd"].to_list() == [5.5, 3.0]


def test_an_id_that_a_spreadsheet_has_rounded_is_refused(tmp_path: Path) -> None:
    origin = write(
        tmp_path,
        ORDERS + "1.16005E+15,03/05/2024 14:00,5,0,A,1,5,,\n7,03/05/2024 14:00,5,0,A,1,5,,\n",
    )
    data = enforce_contract(read_mapped(origin))
    assert data.frames["orders"]["order_id"].to_list() == ["7"]
    assert "rounded" in refused(data)[0][2]
    book = Book()
    for row in (
        ORDERS.strip().split(","),
        [1160045860056286, "03/05/2024 14:00", 5, 0, "A", 1, 5, None, None],
        [81000000000012345, "03/05/2024 14:00", 5, 0, "A", 1, 5, None, None],
    ):
        book.active.append(row)
    (tmp_path / "orders.csv").unlink()
    book.save(tmp_path / "orders.xlsx")
    data = read_mapped(origin)
    # sixteen digits are exact in a number cell, seventeen are not
    assert enforce_contract(data).frames["orders"]["order_id"].to_list() == ["1160045860056286"]
