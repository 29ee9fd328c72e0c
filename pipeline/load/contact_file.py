"""Read the file of a contact list as a spreadsheet saved it: CSV with commas, semicolons or tabs,
in UTF-8, UTF-16 or the Western code page, or a workbook; with a title above the column names, and
the names in capitals."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import polars as pl

from pipeline.output.safe_text import one_line
from pipeline.settings.errors import BadInput
from pipeline.sources.csv_text import Fault, read_bytes, text_table
from pipeline.sources.reading.rounded_ids import ROUNDED
from pipeline.sources.reading.text_encoding import decode_utf
from pipeline.sources.workbook import read_workbook

REQUIRED, OPTIONAL = (
    ("order_id", "contacted_at"),
    ("outcome", "as_of", "stage", "rank", "buyer_id", "contact_by"),
)
SHEET = "contacts"
MOST_BYTES = 50_000_000
SEPARATORS = ",;\t"
# lines above the column names, such as a title
MOST_TITLES = 30


def read_contact_file(path: Path) -> tuple[pl.DataFrame, list[Fault]]:
    """The rows as text, and (row, column, reason) of each unreadable row.

    The table has `ROW` and the file's columns. A name that differs from one of ours only in case or
    spaces is ours. Raises `BadInput` if the file cannot be read or a required column is missing.
    """
    if not path.is_file():
        raise BadInput(
            f"{path}: no such file. Set FILE to the filled-in contact list, .csv or .xlsx."
        )
    if path.stat().st_size > MOST_BYTES:
        raise BadInput(
            f"{path.name}: is larger than {MOST_BYTES // 1_000_000} MB, which no contact list is."
        )
    table, faults = (
        read_workbook(path, SHEET, MOST_BYTES, is_right=_is_header)
        if path.suffix.lower() == ".xlsx"
        else _read_text(path)
    )
    table = _with_our_names(path.name, table)
    if missing := [name for name in REQUIRED if name not in table.columns]:
        names = one_line(", ".join(table.columns[1:]), 300)
        raise BadInput(
            f"{path.name}: column {', '.join(missing)} is missing. Found: {names}. "
            "Use the contact list as it was written, with contacted_at and outcome filled in; as "
            "CSV, separate its columns by commas, semicolons or tabs."
        )
    # the ids are compared with the published list, so a rounded number is not yet a fault
    return table, [fault for fault in faults if fault[2] != ROUNDED]


def our_name(name: str) -> str:
    """A column name in the way ours are written: `Contacted At ` is `contacted_at`."""
    return re.sub(r"[\s\u00a0_-]+", "_", name.strip().strip("\ufeff").lower()).strip("_")


def _is_header(cells: list[str]) -> bool:
    names = {our_name(cell) for cell in cells}
    return all(name in names for name in REQUIRED)


def _with_our_names(name: str, table: pl.DataFrame) -> pl.DataFrame:
    ours = [our_name(column) for column in table.columns[1:]]
    for column in (*REQUIRED, *OPTIONAL):
        if ours.count(column) > 1:
            raise BadInput(f"{name}: two columns are named {column}. Rename or remove one of them.")
    used = {*REQUIRED, *OPTIONAL}
    return table.rename(
        {
            column: our
            for column, our in zip(table.columns[1:], ours, strict=True)
            if our in used and our != column
        }
    )


def _read_text(path: Path) -> tuple[pl.DataFrame, list[Fault]]:
    text = _decoded(path)
    lines = text.split("\n", MOST_TITLES)
    for number, line in enumerate(lines[:MOST_TITLES]):
        for separator in SEPARATORS:
            if _is_header(_cells(line, separator)):
                # blank lines keep the numbers of the rows
                body = "\n" * number + "\n".join(lines[number:])
                return text_table(path.name, body, separator)
    header = max(lines[:MOST_TITLES], key=len)
    return text_table(path.name, text, max(SEPARATORS, key=header.count))


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _decoded(path: Path) -> str:
    data = read_bytes(path)
    text = decode_utf(path.name, data)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        # a spreadsheet saves plain CSV in the code page of its machine; ids are the same in all
        text = data.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
