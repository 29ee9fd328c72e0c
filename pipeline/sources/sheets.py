"""Read a table from a CSV file with any common separator and encoding, a workbook or Parquet."""

from __future__ import annotations

import codecs
from collections import Counter
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.csv_text import ROW, Fault, read_bytes, text_table
from pipeline.sources.workbook import read_workbook

ENDS = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
SEPARATORS = ",;\t|"
# the least share of common Chinese characters among the non-ASCII ones for a text to be GBK, not a
# Western European encoding
CHINESE = 0.8


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
    return sorted(path for path in candidates if path.is_file())


def read_any_table(
    path: Path,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
) -> tuple[pl.DataFrame, list[Fault]]:
    """Return the table as text, and (row, column, reason) of each damaged row.

    The table has `ROW` and the file's columns; empty cells are null. Without a named `encoding`, a
    CSV file is read as UTF-8 or UTF-16 by its byte-order mark, else as UTF-8, else as GBK (GB
    18030) if that gives common Chinese. Raises `BadInput` if the file has no table.
    """
    kind = path.suffix.lower()
    if kind == ".xlsx":
        return read_workbook(path, sheet)
    if kind == ".parquet":
        return _read_parquet(path), []
    text = _decoded(path.name, read_bytes(path), encoding)
    return text_table(path.name, text, separator or _separator(text))


def _decoded(name: str, data: bytes, encoding: str | None) -> str:
    """Decode the file; bytes that cannot be decoded become lone surrogates, which are faults."""
    if encoding:
        try:
            return data.decode(encoding, errors="surrogateescape")
        except (LookupError, UnicodeError) as error:
            raise BadInput(
                f"{name}: cannot be read as {encoding!r} ({error}). Use a name like cp1252."
            ) from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError:
        as_utf8 = data.decode(errors="surrogateescape")
    as_gbk = data.decode("gb18030", errors="surrogateescape")
    is_gbk = _is_chinese(as_gbk) and _count_undecoded(as_gbk) < _count_undecoded(as_utf8)
    return as_gbk if is_gbk else as_utf8


def _count_undecoded(text: str) -> int:
    return sum(count for letter, count in Counter(text).items() if "\ud800" <= letter <= "\udfff")


def _is_chinese(text: str) -> bool:
    letters = Counter(letter for letter in text if not letter.isascii())
    common = sum(
        count for letter, count in letters.items() if letter.encode("gb2312", errors="ignore")
    )
    return common >= CHINESE * letters.total() > 0


def _separator(text: str) -> str:
    """The separator that occurs most often in the first line, outside quotes."""
    line = text.lstrip("\r\n").partition("\n")[0]
    bare = "".join(line.split('"')[::2])
    return max(SEPARATORS, key=bare.count)


def _read_parquet(path: Path) -> pl.DataFrame:
    # pyarrow raises an error for a damaged file that can be caught
    import pyarrow.parquet as pq

    try:
        stored = pl.from_arrow(pq.read_table(path))
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
    """The values as text: instants in UTC, whole numbers without a decimal point."""
    if isinstance(kind, pl.Datetime):
        if kind.time_zone:
            return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
        return column.dt.strftime("%Y-%m-%d %H:%M:%S%.f")
    if kind.is_float():
        whole = column.cast(pl.Int64, strict=False)
        return (
            pl.when(whole.cast(pl.Float64) == column)
            .then(whole.cast(pl.String))
            .otherwise(column.cast(pl.String))
        )
    return column.cast(pl.String, strict=False)
