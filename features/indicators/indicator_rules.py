"""A policy's indicators with the rules of one day: numerator, denominator, window and limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from features.clock import calendar_day, day_number
from features.indicators.policy import Basis, Denominator, Event, Indicator, Netting, Policy


@dataclass(frozen=True)
class Rate:
    """One indicator with the rules of one day.

    `windows`: the current and the previous window, each as (first day, day after the last).
    """

    name: str
    numerator: tuple[Event, ...]
    denominator: Denominator
    is_amount: bool
    basis: Basis
    netting: Netting
    windows: tuple[tuple[int, int], tuple[int, int]]
    limit: float | None
    is_breach_at_limit: bool
    least_numerator: int
    least_denominator: int


def rate_on(
    indicator: Indicator,
    as_of_day: int,
    *,
    basis: Basis | None = None,
    window_days: int | None = None,
    limit: float | None = None,
) -> Rate:
    """The indicator by the rules in force on a day; the other arguments override the policy."""
    day = calendar_day(as_of_day)
    months = indicator.window_months.on(day)
    days = window_days or indicator.window_days.on(day) or 30
    return Rate(
        name=indicator.name,
        numerator=indicator.numerator.on(day) or ("filed",),
        denominator=indicator.denominator.on(day) or "closed_or_disputed",
        is_amount=indicator.measure.on(day) == "usd",
        basis=basis or indicator.window_by.on(day) or "event_day",
        netting=indicator.netting.on(day) or "none",
        windows=_months_before(day, months)
        if months and not window_days
        else _days_before(as_of_day, days),
        limit=limit if limit is not None else indicator.limit.on(day),
        is_breach_at_limit=indicator.breach_at.on(day) != "over_limit",
        least_numerator=indicator.least_numerator.on(day) or 0,
        least_denominator=indicator.least_denominator.on(day) or 0,
    )


def _days_before(as_of_day: int, days: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (as_of_day - days, as_of_day), (as_of_day - 2 * days, as_of_day - days)


def _months_before(day: date, months: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The `months` calendar months before the month of `day`, and the `months` before those."""

    def first_day(back: int) -> int:
        year, month = divmod(day.year * 12 + day.month - 1 - back, 12)
        return day_number(date(year, month + 1, 1))

    return (first_day(months), first_day(0)), (first_day(2 * months), first_day(months))


def policy_rates(
    policy: Policy,
    as_of_day: int,
    *,
    bases: Sequence[Basis] | None = None,
    window_days: int | None = None,
    limits: Mapping[str, float] | None = None,
) -> list[Rate]:
    """All rates of a policy on a day.

    Each rate uses the policy's own basis, or comes once per basis if `bases` are given.
    """
    choices: Sequence[Basis | None] = bases or [None]
    return [
        rate_on(
            i, as_of_day, basis=basis, window_days=window_days, limit=(limits or {}).get(i.name)
        )
        for i in policy.indicators
        for basis in choices
    ]
