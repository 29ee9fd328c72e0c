"""A damaged or hostile file ends with a message, not with a full memory."""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic

import polars as pl
import pytest
from openpyxl import Workbook

from pipeline.settings.errors import BadInput
from pipeline.sources import json_text, workbook
from pipeline.sources.csv_text import read_text_table
from pipeline.sources.json_text import read_pieces
from pipeline.sources.reading import input_limits
from pipeline.sources.reading.input_limits import TEXT, InputLimits, Meter
from pipeline.sources.sheets import read_any_table
from pipeline.sources.workbook import read_workbook


def sheet_of(path: Path, *rows: tuple[object, ...]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(path)
    return path


def rewrite(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """Change the parts of a workbook's archive."""
    with zipfile.ZipFile(path) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, change(name, data))
    return path


def test_a_workbook_with_one_huge_row_number_is_refused_at_once(tmp_path: Path) -> None:
    path = sheet_of(tmp_path / "orders.xlsx", ("order_id", "total"), ("o-1", 5))
    rewrite(path, lambda _, data: data.replace(b'<row r="2"', b'<row r="999999999"'))
    started = monotonic()
    with pytest.raises(BadInput) as refused:
        read_workbook(path)
    assert monotonic() - started < 30
    for words in ("row 999,999,999", "999,999,997 rows are missing", "1,048,576 rows", " bytes"):
        assert words in str(refused.value)
    assert f"{path.stat().st_size:,} bytes" in str(refused.value)


def test_blank_rows_within_a_sheet_are_left_out_and_counted(tmp_path: Path) -> None:
    path = sheet_of(tmp_path / "orders.xlsx", ("order_id", "total"), ("o-1", 5))
    rewrite(path, lambda _, data: data.replace(b'<row r="2"', b'<row r="1048576"'))
    table, faults = read_workbook(path)
    assert (table.rows(), faults) == ([(1048576, "o-1", "5")], [])


def test_a_workbook_that_unpacks_to_a_thousand_times_its_size_is_refused(tmp_path: Path) -> None:
    path = sheet_of(tmp_path / "orders.xlsx", ("order_id", "total"), ("o-1", 5))
    rewrite(path, lambda name, data: data + b" " * 60_000_000 if "sheet1" in name else data)
    with pytest.raises(BadInput, match=r"orders\.xlsx: .* unpacks to [\d,]+, [\d,]+ times"):
        read_workbook(path)


def test_a_workbook_with_xml_entities_is_refused(tmp_path: Path) -> None:
    path = sheet_of(tmp_path / "orders.xlsx", ("order_id", "total"), ("o-1", 5))
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>'
    rewrite(path, lambda name, data: entity + data if "sheet1" in name else data)
    with pytest.raises(BadInput, match="XML entities"):
        read_workbook(path)


def test_the_cells_of_a_sheet_are_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row whose only cell is far to the right counts with the empty ones."""
    path = sheet_of(tmp_path / "orders.xlsx", ("a", "b"), (None,) * 999 + ("x",))
    monkeypatch.setattr(workbook, "SHEET", InputLimits(cells=1000))
    with pytest.raises(BadInput, match="more than 1,000 cells"):
        read_workbook(path)


SMALL = {
    "rows": (InputLimits(rows=3), "has 4 rows; at most 3 are read"),
    "columns": (InputLimits(columns=1), "has 2 columns; at most 1 are read"),
    "cells": (InputLimits(cells=7), r"has (more than 7|8|10) cells"),
    "bytes": (InputLimits(bytes=10), r"is larger than 0 MB: \d+ bytes"),
}


@pytest.mark.parametrize(("limits", "message"), SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("kind", ["csv", "quoted csv", "parquet"])
def test_tables_are_capped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: InputLimits, message: str, kind: str
) -> None:
    path = tmp_path / f"orders.{kind.split()[-1]}"
    frame = pl.DataFrame({"a": ["1"] * 4, "b": ["2"] * 4})
    if kind == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, quote_style="always" if kind == "quoted csv" else "necessary")
        # the row of the names counts as one of the lines
        limits = replace(limits, rows=4) if limits.rows == 3 else limits
        message = message.replace("4 rows", "5 rows").replace("most 3", "most 4")
    monkeypatch.setattr(input_limits.check_bytes, "__defaults__", (limits,))
    monkeypatch.setattr(input_limits.check_table, "__defaults__", (limits,))
    monkeypatch.setattr(input_limits.Meter.__init__, "__defaults__", (limits,))
    with pytest.raises(BadInput, match=rf"orders\.\w+: ({message})"):
        read_any_table(path)


def test_reading_stops_after_the_seconds_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each quote that is not closed is searched for up to the end of the file."""
    path = tmp_path / "orders.csv"
    path.write_text("a,b\n" + '1,"2\n' * 3000, encoding="utf-8")
    # already over at the first look at the clock, however fast the machine is
    monkeypatch.setattr(input_limits.Meter.__init__, "__defaults__", (replace(TEXT, seconds=-1.0),))
    with pytest.raises(BadInput, match="seconds to read"):
        read_text_table(path)


def test_json_is_capped_when_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "orders.json.gz"
    path.write_bytes(gzip.compress(b"[" + b" " * 100_000 + b"]"))
    monkeypatch.setattr(json_text, "BIG", 1_000)
    monkeypatch.setattr(json_text, "TEXT", InputLimits(bytes=50_000))
    monkeypatch.setattr(input_limits.check_bytes, "__defaults__", (InputLimits(bytes=50_000),))
    with pytest.raises(BadInput, match=r"orders\.json\.gz, unpacked,: is larger than"):
        list(read_pieces(path))


def test_json_documents_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "orders.json"
    path.write_text("{}\n" * 50, encoding="utf-8")
    assert len(list(read_pieces(path))) == 50
    monkeypatch.setattr(input_limits.Meter.__init__, "__defaults__", (InputLimits(rows=49),))
    with pytest.raises(BadInput, match="more than 49 rows"):
        list(read_pieces(path))


def test_a_row_of_names_with_a_million_columns_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(",".join(f"c{i}" for i in range(1_000_000)), encoding="utf-8")
    with pytest.raises(BadInput, match=re.escape("1,000,000 columns; at most 16,384")):
        read_text_table(path)


def test_the_caps_are_above_a_million_orders() -> None:
    meter = Meter("orders.csv")
    for _ in range(1000):
        meter.add_row(60)
    assert meter.rows == 1000
    assert TEXT.rows >= 5_000_000
    assert TEXT.cells >= 1_000_000 * 100
    assert input_limits.SHEET.cells >= 1_000_000 * 60
