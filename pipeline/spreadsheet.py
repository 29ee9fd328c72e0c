"""A workbook that a spreadsheet opens: text is always text, never a formula, a link or a number in disguise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

WIDEST = 60
SAMPLE = 50


def write_workbook(path: Path, sheets: Mapping[str, pl.DataFrame], created: date) -> None:
    """One sheet per frame, header fixed and with filters. `created`: the night, so that equal runs are equal files."""
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": datetime(created.year, created.month, created.day, tzinfo=UTC)})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for name, frame in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, frame.height, max(frame.width - 1, 0))
            for column, series in enumerate(frame):
                sheet.write_string(0, column, series.name, bold)
                sheet.set_column(column, column, _width(series))
                for row, value in enumerate(series, 1):
                    _write(sheet, row, column, value)


def _write(sheet: Any, row: int, column: int, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_string(row, column, "yes" if value else "no")
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, str(value))


def _width(series: pl.Series) -> int:
    longest = max((len(str(value)) for value in series.head(SAMPLE) if value is not None), default=0)
    return min(max(longest, len(series.name)) + 2, WIDEST)
