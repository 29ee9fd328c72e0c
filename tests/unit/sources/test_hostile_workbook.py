"""Workbooks of unknown origin: missing, broken or contradicting parts; no row is lost."""

from __future__ import annotations

import io
import random
import warnings
import zipfile
from functools import cache
from pathlib import Path

import pytest
from openpyxl import Workbook

from pipeline.settings.errors import BadInput
from pipeline.sources.workbook import read_workbook

SHEET = "xl/worksheets/sheet1.xml"
NAMES = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>'
OPEN = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


@cache
def whole() -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in (["id", "at"], ["1", "2024-01-01"]):
        book.worksheets[0].append(row)
    book.save(file)
    return file.getvalue()


def parts() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(whole())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(folder: Path, contents: dict[str, bytes], rows: str | None = None) -> Path:
    """The workbook of these parts, with these rows below the column names."""
    if rows is not None:
        contents = contents | {SHEET: f"{OPEN}{NAMES}{rows}</sheetData></worksheet>".encode()}
    with zipfile.ZipFile(folder / "o.xlsx", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return folder / "o.xlsx"


def ids(path: Path) -> list[str | None]:
    """The first column; empty if the file is refused with a message."""
    try:
        return read_workbook(path)[0].to_series(1).to_list()
    except BadInput:
        return []


@pytest.mark.parametrize("name", parts())
@pytest.mark.parametrize("is_missing", [True, False])
def test_a_part_that_is_missing_or_broken_never_changes_a_value(
    tmp_path: Path, name: str, is_missing: bool
) -> None:
    contents = parts()
    del contents[name]
    if not is_missing:
        contents[name] = b"<broken"
    assert ids(write(tmp_path, contents)) in ([], ["1"])


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="3"><c r="A3"><v>3</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>',
        '<row r="2"><c r="A2"><v>3</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>',
    ],
)
def test_rows_out_of_order_are_refused(tmp_path: Path, rows: str) -> None:
    """openpyxl leaves out the row with the smaller number."""
    with pytest.raises(BadInput, match=r"o\.xlsx: row 2 comes after row \d"):
        read_workbook(write(tmp_path, parts(), rows))


def test_two_parts_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, parts())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(SHEET, f"{OPEN}{NAMES}</sheetData></worksheet>")
    with pytest.raises(BadInput, match="two parts of the same name"):
        read_workbook(path)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('<c r="ZZZZZZ2"><v>1</v></c>', []),
        ('<c r="A-5"><v>1</v></c>', []),
        ('<c r="A2" t="s"><v>99999999</v></c>', []),
        ('<c r="A2" t="s"><v>-1</v></c>', []),
        ('<c r="A2" t="d"><v>99999-13-45</v></c>', []),
        ('<c r="A2"><v>1e400</v></c>', ["inf"]),
        ('<c r="A2"><v>NaN</v></c>', ["nan"]),
        ('<c r="A2" t="e"><v>#REF!</v></c>', ["#REF!"]),
        ("<c><v>5</v></c>", ["5"]),
    ],
)
def test_a_cell_without_sense_is_refused_or_visible(
    tmp_path: Path, cell: str, expected: list[str]
) -> None:
    got = ids(write(tmp_path, parts(), f'<row r="2">{cell}</row>'))
    assert got in ([], expected)


def test_changed_bytes_never_give_another_value(tmp_path: Path) -> None:
    draw, count_refused = random.Random(31), 0
    for _ in range(60):
        changed = bytearray(whole())
        changed[draw.randrange(len(changed))] = draw.randrange(256)
        (tmp_path / "o.xlsx").write_bytes(changed)
        got = ids(tmp_path / "o.xlsx")
        count_refused += got == []
        assert got in ([], ["1"])
    assert count_refused > 20


@pytest.mark.parametrize("content", [b"", b"PK", b"\xd0\xcf\x11\xe0" + bytes(5_000)])
def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "o.xlsx").write_bytes(content)
    with pytest.raises(BadInput, match=r"o\.xlsx"):
        read_workbook(tmp_path / "o.xlsx")
