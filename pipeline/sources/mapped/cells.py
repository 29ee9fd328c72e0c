"""A cell of a mapping over the rows of a file: its text, number or instant, and which rows have
none though filled."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from features.clock import to_utc
from pipeline.sources.instants import EARLIEST, LATEST, instant
from pipeline.sources.mapped.mapping import Cell

LARGEST = 1e12
_SIGN = r"(?:[A-Z]{2,3} ?\$?|[$€£¥₽])"
AMOUNT = rf"^{_SIGN}? ?(-? ?[\d][\d.,' \u00a0\u202f]*|-?[.,]\d+) ?{_SIGN}?$"
GROUPS = r"^-?\d{1,3}(?:[T' \u00a0\u202f]\d{3})+(?:D\d*)?$"
# an id that a spreadsheet has turned into a number
BROKEN_ID = r"^\d(?:[.,]\d+)?[eE]\+?\d{2}$"
NOT_A_NUMBER = "not a number; write it like 1234.50"
NOT_A_TIME = "not a date and time as the mapping describes it; see format and zone there"


def text(cell: Cell) -> pl.Expr:
    """What the cell says, stripped; null where it is empty."""
    parts = [pl.col(name).str.strip_chars() for name in cell.column]
    filled = [pl.when(part.str.len_bytes() > 0).then(part) for part in parts]
    found = pl.coalesce(*filled) if filled else pl.lit(cell.value)
    if cell.strip:
        found = found.str.strip_prefix(cell.strip)
    return found if cell.default is None else found.fill_null(cell.default)


def in_words(cell: Cell) -> pl.Expr:
    """The text in our words; one that is in none of them, and has no `otherwise`, stays as it
    is."""
    said = text(cell)
    if not cell.words:
        return said
    ours = {theirs.strip().lower(): word for theirs, word in cell.words.items()}
    other = (
        said if cell.otherwise is None else pl.when(said.is_not_null()).then(pl.lit(cell.otherwise))
    )
    low = said.str.to_lowercase()
    ours_of = low.replace_strict(ours, default=None, return_dtype=pl.String)
    ours_of = pl.when(ours_of != "").then(ours_of)
    return pl.when(low.is_in(list(ours))).then(ours_of).otherwise(other)


def number(cell: Cell, decimal: str) -> pl.Expr:
    """The amount, with what is to be added and subtracted; null where the first is empty, NaN where
    it is none."""
    found = _amount(text(cell), decimal)
    for names, sign in ((cell.plus, 1.0), (cell.minus, -1.0)):
        for name in names:
            found = found + sign * _amount(text(Cell(column=(name,))), decimal).fill_null(0.0)
    return found


def _amount(said: pl.Expr, decimal: str) -> pl.Expr:
    """`1,234.50`, `$ 25.90`, `25.90 USD`; with decimal ",": `1.234,50`. A thousands' sign that is
    at a wrong place makes it none: `1,50` is not a hundred and fifty."""
    digits = said.str.extract(AMOUNT).str.strip_chars().str.replace("- ", "-", literal=True)
    thousand = "," if decimal == "." else "."
    plain = digits.str.contains(rf"^-?\d*{'[.]' if decimal == '.' else ','}?\d*$")
    grouped = digits.str.contains(GROUPS.replace("T", thousand).replace("D", f"[{decimal}]"))
    bare = digits.str.replace_all(rf"[{thousand}' \u00a0\u202f]", "").str.replace(
        decimal, ".", literal=True
    )
    value = pl.when(plain | grouped).then(bare).cast(pl.Float64, strict=False)
    likely = pl.when(value.is_finite() & (value.abs() <= LARGEST)).then(value)
    return pl.when(said.is_not_null()).then(likely.fill_null(float("nan")))


def moment(cell: Cell, zone: str) -> pl.Expr:
    """The instant in UTC; null where there is none."""
    said = text(cell)
    found = (
        _with_formats(said, cell.format, cell.zone or zone)
        if cell.format
        else _iso(said, cell.zone or zone)
    )
    shift = pl.duration(microseconds=round(cell.plus_days * 86_400e6))
    return found + shift if cell.plus_days else found


def _iso(said: pl.Expr, zone: str) -> pl.Expr:
    bare = said.str.replace(r" ?(UTC|GMT)$", "Z").str.replace(r" ?([+-]\d\d)(\d\d)$", "$1:$2")
    return instant(bare, zone, has_offsets=True)


def _with_formats(said: pl.Expr, formats: Sequence[str], zone: str) -> pl.Expr:
    found = []
    for form in formats:
        if form == "epoch":
            found.append(instant(said, zone, has_epochs=True))
        elif "%z" in form or "%:z" in form:
            stamped = said.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC")
            found.append(_likely(stamped.dt.replace_time_zone(None)).dt.replace_time_zone("UTC"))
        else:
            found.append(
                to_utc(_likely(said.str.to_datetime(form, strict=False, time_unit="us")), zone)
            )
    return pl.coalesce(found)


def _likely(naive: pl.Expr) -> pl.Expr:
    return pl.when(naive.is_between(EARLIEST, LATEST)).then(naive)
