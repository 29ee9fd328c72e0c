"""A sheet of a workbook as a table of text, as `csv_text` reads a CSV file."""

from __future__ import annotations

import warnings
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from openpyxl import load_workbook

from pipeline.settings.errors import BadInput
from pipeline.sources.csv_text import EMPTY, ROW, Fault, column_names

# unpacked, a workbook of a million orders has some 700 MB; what has more was made to fill the
# memory
MOST_BYTES, MOST_UNPACKED = 300_000_000, 3_000_000_000
# Excel keeps fifteen digits of a number and makes the others 0
EXACT = 10**15
ROUNDED = "a number of more than 15 digits, which a spreadsheet has rounded; format the column as text and fill it anew"


def read_workbook(
    path: Path, sheet: str | None = None, most: int = MOST_BYTES
) -> tuple[pl.DataFrame, list[Fault]]:
    """`ROW` and the sheet's columns as text, days and times as ISO; (row, column, reason) of rows
    with wrong cells.

    The sheet of that name, else the first. Raises `BadInput` where the file is none, or is larger
    than `most` bytes.
    """
    if path.is_file() and path.stat().st_size > most:
        raise BadInput(
            f"{path.name}: is larger than {most // 1_000_000} MB. Save it in parts, or as CSV."
        )
    try:
        rows = _cells(path, sheet)
    except BadInput:
        raise
    # whatever a damaged or hostile file makes of openpyxl and of the XML below it
    except Exception as error:
        raise BadInput(
            f"{path.name}: cannot be read as a workbook ({str(error)[:200]}). Save it again as .xlsx."
        ) from None
    header_at = next(
        (place for place, cells in enumerate(rows) if any(cell is not None for cell in cells)), None
    )
    if header_at is None:
        raise BadInput(EMPTY.format(path.name))
    header = column_names(path.name, _ended([_text(cell) or "" for cell in rows[header_at]]))
    table, faults = [], []
    for number, cells in enumerate(rows[header_at + 1 :], header_at + 2):
        texts = [_text(cell) for cell in cells]
        if not any(texts):
            continue
        if any(texts[len(header) :]):
            faults.append((number, header[-1], "cells beyond the last named column"))
        for column, cell in zip(header, cells, strict=False):
            if isinstance(cell, int | float) and abs(cell) >= EXACT:
                faults.append((number, column, ROUNDED))
        table.append([number, *(texts + [None] * len(header))[: len(header)]])
    schema: dict[str, Any] = {ROW: pl.Int64(), **dict.fromkeys(header, pl.String())}
    return pl.DataFrame(table, schema=schema, orient="row"), faults


def _cells(path: Path, sheet: str | None) -> list[tuple[object, ...]]:
    with zipfile.ZipFile(path) as archive:
        if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED:
            raise BadInput(
                f"{path.name}: unpacked it is larger than {MOST_UNPACKED // 1_000_000} MB."
            )
    with warnings.catch_warnings():
        # openpyxl tells of what it does not read (drop-down lists, styles); none of it matters here
        warnings.simplefilter("ignore")
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            chosen = book[sheet] if sheet in book.sheetnames else book.worksheets[0]
            # a sheet may say that it is smaller than it is
            chosen.reset_dimensions()
            return list(chosen.iter_rows(values_only=True))
        finally:
            book.close()


def _ended(names: list[str]) -> list[str]:
    """Without the empty cells that follow the last name."""
    while names and not names[-1].strip():
        names.pop()
    return names


def _text(cell: object) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
