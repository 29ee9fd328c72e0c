"""Read a table from a CSV file with any common separator and encoding, a workbook or Parquet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import regular_files
from pipeline.sources.csv_text import ROW, Fault, read_bytes, text_table
from pipeline.sources.reading.header_rows import separator_of
from pipeline.sources.reading.input_limits import UNPACKED, check_bytes, check_table
from pipeline.sources.reading.rounded_ids import LARGEST_EXACT
from pipeline.sources.reading.text_encoding import decode_any
from pipeline.sources.workbook import read_workbook

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
        return _read_parquet(path), []
    text = decode_any(path.name, read_bytes(path), encoding)
    return text_table(path.name, text, separator or separator_of(text))


def _read_parquet(path: Path) -> pl.DataFrame:
    # pyarrow raises an error for a damaged file that can be caught
    import pyarrow.parquet as pq

    try:
        check_bytes(path.name, path.stat().st_size)
        about = pq.read_metadata(path)
        check_table(path.name, about.num_rows, about.num_columns)
        unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        check_bytes(f"{path.name}, unpacked,", unpacked, UNPACKED)
        stored = pl.from_arrow(pq.read_table(path))
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(f"{path.name}: cannot be read as Parquet ({str(error)[:200]}).") from None
    assert isinstance(stored, pl.DataFrame)
    if ROW in stored.columns:
        raise BadInput(f"{path.name}: a column is named {ROW}. Rename it.")
    texts = [
        as_text(pl.col(name), kind).alias(name)
        for name, kind in stored.schema.items()
        if not kind.is_nested()
    ]
    table = stored.select(texts).with_row_index(ROW, offset=2).cast({ROW: pl.Int64})
    filled = pl.col(pl.String)
    return table.with_columns(pl.when(filled.str.len_bytes() > 0).then(filled))


def as_text(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """The values as text: instants in UTC, whole numbers without a decimal point.

    Numbers too large to be exact are written like 8.1e15, which no check of ids accepts.
    """
    if isinstance(kind, pl.Datetime):
        if kind.time_zone:
            return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
        return column.dt.strftime("%Y-%m-%d %H:%M:%S%.f")
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
