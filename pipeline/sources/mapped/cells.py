"""Evaluate a cell of a mapping for the rows of a file: as text, number or time. Filled cells that
cannot be read are marked."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from features.clock import to_utc
from pipeline.sources.instants import EARLIEST, LATEST, instant, with_minutes
from pipeline.sources.mapped.mapping_cells import Cell
from pipeline.sources.reading.column_zones import zone_of_cell, zone_of_name

LARGEST = 1e12
# not `CR` and `DR`, which say on which side of an account an amount is
_SIGN = r"(?:[A-Z]{1,3} ?\$|[A-Z]{3}|[$€£¥₽₹₩₺₴₫฿₱₪₦]|RM|Rs\.?|kr\.?|zł|Kč|Ft|lei|元|円|руб\.?|р\.)"
AMOUNT = rf"^{_SIGN}? ?(-? ?[\d][\d.,'’ ]*|-?[.,]\d+) ?{_SIGN}?$"
GROUPS = r"^-?\d{1,3}(?:[T'’ ]\d{3})+(?:D\d*)?$"
NOT_A_NUMBER = "not a number; write it like 1234.50"
NOT_A_TIME = "not a date and time in the format of the mapping; see format and zone there"


def text(cell: Cell) -> pl.Expr:
    """The text of the cell without surrounding spaces; null where it is empty."""
    parts = [pl.col(name).str.strip_chars() for name in cell.column]
    filled = [pl.when(part.str.len_bytes() > 0).then(part) for part in parts]
    value = pl.coalesce(*filled) if filled else pl.lit(cell.value)
    if cell.strip:
        value = value.str.strip_prefix(cell.strip)
    return value if cell.default is None else value.fill_null(cell.default)


def translated(cell: Cell) -> pl.Expr:
    """The text with the words of the file replaced by ours. Other words become `otherwise`, or stay
    as they are if the cell has no `otherwise`."""
    source_text = text(cell)
    if not cell.words:
        return source_text
    words = {theirs.strip().lower(): ours for theirs, ours in cell.words.items()}
    other = source_text
    if cell.otherwise is not None:
        other = pl.when(source_text.is_not_null()).then(pl.lit(cell.otherwise))
    lowercase = source_text.str.to_lowercase()
    our_word = lowercase.replace_strict(words, default=None, return_dtype=pl.String)
    our_word = pl.when(our_word != "").then(our_word)
    return pl.when(lowercase.is_in(list(words))).then(our_word).otherwise(other)


def number(cell: Cell, decimal: str) -> pl.Expr:
    """The amount, plus and minus the columns of the mapping. Null where the first amount is empty,
    NaN where it is not a number."""
    amount = _amount(text(cell), decimal)
    for names, sign in ((cell.plus, 1.0), (cell.minus, -1.0)):
        for name in names:
            amount = amount + sign * _amount(text(Cell(column=(name,))), decimal).fill_null(0.0)
    return amount


def _amount(source_text: pl.Expr, decimal: str) -> pl.Expr:
    """The number in `1,234.50`, `$ 25.90` or `25.90 USD`; with decimal ",": in `1.234,50`.

    A text with a misplaced thousands separator is not a number: `1,50` is not 150.
    """
    digits = (
        _minus_first(source_text)
        .str.extract(AMOUNT)
        .str.strip_chars()
        .str.replace("- ", "-", literal=True)
    )
    thousand = "," if decimal == "." else "."
    plain = digits.str.contains(rf"^-?\d*{'[.]' if decimal == '.' else ','}?\d*$")
    grouped = digits.str.contains(GROUPS.replace("T", thousand).replace("D", f"[{decimal}]"))
    bare = digits.str.replace_all(rf"[{thousand}'’ ]", "").str.replace(decimal, ".", literal=True)
    value = pl.when(plain | grouped).then(bare).cast(pl.Float64, strict=False)
    likely = pl.when(value.is_finite() & (value.abs() <= LARGEST)).then(value)
    return pl.when(source_text.is_not_null()).then(likely.fill_null(float("nan")))


def _minus_first(source_text: pl.Expr) -> pl.Expr:
    """The amount with its minus before the digits: accountants write `(12.00)` or `$(12.00)`,
    others `-$12.00`, `12.00-`, `12.00- EUR` or a minus sign that is no hyphen."""
    hyphen = source_text.str.replace_all(r"[\u2010-\u2014\u2212]", "-")
    hyphen = hyphen.str.replace_all(r"[\u00a0\u2007\u2009\u202f]", " ").str.replace(r"^\+ ?", "")
    hyphen = hyphen.str.replace(rf"^({_SIGN})? ?\(([^()]+)\) ?({_SIGN})?$", "-$1$2$3")
    hyphen = hyphen.str.replace(rf"^([^-]*\d) ?-( ?{_SIGN})?$", "-$1$2")
    hyphen = hyphen.str.replace(rf"^([^-]*\d ?{_SIGN})-$", "-$1")
    return hyphen.str.replace(rf"^- ?({_SIGN} ?)", "$1-")


def moment(cell: Cell, zone: str) -> pl.Expr:
    """The time in UTC; null where there is none.

    A time without an offset is in the zone of the cell, else in the one that the column's name
    states, else in `zone`.
    """
    source_text = _date_and_time(cell)
    zones = [cell.zone or zone_of_name(name) or zone for name in cell.column]
    if cell.zone_column is not None:
        time = _in_zone_of_row(source_text, cell, (zones or [zone])[0])
    elif len({*zones}) < 2:
        time = _in_zone(source_text, cell, zones[0] if zones else cell.zone or zone)
    else:
        filled = [pl.col(name).str.strip_chars().str.len_bytes() > 0 for name in cell.column]
        own = [pl.when(one).then(pl.lit(name)) for one, name in zip(filled, zones, strict=True)]
        own_zone = pl.coalesce(*own, pl.lit(zone))
        each = [
            pl.when(own_zone == name).then(_in_zone(source_text, cell, name))
            for name in sorted({*zones, zone})
        ]
        time = pl.coalesce(each)
    if cell.days is not None:
        time = time + pl.duration(days=_count_days(cell.days))
    shift = pl.duration(microseconds=round(cell.plus_days * 86_400e6))
    return time + shift if cell.plus_days else time


def has_time(cell: Cell) -> pl.Expr:
    """Whether the row has a time: the cell is filled, and so is its number of days."""
    filled = [pl.col(name).str.strip_chars().fill_null("") != "" for name in cell.column]
    is_filled = pl.any_horizontal(filled) if filled else pl.lit(False)
    if cell.days is None:
        return is_filled
    return is_filled & (pl.col(cell.days).str.strip_chars().fill_null("") != "")


def not_a_time(cell: Cell) -> str:
    """Why the time of a filled cell cannot be read."""
    if cell.zone_column is not None:
        return f"{NOT_A_TIME}. The zone in {cell.zone_column} must be like Europe/Berlin or PST"
    if cell.days is not None:
        return f"{NOT_A_TIME}. {cell.days} must be a number of days, like 14 or 10-14"
    if len(cell.format) > 1:
        return f"{NOT_A_TIME}. {' and '.join(cell.format)} may both fit, with different times"
    return NOT_A_TIME


def _date_and_time(cell: Cell) -> pl.Expr:
    """The text of the date, with the time of day behind it if that has a column of its own."""
    source_text = text(cell)
    if not cell.time:
        return source_text
    clock = text(Cell(column=cell.time))
    joined = pl.concat_str(source_text, clock, separator=" ", ignore_nulls=True)
    return pl.when(source_text.is_not_null()).then(joined)


def _count_days(column: str) -> pl.Expr:
    """The days in `14`, `14 days` or `10-14 days`, where the last number counts; else null."""
    shape = r"(?i)^(?:\d{1,3} ?(?:-|–|to) ?)?(\d{1,3})(?:\.0+)?(?: ?d(?:ays?)?)?$"
    return pl.col(column).str.strip_chars().str.extract(shape).cast(pl.Int64)


def _in_zone_of_row(source_text: pl.Expr, cell: Cell, zone: str) -> pl.Expr:
    """The time in the zone that `zone_column` of its row names; `zone` where that is empty."""
    assert cell.zone_column is not None
    own = pl.col(cell.zone_column).str.strip_chars()

    def read(rows: pl.Series) -> pl.Series:
        frame = rows.struct.unnest()
        zones = {name: zone_of_cell(name) for name in frame["zone"].unique().drop_nulls()}
        each = [
            pl.when(pl.col("zone") == name).then(_in_zone(pl.col("text"), cell, known))
            for name, known in zones.items()
            if known is not None
        ]
        without = pl.when(pl.col("zone").is_null() | (pl.col("zone") == ""))
        return frame.select(
            pl.coalesce(*each, without.then(_in_zone(pl.col("text"), cell, zone)))
        ).to_series()

    both = pl.struct(text=source_text, zone=own)
    return both.map_batches(read, return_dtype=pl.Datetime("us", "UTC"), is_elementwise=True)


def _in_zone(source_text: pl.Expr, cell: Cell, zone: str) -> pl.Expr:
    if cell.format:
        return _with_formats(source_text, cell.format, zone)
    return _iso(source_text, zone)


def _iso(source_text: pl.Expr, zone: str) -> pl.Expr:
    return instant(source_text, zone, has_offsets=True)


def _with_formats(source_text: pl.Expr, formats: Sequence[str], zone: str) -> pl.Expr:
    """The time by the first format that fits; null if another fits as well and gives another time,
    because nothing tells which of the two it is."""
    times = []
    for form in formats:
        if form == "epoch":
            times.append(instant(source_text, zone, has_epochs=True, has_serials=False))
        elif "%z" in form or "%:z" in form:
            stamped = with_minutes(source_text).str.to_datetime(
                form, strict=False, time_unit="us", time_zone="UTC"
            )
            times.append(_likely(stamped.dt.replace_time_zone(None)).dt.replace_time_zone("UTC"))
        else:
            naive = source_text.str.to_datetime(form, strict=False, time_unit="us")
            times.append(to_utc(_likely(naive), zone))
    first = pl.coalesce(times)
    if len(times) == 1:
        return first
    differs = pl.any_horizontal((time != first).fill_null(False) for time in times)
    return pl.when(~differs).then(first)


def _likely(naive: pl.Expr) -> pl.Expr:
    return pl.when(naive.is_between(EARLIEST, LATEST)).then(naive)
