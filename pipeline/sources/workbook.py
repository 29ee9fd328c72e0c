"""Read a sheet of a workbook as a table of text, like `csv_text` reads a CSV file."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from openpyxl import load_workbook

from pipeline.settings.errors import BadInput
from pipeline.sources.csv_text import EMPTY, ROW, Fault, column_names

# bytes; a workbook of a million orders unpacks to about 700 MB, so a file above the second limit is
# meant to fill the memory
MOST_BYTES, MOST_UNPACKED = 300_000_000, 3_000_000_000
# Excel keeps fifteen digits of a number and replaces the others with 0
EXACT = 10**15
ROUNDED = (
    "a number of more than 15 digits, which the spreadsheet has rounded; "
    "format the column as text and enter the values again"
)


# rows of a sheet above the column names, such as a title
MOST_TITLES = 30
IsHeader = Callable[[list[str]], bool]


def _is_any(cells: list[str]) -> bool:
    return any(cells)


def read_workbook(
    path: Path, sheet: str | None = None, most: int = MOST_BYTES, is_header: IsHeader | None = None
) -> tuple[pl.DataFrame, list[Fault]]:
    """Return the sheet as text, and (row, column, reason) of each faulty cell.

    The table has `ROW` and the sheet's columns; dates and times are in ISO format. Reads the sheet
    called `sheet`, or else the first. `is_header`: recognises the row of the column names by its
    cells; then any of the first 30 rows may be that row, and the sheet may be another one that has
    such a row. Raises `BadInput` if the file is not a workbook, is empty or is larger than `most`
    bytes.
    """
    if path.is_file() and path.stat().st_size > most:
        raise BadInput(
            f"{path.name}: is larger than {most // 1_000_000} MB. Split it, or save it as CSV."
        )
    try:
        rows, header_at = _cells(path, sheet, is_header)
    except BadInput:
        raise
    # a damaged or hostile file can raise any error in openpyxl or in the XML parser
    except Exception as error:
        raise BadInput(
            f"{path.name}: cannot be read as a workbook ({str(error)[:200]}). "
            "Save it again as .xlsx."
        ) from None
    if header_at is None:
        raise BadInput(EMPTY.format(path.name))
    header = column_names(
        path.name, _without_empty_end([_text(cell) or "" for cell in rows[header_at]])
    )
    table, faults = [], []
    for number, cells in enumerate(rows[header_at + 1 :], header_at + 2):
        texts = [_text(cell) for cell in cells]
        if not any(texts):
            continue
        if any(texts[len(header) :]):
            faults.append((number, header[-1], "the row has cells after the last named column"))
        for column, cell in zip(header, cells, strict=False):
            if isinstance(cell, int | float) and abs(cell) >= EXACT:
                faults.append((number, column, ROUNDED))
        table.append([number, *(texts + [None] * len(header))[: len(header)]])
    schema: dict[str, Any] = {ROW: pl.Int64(), **dict.fromkeys(header, pl.String())}
    return pl.DataFrame(table, schema=schema, orient="row"), faults


def _cells(
    path: Path, sheet: str | None, is_header: IsHeader | None
) -> tuple[list[tuple[object, ...]], int | None]:
    """The rows of the chosen sheet, and the position of its row of column names."""
    with zipfile.ZipFile(path) as archive:
        if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED:
            raise BadInput(
                f"{path.name}: is larger than {MOST_UNPACKED // 1_000_000} MB when unpacked. "
                "Save it again, or as CSV."
            )
    with warnings.catch_warnings():
        # openpyxl warns about parts it does not read, such as drop-down lists and styles
        warnings.simplefilter("ignore")
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            first = book[sheet] if sheet in book.sheetnames else book.worksheets[0]
            for chosen in (first, *(other for other in book.worksheets if other is not first)):
                # the dimensions stored in a sheet may be too small
                chosen.reset_dimensions()
                if (
                    is_header is None
                    or _header_at(
                        list(chosen.iter_rows(values_only=True, max_row=MOST_TITLES)), is_header
                    )
                    is not None
                ):
                    break
            else:
                chosen = first
            rows = list(chosen.iter_rows(values_only=True))
        finally:
            book.close()
    if is_header and (at := _header_at(rows[:MOST_TITLES], is_header)) is not None:
        return rows, at
    return rows, _header_at(rows, _is_any)


def _header_at(rows: list[tuple[object, ...]], is_header: IsHeader) -> int | None:
    texts = ([_text(cell) or "" for cell in cells] for cells in rows)
    return next((index for index, cells in enumerate(texts) if is_header(cells)), None)


def _without_empty_end(names: list[str]) -> list[str]:
    """Return the names without the empty cells after the last one."""
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
