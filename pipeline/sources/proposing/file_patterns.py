"""Files with the same columns, and patterns of file names that also fit tomorrow's export."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from glob import escape
from pathlib import PurePosixPath

import polars as pl

from pipeline.sources.mapped.column_profile import Sheet, profile_tables

_NUMBERS = re.compile(r"\d+(?:[-_.]\d+)*")
_COPY = re.compile(r"\s*\(\d+\)$")
# a table of fewer columns is no sign that two files are of the same kind
FEWEST_COLUMNS = 3


def grouped_sheets(tables: Mapping[str, pl.DataFrame]) -> list[Sheet]:
    """One sheet for the files with the same columns. `tables`: by file name, its rows."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, table in tables.items():
        own = tuple(sorted(table.columns)) if table.width > FEWEST_COLUMNS else (name,)
        groups.setdefault(own, []).append(name)
    sheets = []
    for names in groups.values():
        sheet = profile_tables([(name, tables[name]) for name in names])
        others = [name for name in tables if name not in names]
        sheet.patterns = patterns_of(names, others)
        sheets.append(sheet)
    return sorted(sheets, key=lambda sheet: sheet.file)


def patterns_of(names: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Patterns that fit all `names` and none of `others`: `orders_1.csv` -> `orders_*.csv`."""
    chosen: list[str] = []
    for name in names:
        if any(fnmatchcase(name, pattern) for pattern in chosen):
            continue
        pattern = _pattern(name)
        is_wide = len(re.sub(r"[\W\d_]", "", PurePosixPath(pattern).stem)) < 3
        if is_wide or any(fnmatchcase(other, pattern) for other in others):
            pattern = escape(name)
        chosen.append(pattern)
    return tuple(chosen)


def _pattern(name: str) -> str:
    """The name with `*` for numbers, dates and the number of a copy."""
    path = PurePosixPath(name)
    stem = _COPY.sub("", path.stem)
    parts = [escape(part) for part in _NUMBERS.split(stem)]
    pattern = "*".join(parts)
    if not pattern.endswith("*"):
        pattern += "*"
    folder = "" if path.parent == PurePosixPath(".") else f"{escape(str(path.parent))}/"
    return f"{folder}{pattern}{path.suffix}"
