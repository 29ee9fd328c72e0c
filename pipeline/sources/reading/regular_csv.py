"""Read a CSV file whose quotes are all regular with the parallel reader of polars.

That reader takes a stray quote, a short row or a blank line in its own way, without saying so. So
the bytes are checked first: whole columns of bytes at once, never row by row.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

QUOTE, NEWLINE = ord('"'), ord("\n")
# bytes that are checked at once: what the check needs in memory is about six times this
BLOCK = 8 << 20


@dataclass(frozen=True)
class _Counts:
    """Outside quotes: the separators, and the lines with the header."""

    separators: int
    lines: int


def regular_bytes(data: bytes) -> bytes | None:
    """The bytes with `\\n` at the end of lines and no byte-order mark.

    None unless they are UTF-8 without NUL bytes, and start with a line that is not blank.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    if data.startswith(b"\n") or b"\x00" in data or b"\r" in data or not _is_utf8(data):
        return None
    return data


def read_regular(
    data: bytes, separator: str, names: Callable[[list[str], int], list[str]]
) -> pl.DataFrame | None:
    """The rows below the column names, as text; an empty cell may be null or "".

    `data`: as `regular_bytes` returns it. `names`: from the cells of the header and the number of
    lines to the names of the columns. None if a quote is irregular, a line is blank, or a row has
    another number of cells than the header: then the rows must be read one by one.
    """
    counts = _count(data, ord(separator))
    first = data.partition(b"\n")[0].decode()
    if counts is None or first.count('"') % 2:
        return None
    header = names(next(csv.reader([first], delimiter=separator), []), counts.lines - 1)
    try:
        table = pl.read_csv(
            data,
            separator=separator,
            quote_char='"' if b'"' in data else None,
            infer_schema=False,
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:
        return None
    # short rows and blank lines become nulls
    is_whole = (
        table.width == len(header)
        and table.height + 1 == counts.lines
        and counts.separators == counts.lines * (len(header) - 1)
        and not (len(header) == 1 and table.to_series().has_nulls())
    )
    if not is_whole:
        return None
    table.columns = header
    return table


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    # piece by piece, because the text takes up to four times the memory of its bytes
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), BLOCK):
            decoder.decode(data[start : start + BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _count(data: bytes, separator: int) -> _Counts | None:
    """What lies outside quotes; None if a quote is irregular.

    A quote is regular if it opens a cell, closes one, or is one of two within a cell.
    """
    separators = newlines = 0
    if b'"' not in data:
        separators, newlines = data.count(bytes([separator])), data.count(b"\n")
    else:
        for block, is_inside, is_regular in _blocks(data, separator):
            if not is_regular:
                return None
            separators += int(np.count_nonzero((block == separator) & ~is_inside))
            newlines += int(np.count_nonzero((block == NEWLINE) & ~is_inside))
    return _Counts(separators, newlines + (not data.endswith(b"\n")))


def _blocks(data: bytes, separator: int) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """By block of bytes: the bytes, whether each is inside quotes, and whether the quotes so far
    are regular. At the end of the data, all quotes must be closed."""
    all_bytes = np.frombuffer(data, np.uint8)
    last, is_open = NEWLINE, False
    for start in range(0, len(all_bytes), BLOCK):
        block = all_bytes[start : start + BLOCK]
        after = all_bytes[start + BLOCK] if start + BLOCK < len(all_bytes) else NEWLINE
        is_quote = block == QUOTE
        # sums of bytes overflow, which keeps what is odd
        is_inside = (np.cumsum(is_quote, dtype=np.uint8) & 1).astype(bool) ^ is_open
        at = np.flatnonzero(is_quote)
        opens = is_inside[at]
        before = np.where(at > 0, block[at - 1], last)
        behind = np.where(at + 1 < len(block), block[(at + 1) % len(block)], after)
        # towards the outside, a quote has an edge of its cell, or the other one of its pair
        outer = np.where(opens, before, behind)
        is_edge = (outer == separator) | (outer == NEWLINE) | (outer == QUOTE)
        last, is_open = int(block[-1]), bool(is_inside[-1])
        is_end = start + BLOCK >= len(all_bytes)
        yield block, is_inside, bool(is_edge.all()) and not (is_end and is_open)
