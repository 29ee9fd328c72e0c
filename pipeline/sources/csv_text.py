"""A CSV file as a table of text: nothing is guessed, and no row is lost."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput

Fault = tuple[int, str, str]
ROW = "__row__"
CHUNK = 100_000
EMPTY = "{}: is empty. Its first row must name the columns."


def read_text_table(path: Path) -> tuple[pl.DataFrame, list[Fault]]:
    """The file's rows: `ROW` and its columns as text, empty cells null; and (row, column, reason)
    of unreadable rows.

    UTF-8, with or without a byte-order mark. Rows that are not UTF-8, hold NUL bytes or stray
    quotes, or have another number of cells than the header, are kept as they came and reported as
    faults. Rows count as a spreadsheet shows them: the first is row 1; a blank line counts, but is
    left out.
    """
    data = read_bytes(path)
    data = data.removeprefix(codecs.BOM_UTF8)
    if (
        data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        or b"\x00" in data.lstrip().partition(b"\n")[0]
    ):
        raise BadInput(
            f"{path.name}: is UTF-16 or no text at all, not UTF-8. Save it again as 'CSV UTF-8'."
        )
    return text_table(path.name, data.decode(errors="surrogateescape"))


def text_table(name: str, text: str, separator: str = ",") -> tuple[pl.DataFrame, list[Fault]]:
    """The same of a text; bytes that could not be read are lone surrogates in it. Raises
    `BadInput`: it is blank."""
    if not text.strip():
        raise BadInput(EMPTY.format(name))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    table = None if separator != "," or _is_special(text) else _read_plain(name, text)
    return _read_rows(name, text, separator) if table is None else (table, [])


def read_bytes(path: Path) -> bytes:
    """The file's bytes; raises `BadInput` where it cannot be read or holds nothing."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(
            f"{path.name}: no such file in {path.parent}. It is required; put it there."
        ) from None
    except OSError as error:
        raise BadInput(
            f"{path.name}: cannot be read ({error.strerror}). Check the file and its rights."
        ) from None
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise BadInput(EMPTY.format(path.name))
    return data


def _is_special(text: str) -> bool:
    """Whether polars might read it otherwise than we say."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return '"' in text or "\x00" in text or text.startswith("\n")


def _read_plain(name: str, text: str) -> pl.DataFrame | None:
    """The fast way, for a file without quotes; None if some row has not as many cells as the
    header."""
    header = column_names(name, text.partition("\n")[0].split(","))
    try:
        table = pl.read_csv(text.encode(), infer_schema=False, raise_if_empty=False)
    except pl.exceptions.PolarsError:
        return None
    # short rows come filled up, so the commas are counted; with one column, blank lines come as
    # nulls
    is_whole = text.count(",") == (table.height + 1) * (len(header) - 1)
    if (
        table.width != len(header)
        or not is_whole
        or (len(header) == 1 and table.to_series().has_nulls())
    ):
        return None
    table.columns = header
    return _clean(table.with_row_index(ROW, offset=2))


def _read_rows(name: str, text: str, separator: str) -> tuple[pl.DataFrame, list[Fault]]:
    """The careful way, row by row."""
    records = (
        (row, *record) for row, record in enumerate(_records(text, separator), start=1) if record[0]
    )
    first, cells, reason = next(records)
    if reason:
        raise BadInput(f"{name}: row {first}, the column names: {reason}. Mend that row.")
    header = column_names(name, [_shown(cell) for cell in cells])
    schema = {ROW: pl.Int64(), **dict.fromkeys(header, pl.String())}
    parts, rows, faults = [pl.DataFrame(schema=schema)], [], []
    for row, cells, reason in records:
        if fault := _fault(cells, header, reason):
            faults.append((row, *fault))
            surplus = separator.join(cells[len(header) - 1 :])
            cells = [*cells[: len(header) - 1], surplus] if len(cells) > len(header) else cells
            cells = [_shown(cell) for cell in cells] + [""] * (len(header) - len(cells))
        rows.append([row, *cells])
        if len(rows) == CHUNK:
            parts.append(pl.DataFrame(rows, schema=schema, orient="row"))
            rows = []
    parts.append(pl.DataFrame(rows, schema=schema, orient="row"))
    return _clean(pl.concat(parts)), faults


def _records(text: str, separator: str) -> Iterator[tuple[list[str], str]]:
    """Each row's cells, none for a blank line, and what is wrong with its quotes; then the next
    line is read on."""
    csv.field_size_limit(1 << 30)
    lines = io.StringIO(text, newline="\n").readlines()
    start = 0
    while start < len(lines):
        reader = csv.reader(
            map(lines.__getitem__, range(start, len(lines))), delimiter=separator, strict=True
        )
        read = 0
        try:
            for cells in reader:
                yield cells, ""
                read = reader.line_num
            return
        except csv.Error:
            start += read
            yield (
                lines[start].rstrip("\n").split(separator),
                "a quote is not closed, or stands inside a cell; double it there",
            )
            start += 1


def _fault(cells: list[str], header: list[str], reason: str) -> tuple[str, str] | None:
    """What makes a row unreadable, if anything: (column, reason)."""
    if reason:
        return header[0], reason
    if len(cells) != len(header):
        return header[-1], f"{len(cells)} cells where the header has {len(header)}"
    for column, cell in zip(header, cells, strict=True):
        if _shown(cell) != cell:
            return column, "not UTF-8; save the file as 'CSV UTF-8'"
        if "\x00" in cell:
            return column, "holds a NUL byte; the file is damaged here"
    return None


def _shown(cell: str) -> str:
    """Bytes that are not UTF-8 as the replacement character."""
    return (
        cell if cell.isascii() else cell.encode(errors="surrogateescape").decode(errors="replace")
    )


def column_names(name: str, cells: list[str]) -> list[str]:
    """Stripped; a column without a name, as spreadsheets leave at the end, gets its number."""
    names = [cell.strip() or f"(column {number})" for number, cell in enumerate(cells, start=1)]
    repeated = {column for column in (*names, ROW) if [*names, ROW].count(column) > 1}
    if repeated:
        raise BadInput(
            f"{name}: two columns are named {', '.join(sorted(repeated))}. Rename or remove one of them."
        )
    return names


def _clean(table: pl.DataFrame) -> pl.DataFrame:
    texts = pl.col(pl.String)
    return table.with_columns(
        pl.col(ROW).cast(pl.Int64), pl.when(texts.str.len_bytes() > 0).then(texts)
    )
