"""Read a table from a CSV file with any common separator and encoding, a workbook or Parquet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import regular_files
from pipeline.sources.csv_text import ROW, Fault, read_bytes, text_table
from pipeline.sources.reading.header_rows import separator_of
from pipeline.sources.reading.parquet_file import parquet_frame
from pipeline.sources.reading.rounded_ids import LARGEST_EXACT
from pipeline.sources.reading.text_encoding import decode_any
from pipeline.sources.workbook import read_workbook

# days since 1970 of the years 2 and 9998: polars ends the process at times far beyond
_FIRST_DAY, _LAST_DAY = -718_797, 2_932_531
_TICKS_PER_DAY = {"d": 1, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
NO_TEXT = "a value that cannot be written as text, such as bytes that are not UTF-8"
NUL = "contains a NUL byte; the file is damaged here"
ENDS = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")


def table_files(folder: Path) -> list[Path]:
    """The files that may hold a table, in the folder and its subfolders.

    Hidden files, and the lock files that Excel writes next to an open workbook, are left out.
    """
    candidates = (
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDS
        and not path.name.startswith("~$")
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    return sorted(regular_files(candidates))


def read_any_table(
    path: Path,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
    is_right: Callable[[list[str]], bool] | None = None,
) -> tuple[pl.DataFrame, list[Fault]]:
    """Return the table as text, and (row, column, reason) of each damaged row.

    The table has `ROW` and the file's columns; empty cells are null. Without a named `encoding`, a
    CSV file is read as UTF-16 or UTF-8, or as GBK (GB 18030) if that gives common Chinese. Rows of
    titles above the column names are left out. `sheet` and `is_right` choose the sheet of a
    workbook, see `read_workbook`. Raises `BadInput` if the file has no table or is too large.
    """
    kind = path.suffix.lower()
    if kind == ".xlsx":
        return read_workbook(path, sheet, is_right=is_right)
    if kind == ".parquet":
        return _read_parquet(path)
    text = decode_any(path.name, read_bytes(path), encoding)
    return text_table(path.name, text, separator or separator_of(text))


def _read_parquet(path: Path) -> tuple[pl.DataFrame, list[Fault]]:
    stored = parquet_frame(path)
    if ROW in stored.columns:
        raise BadInput(f"{path.name}: a column is named {ROW}. Rename it.")
    texts = stored.select(as_text(pl.col(name), kind) for name, kind in stored.schema.items())
    rows = pl.Series(ROW, range(2, stored.height + 2), dtype=pl.Int64)
    faults = [
        (row, name, reason)
        for name in stored.columns
        for is_faulty, reason in (
            (stored[name].is_not_null() & texts[name].is_null(), NO_TEXT),
            (texts[name].str.contains("\x00", literal=True).fill_null(False), NUL),
        )
        for row in rows.filter(is_faulty)
    ]
    filled = pl.col(pl.String)
    table = texts.insert_column(0, rows)
    return table.with_columns(pl.when(filled.str.len_bytes() > 0).then(filled)), sorted(faults)


def as_text(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """The values as text: instants in UTC, whole numbers without a decimal point.

    Numbers too large to be exact are written like 8.1e15, which no check of ids accepts. What has
    no text becomes null: bytes that are not UTF-8, and times beyond the years 2 to 9998.
    """
    if isinstance(kind, pl.Duration):
        # not a number: its unit would be lost
        return pl.format("PT{}S", column.dt.total_microseconds() / 1e6)
    if isinstance(kind, pl.Date | pl.Datetime):
        ticks = _TICKS_PER_DAY[getattr(kind, "time_unit", "d")]
        in_range = column.to_physical().is_between(_FIRST_DAY * ticks, _LAST_DAY * ticks)
        column = pl.when(in_range).then(column)
    if isinstance(kind, pl.Datetime):
        if kind.time_zone:
            return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
        return column.dt.strftime("%Y-%m-%d %H:%M:%S%.f")
    if isinstance(kind, pl.Binary):
        return column.map_batches(_decoded, return_dtype=pl.String)
    if kind.is_float():
        whole = column.cast(pl.Int64, strict=False)
        is_inexact = column.is_finite() & (column.abs() > LARGEST_EXACT)
        return (
            pl.when(is_inexact)
            .then((column / 1e15).cast(pl.String) + "e15")
            .when(whole.cast(pl.Float64) == column)
            .then(whole.cast(pl.String))
            .otherwise(column.cast(pl.String))
        )
    return column.cast(pl.String, strict=False)


def _decoded(values: pl.Series) -> pl.Series:
    """Bytes as text; null where they are not UTF-8."""
    try:
        return values.cast(pl.String)
    except pl.exceptions.PolarsError:
        return pl.Series(values.name, [_utf_8(value) for value in values], dtype=pl.String)


def _utf_8(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None
