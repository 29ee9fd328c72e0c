"""A table in a file as sellers have it: CSV with any of the usual separators and encodings,
workbook, Parquet."""

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
# of the letters that are not ASCII, so many must be everyday Chinese for the text to be GBK and not
# Western Europe's
CHINESE = 0.8


def table_files(folder: Path) -> list[Path]:
    """The files of the folder, and of folders inside, that may hold a table; not hidden ones, nor
    what Excel lays beside an open one."""
    every = (
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDS
        and not path.name.startswith("~$")
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    return sorted(path for path in every if path.is_file())


def read_any_table(
    path: Path,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
) -> tuple[pl.DataFrame, list[Fault]]:
    """`ROW` and the columns, each cell as text, empty ones null; (row, column, reason) of rows that
    are damaged.

    CSV without a named `encoding`: UTF-8 or UTF-16 by their marks, else UTF-8, else GBK (GB 18030)
    where that gives everyday Chinese. Raises `BadInput` where no table is found.
    """
    kind = path.suffix.lower()
    if kind == ".xlsx":
        return read_workbook(path, sheet)
    if kind == ".parquet":
        return _read_parquet(path), []
    text = _decoded(path.name, read_bytes(path), encoding)
    return text_table(path.name, text, separator or _separator(text))


def _decoded(name: str, data: bytes, encoding: str | None) -> str:
    """Bytes that are none of the encoding become lone surrogates: rows that hold one are faults."""
    if encoding:
        try:
            return data.decode(encoding, errors="surrogateescape")
        except (LookupError, UnicodeError) as error:
            raise BadInput(
                f"{name}: cannot be read as {encoding!r} ({error}). Write it like cp1252."
            ) from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError:
        ours = data.decode(errors="surrogateescape")
    theirs = data.decode("gb18030", errors="surrogateescape")
    return theirs if _is_chinese(theirs) and _broken(theirs) < _broken(ours) else ours


def _broken(text: str) -> int:
    return sum(count for letter, count in Counter(text).items() if "\ud800" <= letter <= "\udfff")


def _is_chinese(text: str) -> bool:
    letters = Counter(letter for letter in text if not letter.isascii())
    everyday = sum(
        count for letter, count in letters.items() if letter.encode("gb2312", errors="ignore")
    )
    return everyday >= CHINESE * letters.total() > 0


def _separator(text: str) -> str:
    """What stands most often in the first line, outside quotes."""
    line = text.lstrip("\r\n").partition("\n")[0]
    bare = "".join(line.split('"')[::2])
    return max(SEPARATORS, key=bare.count)


def _read_parquet(path: Path) -> pl.DataFrame:
    # pyarrow, because a damaged file is an error to it that can be caught
    import pyarrow.parquet as pq

    try:
        found = pl.from_arrow(pq.read_table(path))
    except Exception as error:
        raise BadInput(f"{path.name}: cannot be read as Parquet ({str(error)[:200]}).") from None
    assert isinstance(found, pl.DataFrame)
    if ROW in found.columns:
        raise BadInput(f"{path.name}: a column is named {ROW}. Rename it.")
    texts = [
        as_text(pl.col(name), kind).alias(name)
        for name, kind in found.schema.items()
        if not kind.is_nested()
    ]
    table = found.select(texts).with_row_index(ROW, offset=2).cast({ROW: pl.Int64})
    filled = pl.col(pl.String)
    return table.with_columns(pl.when(filled.str.len_bytes() > 0).then(filled))


def as_text(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """The values as a file of text would have them: instants in UTC, whole numbers without a
    point."""
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
