"""Find the row with the column names: exports and spreadsheets may put a title above it."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from itertools import islice

# rows to look at
SAMPLE = 20
SEPARATORS = ",;\t|"
# cells that a row of values has, but no row of column names
_VALUE = re.compile(r"^[\d\s.,:/+-]*$")
_DIGIT = re.compile(r"\d")


def header_position(rows: Sequence[Sequence[str]]) -> int:
    """The position of the column names in the first rows of a table, blank rows left out.

    Rows above them are titles: one filled cell, or two in a table of four columns or more. The
    names are different texts, not numbers or dates; most rows below have as many cells, and one
    has a number or date in it. Otherwise the names are in the first row.
    """
    filled = [sum(1 for cell in row if cell.strip()) for row in rows]
    widest = max(filled, default=0)
    for position, count in enumerate(filled):
        if 2 * count > widest:
            # a last row alone may be values below a short row of names
            is_alone = position == len(rows) - 1 and len(rows[0]) == len(rows[-1])
            return position if _is_header(rows[position:]) and not is_alone else 0
        if count > 2 or (count == 2 and len(rows[position]) < widest):
            return 0
    return 0


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    names = [cell.strip().lower() for cell in rows[0] if cell.strip()]
    if len(names) < 2 or len(set(names)) < len(names) or any(map(_VALUE.match, names)):
        return False
    below = rows[1:]
    # text with separators in it has rows of all lengths
    odd = [row for row in below if len(row) != len(rows[0])]
    has_values = any(_DIGIT.search(cell) for row in below for cell in row)
    return 2 * len(odd) <= len(below) and (has_values or not below)


def looks_like_table(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first rows are column names, at least two, and at least one row of values."""
    below = rows[header_position(rows) :]
    if len(below) < 2 or not _is_header(below[:1]):
        return False
    count_names, *counts = [sum(1 for cell in row if cell.strip()) for row in below]
    return max(counts) * 2 >= count_names


def count_title_lines(text: str, separator: str) -> int:
    """The number of lines above the column names of a CSV text, 0 if the names come first."""
    lines, rows = [], []
    for number, line in enumerate(islice(_lines(text), 2 * SAMPLE)):
        if line.count('"') % 2:
            break
        if line.strip():
            lines.append(number)
            rows.append(next(csv.reader([line], delimiter=separator), []))
    position = header_position(rows[:SAMPLE])
    return lines[position] if position else 0


def separator_of(text: str) -> str:
    """The separator that occurs most often in the line with the column names, outside quotes.

    That is the first line, unless it has at most two cells and a line below has more.
    """
    lines = ["".join(line.split('"')[::2]) for line in islice(_lines(text), SAMPLE) if line.strip()]
    if not lines:
        return SEPARATORS[0]
    first, *others = [max(SEPARATORS, key=line.count) for line in lines]
    count = lines[0].count(first)
    if count > 1 or not others:
        return first
    counts = {separator: [line.count(separator) for line in lines[1:]] for separator in SEPARATORS}
    # the separator of a table occurs equally often in its lines
    best = max(SEPARATORS, key=lambda separator: _regular(counts[separator]))
    count_lines, count_below = _regular(counts[best])
    is_title = count_below > count or (count_lines > 1 and not any(counts[first]))
    return best if is_title else first


def _regular(counts: Sequence[int]) -> tuple[int, int]:
    """(number of lines, count in each) of the count above 0 that most lines have."""
    present = [count for count in counts if count]
    if not present:
        return 0, 0
    usual = max(set(present), key=lambda count: (present.count(count), count))
    return present.count(usual), usual


def _lines(text: str) -> list[str]:
    """The first lines; a file may have one line of any length."""
    return re.split(r"\r\n|\n|\r", text[:200_000].lstrip("\r\n"), maxsplit=2 * SAMPLE)
