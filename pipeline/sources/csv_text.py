"""A CSV file as a table of text: nothing is guessed, and no row is lost."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

import polars as pl

from pipeline.errors import BadInput

Fault = tuple[int, str, str]
LOST = "\ufffd"


def read_text_table(path: Path) -> tuple[pl.DataFrame, list[Fault]]:
    """The file's rows, all columns text, empty cells null; and (row, column, reason) of rows that cannot be read.

    UTF-8, with or without a byte-order mark. Rows that are not UTF-8, or have another number of cells than the
    header, are kept as they came and reported as faults. Rows count as a spreadsheet shows them: the header is row 1.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path.name}: no such file in {path.parent}. It is required; put it there.") from None
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read ({error.strerror}). Check the file and its rights.") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadInput(f"{path.name}: is UTF-16, not UTF-8. Save it again as 'CSV UTF-8'.")
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\x00", b"")
    if not data.strip():
        raise BadInput(f"{path.name}: is empty. Its first row must name the columns.")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
        table, faults = _read_rows(text)
        return table, [*faults, *_lost_characters(table)]
    try:
        table = pl.read_csv(text.encode(), infer_schema=False, raise_if_empty=False, truncate_ragged_lines=False)
    except pl.exceptions.PolarsError:
        return _read_rows(text)
    if any(name.startswith("_duplicated_") for name in table.columns):
        raise BadInput(f"{path.name}: two columns have the same name. Rename or remove one of them.")
    return _clean(table), []


def _read_rows(text: str) -> tuple[pl.DataFrame, list[Fault]]:
    """The careful way, row by row, for a file that has rows of the wrong length."""
    csv.field_size_limit(1 << 30)
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, [])
    rows: list[list[str | None]] = []
    faults: list[Fault] = []
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(header):
            faults.append((len(rows) + 2, header[-1], f"{len(cells)} cells where the header has {len(header)}"))
        rows.append([*cells[: len(header)], *([None] * (len(header) - len(cells)))])
    table = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")
    return _clean(table), faults


def _lost_characters(table: pl.DataFrame) -> list[Fault]:
    faults = []
    numbered = table.with_row_index("n")
    for column in table.columns:
        for row in numbered.filter(pl.col(column).str.contains(LOST, literal=True))["n"]:
            faults.append((row + 2, column, "not UTF-8; save the file as 'CSV UTF-8'"))
    return faults


def _clean(table: pl.DataFrame) -> pl.DataFrame:
    table = table.rename({name: name.strip() for name in table.columns})
    return table.with_columns(pl.when(pl.all().str.len_bytes() > 0).then(pl.all()))
