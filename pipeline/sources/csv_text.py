"""Read a CSV file as a table of text, without guessing types and without losing rows."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import require_regular
from pipeline.sources.reading.header_rows import count_title_lines, separator_of
from pipeline.sources.reading.input_limits import Meter, check_bytes, check_table
from pipeline.sources.reading.regular_csv import read_regular, regular_bytes
from pipeline.sources.reading.text_encoding import decode_utf

Fault = tuple[int, str, str]
ROW = "__row__"
CHUNK = 100_000
# bytes at the start that show the separator and the titles, four for each letter that is looked at
HEAD = 800_000
EMPTY = "{}: is empty. Its first row must name the columns."


def read_text_table(path: Path) -> tuple[pl.DataFrame, list[Fault]]:
    """Return the file's rows as text, and (row, column, reason) of each unreadable row.

    The table has `ROW` and the file's columns; empty cells are null. The file must be UTF-8 or
    UTF-16, with or without a byte-order mark; the cells are separated by `,`, `;`, tabs or `|`.
    Rows that are not UTF-8, contain NUL bytes or stray quotes, or have more or fewer cells than the
    header are kept as read and reported as faults. Rows are numbered as in a spreadsheet, from 1;
    blank lines and titles above the column names count but are left out. Raises `BadInput` if the
    file is missing, empty, not text or too large, or has two columns with the same name.
    """
    return table_of_bytes(path.name, read_bytes(path))


def table_of_bytes(name: str, data: bytes) -> tuple[pl.DataFrame, list[Fault]]:
    """Like `read_text_table`, for the bytes of a file called `name`."""
    regular = regular_bytes(data)
    if regular is not None:
        head = regular[:HEAD].decode(errors="ignore")
        separator = separator_of(head)
        if not count_title_lines(head, separator):
            table = _read_plain(name, regular, separator)
            if table is not None:
                return table, []
    text = decode_utf(name, data)
    return text_table(name, text, separator_of(text))


def text_table(name: str, text: str, separator: str = ",") -> tuple[pl.DataFrame, list[Fault]]:
    """Like `read_text_table`, for text in memory.

    Bytes that could not be decoded must be lone surrogates in `text`. Raises `BadInput` if the
    text is blank.
    """
    if not text.strip():
        raise BadInput(EMPTY.format(name))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    check_table(name, text.count("\n"), 1)
    blank = len(text) - len(text.lstrip("\n"))
    if titles := count_title_lines(text, separator):
        titles += blank
        table, faults = _read(name, text.split("\n", titles)[-1], separator)
        shifted = table.with_columns(pl.col(ROW) + titles)
        return shifted, [(row + titles, column, reason) for row, column, reason in faults]
    return _read(name, text, separator)


def _read(name: str, text: str, separator: str) -> tuple[pl.DataFrame, list[Fault]]:
    try:
        regular = regular_bytes(text.encode())
    except UnicodeEncodeError:
        regular = None
    table = None if regular is None else _read_plain(name, regular, separator)
    return _read_rows(name, text, separator) if table is None else (table, [])


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes. Raises `BadInput` if the file cannot be read, is empty or is too
    large."""
    require_regular(path)
    try:
        check_bytes(path.name, path.stat().st_size)
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(
            f"{path.name}: no such file in {path.parent}. Add the file; it is required."
        ) from None
    except OSError as error:
        raise BadInput(
            f"{path.name}: cannot be read ({error.strerror}). Check the file and its permissions."
        ) from None
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise BadInput(EMPTY.format(path.name))
    return data


def _read_plain(name: str, data: bytes, separator: str) -> pl.DataFrame | None:
    """Read a file with regular quotes and rows fast; None for any other file."""

    def names(cells: list[str], lines: int) -> list[str]:
        header = column_names(name, cells)
        check_table(name, lines, len(header))
        return header

    table = read_regular(data, separator, names)
    return None if table is None else _clean(table.with_row_index(ROW, offset=2))


def _read_rows(name: str, text: str, separator: str) -> tuple[pl.DataFrame, list[Fault]]:
    """Read any file, row by row."""
    records = (
        (row, *record) for row, record in enumerate(_records(text, separator), start=1) if record[0]
    )
    first, cells, reason = next(records)
    if reason:
        raise BadInput(f"{name}: row {first}, the column names: {reason}. Fix that row.")
    header = column_names(name, [_shown(cell) for cell in cells])
    schema = {ROW: pl.Int64(), **dict.fromkeys(header, pl.String())}
    parts, rows, faults = [pl.DataFrame(schema=schema)], [], []
    meter = Meter(name)
    for row, cells, reason in records:
        meter.add_row(len(cells))
        if reason:
            # each quote that is not closed is searched for up to the end of the file
            meter.check_time()
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
    """Yield each row's cells (none for a blank line) and the fault of its quotes, if any.

    After a faulty line, reading continues at the next line.
    """
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
                "a quote is not closed, or is inside a cell; write it twice there",
            )
            start += 1


def _fault(cells: list[str], header: list[str], reason: str) -> tuple[str, str] | None:
    """Return (column, reason) if the row is unreadable, else None."""
    if reason:
        return header[0], reason
    if len(cells) != len(header):
        return header[-1], f"{len(cells)} cells where the header has {len(header)}"
    for column, cell in zip(header, cells, strict=True):
        if _shown(cell) != cell:
            return column, "not UTF-8; save the file as 'CSV UTF-8'"
        if "\x00" in cell:
            return column, "contains a NUL byte; the file is damaged here"
    return None


def _shown(cell: str) -> str:
    """The cell with the replacement character in place of bytes that are not UTF-8."""
    return (
        cell if cell.isascii() else cell.encode(errors="surrogateescape").decode(errors="replace")
    )


def column_names(name: str, cells: list[str]) -> list[str]:
    """Return the column names, stripped; a column without a name is named after its number.

    Spreadsheets often leave unnamed columns at the end. Raises `BadInput` if a name is repeated.
    """
    check_table(name, 1, len(cells))
    names = [cell.strip() or f"(column {number})" for number, cell in enumerate(cells, start=1)]
    repeated = {column for column, count in Counter([*names, ROW]).items() if count > 1}
    if repeated:
        raise BadInput(
            f"{name}: two columns are named {', '.join(sorted(repeated))}. "
            "Rename or remove one of them."
        )
    return names


def _clean(table: pl.DataFrame) -> pl.DataFrame:
    texts = pl.col(pl.String)
    return table.with_columns(
        pl.col(ROW).cast(pl.Int64), pl.when(texts.str.len_bytes() > 0).then(texts)
    )
