"""The one rule of time. Nobody else compares times.

A fact has two times: `occurred_at`, when it happened, and `known_at`, when this store could first
have known it. Standing at `as_of`, exactly the facts with `known_at < as_of` are visible: strictly
before, so that a fact stamped at the cutoff is not.

`as_of` is always the start of a day in the store's zone. On that grid a fact is visible exactly
when the local day on which it became known is an earlier day, so every comparison here is one of
whole days (int32, days since 1970-01-01, in the store's zone): exact, and free of daylight-saving
cases.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

EPOCH = date(1970, 1, 1)
SECONDS_A_DAY = 86_400.0
# Multiplied by, never divided: polars divides a column of one row by a number, and multiplies a
# longer one by its inverse, which may differ in the last bit. A row must not depend on how many are
# built with it.
_DAYS_A_MICROSECOND = 1.0 / (SECONDS_A_DAY * 1e6)


def day_number(day: date) -> int:
    """Days since 1970-01-01 of a calendar day."""
    return (day - EPOCH).days


def calendar_day(number: int) -> date:
    """The calendar day of a day number; the inverse of `day_number`."""
    return date.fromordinal(EPOCH.toordinal() + number)


def local_day(instant: pl.Expr, zone: str) -> pl.Expr:
    """Day number, in the store's zone, of a UTC instant."""
    return instant.dt.convert_time_zone(zone).dt.date().cast(pl.Int32)


def start_of_day(day: pl.Expr, zone: str) -> pl.Expr:
    """UTC instant at which a local day starts.

    Some zones skip midnight when summer time begins (Sao Paulo did): the day then starts at 01:00.
    Where midnight happens twice, it starts at the first of them.
    """
    return to_utc(day.cast(pl.Date).cast(pl.Datetime("us")), zone)


def to_utc(naive: pl.Expr, zone: str) -> pl.Expr:
    """UTC instant of a local wall-clock time; one that the clock change skips counts as an hour
    later."""

    def at(moment: pl.Expr) -> pl.Expr:
        return moment.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")

    return pl.coalesce(at(naive), at(naive + pl.duration(hours=1))).dt.convert_time_zone("UTC")


def is_visible(known_day: pl.Expr, as_of_day: pl.Expr) -> pl.Expr:
    """A fact is visible when it was known before the day we stand at."""
    return known_day < as_of_day


def count_before(sorted_days: np.ndarray, days: np.ndarray) -> np.ndarray:
    """How many of `sorted_days` come strictly before each of `days`: `is_visible` for arrays."""
    return np.searchsorted(sorted_days, days, side="left")


def in_label_window(occurred_day: pl.Expr, as_of_day: pl.Expr, horizon_days: int) -> pl.Expr:
    """Label window, half-open: it happened in [as_of, as_of + horizon)."""
    return (occurred_day >= as_of_day) & (occurred_day < as_of_day + horizon_days)


def is_earlier(day: pl.Expr, other_day: pl.Expr) -> pl.Expr:
    """It happened on an earlier day than the other; null where either did not happen."""
    return day < other_day


def in_days(day: pl.Expr, first_day: int, until_day: int) -> pl.Expr:
    """Half-open: it happened in [first_day, until_day)."""
    return (day >= first_day) & (day < until_day)


def is_in_force(day: date, since: date | None, until: date | None) -> bool:
    """Whether a rule holds on a day: half-open, [since, until); None: without that end."""
    return (since is None or since <= day) and (until is None or day < until)


def last_matured_day(data_end_day: int, horizon_days: int, reporting_delay_days: int) -> int:
    """The last night whose label window is over, and reported, when we stand at `data_end_day`.

    Facts up to the end of day `data_end_day - 1` are known. The window of night n ends with day n +
    horizon - 1, and what happened on its last day is known `reporting_delay_days` later.
    """
    return data_end_day - horizon_days - reporting_delay_days


def is_matured(
    as_of_day: pl.Expr, data_end_day: int, horizon_days: int, reporting_delay_days: int
) -> pl.Expr:
    """Whether the night's label is final; before that it is censored: unknown, never a negative."""
    return as_of_day <= last_matured_day(data_end_day, horizon_days, reporting_delay_days)


def days_between(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """Days, with fractions, from one instant to another; negative when `later` comes first."""
    return (later - earlier).dt.total_microseconds() * _DAYS_A_MICROSECOND


def seconds_between(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """Whole seconds (int64) from one instant to another: their sums are exact in any order."""
    return (later - earlier).dt.total_seconds()
