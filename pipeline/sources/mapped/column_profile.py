"""Profile the columns of an unknown table: whether they hold times (and in which format) or
numbers, and how many cells are filled and distinct."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from pipeline.sources.csv_text import ROW
from pipeline.sources.mapped.cells import moment, number
from pipeline.sources.mapped.mapping_cells import Cell
from pipeline.sources.sheets import read_any_table

# rows to profile: enough for reliable shares, few enough for a large export
MOST_ROWS = 20_000
_DATES = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b-%d-%y",
    "%b-%d-%Y",
    "%Y/%m/%d",
    "%d %b %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y%m%d",
    "%Y年%m月%d日",
)
_CLOCKS = (
    " %H:%M:%S %z",
    " %H:%M:%S",
    " %H:%M",
    " %I:%M:%S %p",
    " %I:%M %p",
    ", %H:%M",
    ", %I:%M %p",
    "",
)
_NAMED_TIME = re.compile(r"date|time|created|\b(?:at|on|by)$|时间|日期")
_NAMED_ID = re.compile(
    r"\b(id|ids|no|nr|number|code|ref|reference|phone|tel|sku|ean|gtin|upc|isbn|zip|order|invoice)$"
)
FITS = 0.98
PROBE = 20
_LIKE_A_DATE = r"\d[-/.年 ]|[A-Za-z]{3,9} \d|^\d{8}"


@dataclass(frozen=True)
class Profile:
    """What a column looks like.

    `words`: the words of its name. `filled`: share of non-empty cells. `distinct`: share of
    distinct values among them. `format`: the format of its times; None means ISO, which needs no
    format. `rivals`: other formats that fit as well.
    """

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
    """A table, and the profiles of its columns by name.

    `rows`: enough of it for reliable shares. `whole`: all rows. `names`: the files that have it, if
    several have the same columns. `patterns`: what also fits the names of later files.
    """

    file: str
    rows: pl.DataFrame
    columns: dict[str, Profile] = field(default_factory=dict)
    whole: pl.DataFrame = field(default_factory=pl.DataFrame)
    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def values(self, column: str) -> pl.Series:
        """The cells of a column without surrounding spaces and nulls."""
        return self.rows[column].str.strip_chars().drop_nulls()

    def all_values(self, column: str) -> pl.Series:
        """The filled cells of a column in all rows, without surrounding spaces."""
        values = self.whole[column].str.strip_chars().drop_nulls()
        return values.filter(values != "")


def profile_sheet(folder: Path, path: Path) -> Sheet:
    """Read a file in `folder` and profile its columns. Raises `BadInput` if the file cannot be
    read."""
    return profile_tables([(path.relative_to(folder).as_posix(), sound_rows(path))])


def sound_rows(path: Path) -> pl.DataFrame:
    """The rows of a file without the damaged ones. Raises `BadInput` if it cannot be read."""
    table, faults = read_any_table(path)
    return table.filter(~pl.col(ROW).is_in([row for row, _, _ in faults]))


def profile_tables(tables: Sequence[tuple[str, pl.DataFrame]]) -> Sheet:
    """The sheet of one or several files with the same columns, by the names of the files."""
    columns = tables[0][1].columns
    each = max(1, MOST_ROWS // len(tables))
    rows = pl.concat([table.select(columns).head(each) for _, table in tables])
    whole = pl.concat([table.select(columns) for _, table in tables])
    names = tuple(name for name, _ in tables)
    sheet = Sheet(names[0], rows, whole=whole, names=names, patterns=names)
    for name in columns[1:]:
        sheet.columns[name] = profile_column(name, sheet.values(name), rows.height)
    return sheet


def plain(name: str) -> str:
    """`orderID`, `Order-Id` and `order_id` are the same words."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[\W_]+", " ", apart).lower().split())


def profile_column(name: str, values: pl.Series, height: int) -> Profile:
    """The profile of a column with these `values` in a table of `height` rows."""
    filled_cells = values.filter(values != "")
    if filled_cells.is_empty():
        return Profile(name, plain(name), 0.0, 0.0)
    filled = filled_cells.len() / max(height, 1)
    distinct = filled_cells.n_unique() / filled_cells.len()
    sample = filled_cells.unique(maintain_order=True).head(2000)
    is_serial = sample.str.contains(r"^\d{5}(?:[.,]\d+)?$").all()
    is_named_id = _NAMED_ID.search(plain(name)) and sample.str.contains(r"^\d+$").all()
    # a number of days looks like any other number, and a long number like seconds since 1970
    may_be_time = not is_named_id and (_NAMED_TIME.search(plain(name)) or not is_serial)
    formats = _formats(sample) if may_be_time else None
    if formats is None:
        has_digits = sample.str.contains(r"\d").any()
        is_number = has_digits and _enough(sample, _numbers(sample))
        return Profile(name, plain(name), filled, distinct, is_number=is_number)
    is_offset = sample.str.contains(r"([+-]\d\d:?\d\d|Z|UTC|GMT)$")
    return Profile(
        name,
        plain(name),
        filled,
        distinct,
        is_time=True,
        format=formats[0] if formats else None,
        rivals=tuple(formats[1:]),
        has_offset=not formats and bool(is_offset.any()),
        is_day_only=not sample.str.contains(r"\d:\d\d").any(),
    )


def _numbers(sample: pl.Series) -> pl.Series:
    """The values as numbers, with either decimal sign."""
    cell = Cell(column=("x",))
    amounts = [number(cell, sign).fill_nan(None) for sign in (".", ",")]
    return sample.alias("x").to_frame().select(pl.coalesce(amounts)).to_series()


def _moments(sample: pl.Series, cell: Cell) -> pl.Series:
    return sample.alias("x").to_frame().select(moment(cell, "UTC")).to_series()


def _is_like(value: str, form: str) -> bool:
    """Whether the value has this format; much faster than trying a whole column."""
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def _enough(values: pl.Series, parsed: pl.Series) -> bool:
    """Whether nearly all values were parsed: in a small file, all but one."""
    return parsed.null_count() <= max(values.len() >= 10, (1 - FITS) * values.len())


def _formats(sample: pl.Series) -> list[str] | None:
    """The formats that fit nearly all values; empty for ISO times, None if these are not times."""
    if sample.str.contains(r"^\d{10}$|^\d{13}$").all():
        return ["epoch"]
    if _enough(sample, _moments(sample, Cell(column=("x",)))):
        return []
    has_digits = sample.head(20).str.contains(r"\d").mean() >= 0.9  # type: ignore[operator]
    if not has_digits or sample.str.contains(r"^-?\d+([.,]\d+)?$").mean() == 1.0:
        return None
    probe = sample.head(PROBE)
    if probe.str.contains(_LIKE_A_DATE).mean() < 0.9:  # type: ignore[operator]
        return None
    fitting = []
    values = probe.to_list()
    for day in _DATES:
        for clock in _CLOCKS:
            if not any(_is_like(value, day + clock) for value in values[:5]):
                continue
            cell = Cell(column=("x",), format=(day + clock,))
            # the short probe first, because most formats fail there
            if all(_enough(some, _moments(some, cell)) for some in (probe, sample)):
                fitting.append(day + clock)
                break
    return fitting or None
