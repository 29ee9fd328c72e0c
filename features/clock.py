"""The one rule of time. No other module compares times.

A fact has two times: `occurred_at`, when it happened, and `known_at`, when this store could first
have known it. At `as_of`, exactly the facts with `known_at < as_of` are visible. The comparison is
strict: a fact stamped at the cutoff is not visible.

`as_of` is always the start of a day in the store's zone. On that grid a fact is visible exactly
when its `known_at` falls on an earlier local day. Every comparison here is therefore one of whole
days (int32, days since 1970-01-01, in the store's zone), which is exact and has no daylight-saving
cases.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

EPOCH = date(1970, 1, 1)
SECONDS_A_DAY = 86_400.0
# Multiply by this factor, never divide. Polars divides a column of one row but multiplies a longer
# column by the inverse, and the two may differ in the last bit. The value of a row must not depend
# on how many rows are computed with it.
_DAYS_PER_MICROSECOND = 1.0 / (SECONDS_A_DAY * 1e6)


def day_number(day: date) -> int:
    """Number of days from 1970-01-01 to a calendar day."""
    return (day - EPOCH).days


def calendar_day(number: int) -> date:
    """Calendar day of a day number: the inverse of `day_number`."""
    return date.fromordinal(EPOCH.toordinal() + number)


def local_day(instant: pl.Expr, zone: str) -> pl.Expr:
    """Day number, in the store's zone, of a UTC instant."""
    return instant.dt.convert_time_zone(zone).dt.date().cast(pl.Int32)


def start_of_day(day: pl.Expr, zone: str) -> pl.Expr:
    """UTC instant at which a local day starts.

    Some zones skip midnight when summer time begins (Sao Paulo did); the day then starts at 01:00.
    Where midnight occurs twice, the day starts at the first one.
    """
    return to_utc(day.cast(pl.Date).cast(pl.Datetime("us")), zone)


def to_utc(naive: pl.Expr, zone: str) -> pl.Expr:
    """UTC instant of a local wall-clock time.

    A time that the clock change skips counts as one hour later; of an ambiguous time, the earlier
    instant is used.
    """

    def in_zone(wall_time: pl.Expr) -> pl.Expr:
        return wall_time.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")

    return pl.coalesce(in_zone(naive), in_zone(naive + pl.duration(hours=1))).dt.convert_time_zone(
        "UTC"
    )


def is_visible(known_day: pl.Expr, as_of_day: pl.Expr) -> pl.Expr:
    """Whether a fact is visible: its `known_day` is before the as-of day."""
    return known_day < as_of_day


def count_before(sorted_days: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Number of `sorted_days` strictly before each of `days`: `is_visible` for arrays."""
    return np.searchsorted(sorted_days, days, side="left")


def in_label_window(occurred_day: pl.Expr, as_of_day: pl.Expr, horizon_days: int) -> pl.Expr:
    """Whether an event is in the label window [as_of, as_of + horizon), which is half-open."""
    return (occurred_day >= as_of_day) & (occurred_day < as_of_day + horizon_days)


def is_earlier(day: pl.Expr, other_day: pl.Expr) -> pl.Expr:
    """Whether `day` is before `other_day`; null where either is null."""
    return day < other_day


def is_before(day: date, other: date) -> bool:
    """Whether one calendar day is before another: `is_earlier` for single days."""
    return day < other


def is_by(day: int, last_day: int) -> bool:
    """Whether a day number is `last_day` or an earlier one."""
    return day <= last_day


def in_days(day: pl.Expr, first_day: int, until_day: int) -> pl.Expr:
    """Whether `day` is in [first_day, until_day), which is half-open."""
    return (day >= first_day) & (day < until_day)


def in_closed_days(day: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Whether each day is in [first, last], both included."""
    return (first <= day) & (day <= last)


def is_in_force(day: date, since: date | None, until: date | None) -> bool:
    """Whether a rule holds on a day: [since, until), half-open; None means no bound."""
    return (since is None or since <= day) and (until is None or day < until)


def last_matured_day(data_end_day: int, horizon_days: int, reporting_delay_days: int) -> int:
    """Last night whose label is final when data ends at the start of `data_end_day`.

    Facts up to the end of day `data_end_day - 1` are known. The label window of night n ends with
    day n + horizon - 1, and events of that day are known `reporting_delay_days` later.
    """
    return data_end_day - horizon_days - reporting_delay_days


def is_matured(
    as_of_day: pl.Expr, data_end_day: int, horizon_days: int, reporting_delay_days: int
) -> pl.Expr:
    """Whether a night's label is final; until then it is censored (unknown, never negative)."""
    return as_of_day <= last_matured_day(data_end_day, horizon_days, reporting_delay_days)


def days_between(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """Days, with fractions, from one instant to another; negative if `later` comes first."""
    return (later - earlier).dt.total_microseconds() * _DAYS_PER_MICROSECOND


def seconds_between(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """Whole seconds (int64) from one instant to another; their sums are exact in any order."""
    return (later - earlier).dt.total_seconds()
