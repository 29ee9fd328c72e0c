"""Write a workbook (.xlsx). Text cells stay text: they never become formulas, links or numbers.
Only the columns that a sheet names as links are opened by a click, and only https addresses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

WIDEST = 60
SAMPLE = 50
# links per sheet; Excel repairs a sheet that has more
MOST_LINKS = 65_000
# characters per cell; a cell beyond the limit of Excel (32,767) would be left out
LONGEST = 32_000


@dataclass(frozen=True)
class Look:
    """How a sheet is shown. By column name: a number format, a width, and the values to choose
    from. `wrapped`: columns whose text wraps. `fills`: one fill colour per row (None: no
    colour). `links`: columns of https addresses."""

    formats: Mapping[str, str] = field(default_factory=dict)
    widths: Mapping[str, int] = field(default_factory=dict)
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    wrapped: Sequence[str] = ()
    fills: Sequence[str | None] = ()
    links: Sequence[str] = ()


def write_workbook(
    path: Path,
    sheets: Mapping[str, pl.DataFrame],
    created: date,
    looks: Mapping[str, Look] | None = None,
) -> None:
    """Write one sheet per frame, with a fixed header and filters. `created`: the night of the run,
    so that equal runs give equal files."""
    with xlsxwriter.Workbook(
        path, {"strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        book.set_properties(
            {"created": datetime(created.year, created.month, created.day, tzinfo=UTC)}
        )
        for name, frame in sheets.items():
            _write_sheet(book, book.add_worksheet(name), frame, (looks or {}).get(name, Look()))


def _write_sheet(book: Any, sheet: Any, frame: pl.DataFrame, look: Look) -> None:
    header = _format(book, {"bold": True, "text_wrap": True, "valign": "top"})
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, frame.height, max(frame.width - 1, 0))
    has_links = frame.height * len(look.links) <= MOST_LINKS
    for column, series in enumerate(frame):
        is_link = has_links and series.name in look.links
        sheet.write_string(0, column, series.name, header)
        sheet.set_column(column, column, look.widths.get(series.name, _width(series)))
        for row, value in enumerate(series, 1):
            fill = look.fills[row - 1] if look.fills else None
            shape = _format(book, _style(look, series.name, fill, is_link))
            if is_link and str(value or "").startswith("https://"):
                sheet.write_url(row, column, value, shape)
            else:
                _write(sheet, row, column, value, shape)
        if (allowed := look.choices.get(series.name)) and frame.height:
            sheet.data_validation(
                1,
                column,
                frame.height,
                column,
                {
                    "validate": "list",
                    "source": list(allowed),
                    "error_title": "value not allowed",
                    "error_message": "Choose one of: " + ", ".join(allowed),
                },
            )


def _style(look: Look, column: str, fill: str | None, is_link: bool) -> dict[str, Any]:
    style: dict[str, Any] = {"num_format": look.formats[column]} if column in look.formats else {}
    if column in look.wrapped:
        style |= {"text_wrap": True}
    if is_link:
        style |= {"font_color": "#0563C1", "underline": 1}
    if fill:
        style |= {"bg_color": fill}
    return style | {"valign": "top"} if style else style


def _format(book: Any, style: dict[str, Any]) -> Any:
    """The format of this style, made once per workbook; None for a plain cell."""
    made = book.__dict__.setdefault("styles_made", {})
    key = tuple(sorted(style.items()))
    if style and key not in made:
        made[key] = book.add_format(style)
    return made.get(key)


def _write(sheet: Any, row: int, column: int, value: object, shape: Any) -> None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        sheet.write_blank(row, column, None, shape)
    elif isinstance(value, bool):
        sheet.write_string(row, column, "yes" if value else "no", shape)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value, shape)
    elif isinstance(value, date) and shape is not None and shape.num_format != "General":
        sheet.write_datetime(row, column, value, shape)
    else:
        sheet.write_string(row, column, _cut(str(value)), shape)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def _width(series: pl.Series) -> int:
    longest = max(
        (len(str(value)) for value in series.head(SAMPLE) if value is not None), default=0
    )
    return min(max(longest, len(series.name)) + 2, WIDEST)
