"""Read a sheet of a workbook as a table of text, like `csv_text` reads a CSV file."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard

import polars as pl
from openpyxl import load_workbook

from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import require_regular
from pipeline.sources.csv_text import EMPTY, ROW, Fault, column_names
from pipeline.sources.reading.header_rows import SAMPLE, header_position, looks_like_table
from pipeline.sources.reading.input_limits import SHEET, Meter, check_bytes
from pipeline.sources.reading.rounded_ids import ROUNDED, are_rounded_numbers
from pipeline.sources.reading.workbook_archive import check_archive, missing_rows

MOST_BYTES = SHEET.bytes
Cells = tuple[object, ...]
# whether a sheet with these column names is the one to read
IsRight = Callable[[list[str]], bool]


def read_workbook(
    path: Path, sheet: str | None = None, most: int = MOST_BYTES, *, is_right: IsRight | None = None
) -> tuple[pl.DataFrame, list[Fault]]:
    """Return the sheet as text, and (row, column, reason) of each faulty cell.

    The table has `ROW` and the sheet's columns; dates and times are in ISO format. Reads the sheet
    called `sheet`, or else the first one with column names that `is_right` accepts, or else the
    first one that looks like a table and has more than half as many columns as the widest one.
    Raises `BadInput` if the file is not a workbook, is empty, or is larger than `most` bytes or the
    caps of `input_limits`.
    """
    require_regular(path)
    if path.is_file():
        check_bytes(path.name, path.stat().st_size, replace(SHEET, bytes=most))
    try:
        check_archive(path)
        rows = _rows(path, sheet, is_right)
    except BadInput:
        raise
    # a damaged or hostile file can raise any error in openpyxl or in the XML parser
    except Exception as error:
        raise BadInput(
            f"{path.name}: cannot be read as a workbook ({str(error)[:200]}). "
            "Save it again as .xlsx."
        ) from None
    if not rows:
        raise BadInput(EMPTY.format(path.name))
    header_at = header_position(_texts([cells for _, cells in rows[:SAMPLE]]))
    header = column_names(path.name, [_text(cell) or "" for cell in rows[header_at][1]])
    return _table(header, rows[header_at + 1 :])


def _table(header: list[str], rows: list[tuple[int, Cells]]) -> tuple[pl.DataFrame, list[Fault]]:
    table, faults = [], []
    for number, cells in rows:
        texts = [_text(cell) for cell in cells]
        if any(texts[len(header) :]):
            faults.append((number, header[-1], "the row has cells after the last named column"))
        table.append([number, *(texts + [None] * len(header))[: len(header)]])
    for position, column in enumerate(header):
        numbers = [
            (number, cell)
            for number, cells in rows
            if position < len(cells) and _is_number(cell := cells[position])
        ]
        are_rounded = are_rounded_numbers([cell for _, cell in numbers])
        faults += [
            (number, column, ROUNDED)
            for (number, _), is_one in zip(numbers, are_rounded, strict=True)
            if is_one
        ]
    schema: dict[str, Any] = {ROW: pl.Int64(), **dict.fromkeys(header, pl.String())}
    # by row, as the other readers report faults
    return pl.DataFrame(table, schema=schema, orient="row"), sorted(faults, key=lambda f: f[0])


def _is_number(cell: object) -> TypeGuard[int | float]:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) < float("inf")


def _rows(path: Path, name: str | None, is_right: IsRight | None) -> list[tuple[int, Cells]]:
    """The rows of the chosen sheet that are not blank, with their numbers."""
    with warnings.catch_warnings():
        # openpyxl warns about parts it does not read, such as drop-down lists and styles
        warnings.simplefilter("ignore")
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            if name in book.sheetnames:
                chosen = book[name]
            else:
                chosen = _chosen(path, book.worksheets, is_right)
            return list(_filled_rows(path, chosen))
        finally:
            book.close()


def _chosen(path: Path, sheets: list[Any], is_right: IsRight | None) -> Any:
    """The sheet to read if none is named; see `read_workbook`."""
    if len(sheets) == 1:
        return sheets[0]
    visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"] or sheets
    heads = [[cells for _, cells in islice(_filled_rows(path, one), SAMPLE)] for one in visible]
    samples = [_texts(head) for head in heads]
    names = [rows[header_position(rows)] if rows else [] for rows in samples]
    if is_right is not None:
        for sheet, header in zip(visible, names, strict=True):
            if is_right([text.strip() for text in header]):
                return sheet
    widths = [
        len([text for text in header if text]) if looks_like_table(rows) else 0
        for header, rows in zip(names, samples, strict=True)
    ]
    for sheet, width in zip(visible, widths, strict=True):
        if 2 * width > max(widths):
            return sheet
    return visible[0]


def _filled_rows(path: Path, sheet: Any) -> Iterator[tuple[int, Cells]]:
    """Yield (number, cells) of the rows that are not blank, without the empty cells at the end."""
    # the dimensions stored in a sheet may be too small
    sheet.reset_dimensions()
    meter = Meter(path.name, SHEET)
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > SHEET.rows:
            raise missing_rows(path)
        meter.add_row(len(row))
        count = len(row)
        while count and (row[count - 1] is None or row[count - 1] == ""):
            count -= 1
        if count:
            yield number, row[:count]


def _texts(rows: list[Cells]) -> list[list[str]]:
    """The rows as texts, all of the same length."""
    width = max(map(len, rows), default=0)
    return [[_text(cell) or "" for cell in row] + [""] * (width - len(row)) for row in rows]


def _text(cell: object) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
