"""What the columns of an unknown table look like: times and how they are written, numbers, ids, how
full they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipeline.sources.csv_text import ROW
from pipeline.sources.mapped.cells import moment, number
from pipeline.sources.mapped.mapping import Cell
from pipeline.sources.sheets import read_any_table

# rows that are looked at: enough for shares, little enough for a large export
LOOKED_AT = 20_000
_DATES = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%d %b %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y%m%d",
    "%Y年%m月%d日",
)
_CLOCKS = (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", ", %H:%M", ", %I:%M %p", "")
FITS = 0.98
PROBE = 20
_LIKE_A_DATE = r"\d[-/.年 ]|[A-Za-z]{3,9} \d|^\d{8}"


@dataclass(frozen=True)
class Profile:
    """`format`: None: ISO, as it is read without being told; `rivals`: other formats that fit as
    well."""

    name: str
    words: str
    filled: float
    distinct: float
    is_time: bool = False
    format: str | None = None
    rivals: tuple[str, ...] = ()
    has_offset: bool = False
    is_number: bool = False
    is_day_only: bool = False


@dataclass
class Sheet:
    """A table and the profiles of its columns by name."""

    file: str
    rows: pl.DataFrame
    columns: dict[str, Profile] = field(default_factory=dict)

    def values(self, column: str) -> pl.Series:
        return self.rows[column].str.strip_chars().drop_nulls()


def look_at(folder: Path, path: Path) -> Sheet:
    table, faults = read_any_table(path)
    damaged = [row for row, _, _ in faults]
    rows = table.filter(~pl.col(ROW).is_in(damaged)).head(LOOKED_AT)
    sheet = Sheet(path.relative_to(folder).as_posix(), rows)
    for name in rows.columns[1:]:
        sheet.columns[name] = _profile(name, sheet.values(name), rows.height)
    return sheet


def plain(name: str) -> str:
    """`orderID`, `Order-Id` and `order_id` are the same words."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[\W_]+", " ", apart).lower().split())


def _profile(name: str, values: pl.Series, height: int) -> Profile:
    told = values.filter(values != "")
    filled, distinct = told.len() / max(height, 1), told.n_unique() / max(told.len(), 1)
    if told.is_empty():
        return Profile(name, plain(name), 0.0, 0.0)
    some = told.unique(maintain_order=True).head(2000)
    found = _formats(some)
    if found is not None:
        first = found[0] if found else None
        has_offset = (
            bool(some.str.contains(r"([+-]\d\d:?\d\d|Z|UTC|GMT)$").mean() or 0.0) and first is None
        )
        is_day = not some.str.contains(r"\d:\d\d").any()
        return Profile(
            name,
            plain(name),
            filled,
            distinct,
            True,
            first,
            tuple(found[1:]),
            has_offset,
            False,
            is_day,
        )
    return Profile(
        name, plain(name), filled, distinct, is_number=_share(some, _numbers(some)) >= FITS
    )


def _numbers(some: pl.Series) -> pl.Series:
    cell = Cell(column=("x",))
    either = [number(cell, sign) for sign in (".", ",")]
    return (
        some.alias("x")
        .to_frame()
        .select(pl.coalesce(each.fill_nan(None) for each in either))
        .to_series()
    )


def _share(some: pl.Series, parsed: pl.Series) -> float:
    return 1.0 - parsed.null_count() / max(some.len(), 1)


def _moments(some: pl.Series, cell: Cell) -> pl.Series:
    return some.alias("x").to_frame().select(moment(cell, "UTC")).to_series()


def _formats(some: pl.Series) -> list[str] | None:
    """The formats that fit nearly all, none for ISO; None: these are no times."""
    if some.str.contains(r"^\d{10}$|^\d{13}$").all():
        return ["epoch"]
    if _share(some, _moments(some, Cell(column=("x",)))) >= FITS:
        return []
    if (
        not some.head(20).str.contains(r"\d").all()
        or some.str.contains(r"^-?\d+([.,]\d+)?$").mean() == 1.0
    ):
        return None
    found, probe = [], some.head(PROBE)
    if not probe.str.contains(_LIKE_A_DATE).all():
        return None
    for day in _DATES:
        for clock in _CLOCKS:
            cell = Cell(column=("x",), format=(day + clock,))
            if all(_share(each, _moments(each, cell)) >= FITS for each in (probe, some)):
                found.append(day + clock)
                break
    return found or None
