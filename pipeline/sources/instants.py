"""Parse the times in files into instants in UTC."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from features.clock import to_utc

FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_OFFSET_FORMATS = ("%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%d %H:%M%:z")
# the older platform interface writes 20120801154220368-0700
_TIGHT = r"^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})([+-]\d\d):?(\d\d)$"
# 2025/12/30 is the same day everywhere, 12/30/2025 is not
_YEAR_FIRST = r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})\b"
# PostgreSQL writes 2026-05-02 10:00:00+00: an offset of hours alone, which follows a time of day
_HOURS_ALONE = r"(\d:\d\d(?::\d\d(?:\.\d+)?)?) ?([+-]\d\d)$"
# 10:00:00 UTC, 10:00 +0000 UTC and 10:00z; 10:00 GMT+02:00; 10:00 UTC+8; 10:00+5:30
_ZERO = r"(?i)(:\d\d(?:\.\d+)?) ?(?:\+00:?00 )?(?:UTC|GMT|Z)$"
_NAMED = r"(?i)(:\d\d(?:\.\d+)?) ?(?:UTC|GMT) ?([+-]\d\d(?::?\d\d)?)$"
_SHORT = r"(?i)(:\d\d(?:\.\d+)?) ?(?:UTC|GMT) ?([+-])(\d)$"
_PARTS = r"(?i)(:\d\d(?:\.\d+)?) ?(?:UTC|GMT)? ?([+-])(\d:\d\d)$"
# a spreadsheet counts days since this one, so that day 61 is 1900-03-01
_SERIAL, _DAY_0 = r"^\d{5}(?:[.,]\d{1,15})?$", datetime(1899, 12, 30)
# instants outside this range are typing errors: no marketplace is older, no promise goes further
EARLIEST, LATEST = datetime(1995, 1, 1), datetime(2100, 1, 1)
# the two forms that programs write: only cells in another form are tried in all forms
_LOCAL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-5][0-9]$"
_ZULU = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]Z$"


def instant(
    column: pl.Expr,
    zone: str,
    *,
    has_offsets: bool = False,
    has_epochs: bool = False,
    has_serials: bool = True,
) -> pl.Expr:
    """Parse a text column into instants; null if the text is not a time.

    Times without an offset are local to `zone`. `has_offsets`: also accept times with an offset
    or `Z`; an offset may be hours alone, and follow `UTC` or `GMT`. `has_epochs`: also accept
    seconds or milliseconds since 1970, as digits. `has_serials`: also accept a spreadsheet's number
    of days, such as 46021.5.
    """

    def parse(texts: pl.Series) -> pl.Series:
        parsed = _in_common_form(texts, zone, has_offsets=has_offsets)
        others = (parsed.is_null() & texts.is_not_null()).arg_true()
        if others.is_empty():
            return parsed
        any_form = _in_any_form(
            pl.col(texts.name),
            zone,
            has_offsets=has_offsets,
            has_epochs=has_epochs,
            has_serials=has_serials,
        )
        rest = texts.gather(others).to_frame().select(any_form).to_series()
        return parsed.scatter(others, rest)

    return column.map_batches(parse, pl.Datetime("us", "UTC"), is_elementwise=True)


def _in_common_form(texts: pl.Series, zone: str, *, has_offsets: bool) -> pl.Series:
    """The instants of texts in a form that programs write; null for any other text."""
    text, parts = pl.col(texts.name), [pl.lit(None, pl.Datetime("us", "UTC"))]
    if has_offsets and texts.str.contains(_ZULU).any():
        parts.append(_utc(_likely(_naive(text, _ZULU, "%Y-%m-%dT%H:%M:%SZ"))))
    if texts.str.contains(_LOCAL).any():
        spaced = text.str.replace("T", " ", literal=True)
        parts.append(to_utc(_likely(_naive(spaced, _LOCAL, "%Y-%m-%d %H:%M:%S")), zone))
    return texts.to_frame().with_columns(pl.coalesce(parts).alias(texts.name)).to_series()


def _naive(text: pl.Expr, form: str, layout: str) -> pl.Expr:
    matching = pl.when(text.str.contains(form)).then(text)
    return matching.str.to_datetime(layout, strict=False, time_unit="us")


def _in_any_form(
    column: pl.Expr, zone: str, *, has_offsets: bool, has_epochs: bool, has_serials: bool
) -> pl.Expr:
    text = column.str.strip_chars()
    if has_offsets:
        text = text.str.replace(_ZERO, "${1}Z").str.replace(_NAMED, "$1$2")
        text = text.str.replace(_SHORT, "$1${2}0$3").str.replace(_PARTS, "$1${2}0$3")
    text = text.str.replace("T", " ", literal=True)
    text = text.str.replace(_YEAR_FIRST, "$1-$2-$3")
    candidates = [to_utc(_likely(_first_of(text, FORMATS)), zone)]
    if has_serials:
        candidates.append(to_utc(_likely(_serial(text)), zone))
    if has_offsets:
        with_offset = text.str.replace(_TIGHT, "$1-$2-$3 $4:$5:$6.$7$8:$9").str.replace(
            r"Z$", "+00:00"
        )
        with_offset = with_minutes(with_offset)
        stamped = pl.coalesce(
            with_offset.str.to_datetime(f, strict=False, time_unit="us", time_zone="UTC")
            for f in _OFFSET_FORMATS
        )
        candidates.append(_utc(_likely(stamped.dt.replace_time_zone(None))))
    if has_epochs:
        digits = pl.when(text.str.contains(r"^\d{9,13}$")).then(text).cast(pl.Int64, strict=False)
        microseconds = digits * pl.when(text.str.len_bytes() > 11).then(1_000).otherwise(1_000_000)
        candidates.append(_utc(_likely(microseconds.cast(pl.Datetime("us")))))
    return pl.coalesce(candidates)


def with_minutes(text: pl.Expr) -> pl.Expr:
    """The texts with the offset at their end written like +08:00, not like +0800 or +08."""
    text = text.str.replace(r" ?([+-]\d\d)(\d\d)$", "$1:$2")
    return text.str.replace(_HOURS_ALONE, "$1$2:00")


def is_first_of_repeated_hour(at: pl.Expr, zone: str) -> pl.Expr:
    """Whether the local time in `zone` repeats one hour later, as summer time ends."""
    now, later = (
        moment.dt.convert_time_zone(zone).dt.replace_time_zone(None)
        for moment in (at, at + pl.duration(hours=1))
    )
    return now == later


def _first_of(text: pl.Expr, formats: tuple[str, ...]) -> pl.Expr:
    return pl.coalesce(text.str.to_datetime(f, strict=False, time_unit="us") for f in formats)


def _serial(text: pl.Expr) -> pl.Expr:
    """The local time of a number of days, to the second: more is lost in the fraction."""
    days = pl.when(text.str.contains(_SERIAL)).then(text.str.replace(",", ".", literal=True))
    seconds = (days.cast(pl.Float64, strict=False) * 86_400).round().cast(pl.Int64)
    return pl.lit(_DAY_0) + pl.duration(seconds=seconds)


def _likely(naive: pl.Expr) -> pl.Expr:
    return pl.when(naive.is_between(EARLIEST, LATEST)).then(naive)


def _utc(naive: pl.Expr) -> pl.Expr:
    return naive.dt.replace_time_zone("UTC")
