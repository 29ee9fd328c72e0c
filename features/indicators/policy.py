"""A policy: a platform's rules as data. Every value has a source or says that it is unconfirmed,
and may have dates.

Rules differ by platform and year and sources disagree, so nothing here is a constant:
`pipeline/settings/policies/*.toml` hold the values, this file says which there are. A value that
nobody publishes is empty (None), never invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from features.clock import is_in_force

T = TypeVar("T")
Event = Literal["filed", "escalated", "seller_liable", "negative_review"]
Denominator = Literal[
    "closed_or_disputed",
    "closed_resolved_or_escalated",
    "closed_resolved_or_ruled",
    "shipped",
    "ordered",
]
Basis = Literal["event_day", "order_day"]
Netting = Literal["none", "filing_in_window", "withdrawal_in_window"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sourced(_Strict, Generic[T]):
    """One value in force on [valid_from, valid_to), with where it was read; `value` is None where
    nobody publishes one."""

    value: T | None = None
    source: str | None = Field(default=None, min_length=1)
    unconfirmed: bool = False
    note: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _is_founded(self) -> Sourced[T]:
        if self.source is None and not self.unconfirmed:
            raise ValueError("a value needs its source, or unconfirmed = true")
        return self


class Dated(_Strict, Generic[T]):
    """A value through time: the entries in order, none overlapping."""

    entries: tuple[Sourced[T], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_in_order(self) -> Dated[T]:
        for former, later in pairwise(self.entries):
            if (
                former.valid_to is None
                or later.valid_from is None
                or former.valid_to > later.valid_from
            ):
                raise ValueError(
                    "dated values must follow each other: valid_to of one, then valid_from of the next"
                )
        return self

    def entry_on(self, day: date) -> Sourced[T] | None:
        """What is in force on a day; None: nothing is."""
        return next((e for e in self.entries if is_in_force(day, e.valid_from, e.valid_to)), None)

    def on(self, day: date) -> T | None:
        entry = self.entry_on(day)
        return entry.value if entry else None


def _as_entries(raw: Any) -> Any:
    """A TOML table stands for one value for all days, a list of tables for several with dates."""
    if isinstance(raw, dict) and "entries" not in raw:
        return {"entries": (raw,)}
    return {"entries": raw} if isinstance(raw, list | tuple) else raw


WholeDays = Annotated[Dated[Annotated[int, Field(ge=0)]], BeforeValidator(_as_entries)]
Share = Annotated[Dated[Annotated[float, Field(gt=0, lt=1)]], BeforeValidator(_as_entries)]
Yes = Annotated[Dated[bool], BeforeValidator(_as_entries)]
Text = Annotated[Dated[str], BeforeValidator(_as_entries)]
Events = Annotated[Dated[tuple[Event, ...]], BeforeValidator(_as_entries)]


class ClockRules(_Strict):
    """The time line of a dispute. Days are calendar days of the platform's zone, counted from the
    day of filing."""

    filing_day_number: WholeDays = Field(
        description="0 or 1: the number of the day on which the buyer files"
    )
    seller_response_days: WholeDays = Field(
        description="times 24 hours, from each filing or change of it"
    )
    escalate_from_day: WholeDays = Field(
        description="the first day on which the buyer may take it to the platform"
    )
    auto_submit_day: WholeDays = Field(description="on this day it goes to the platform by itself")
    in_transit_waits_for_promise: Yes = Field(
        description="not received, on its way: nothing before the promised date"
    )
    refiling_restarts: Yes = Field(
        description="filed again after a withdrawal: day 1 again, not the first filing's"
    )


class Indicator(_Strict):
    """A rate that a platform judges by: what is divided by what, over which days, and where the
    limit is."""

    name: str = Field(pattern=r"^[a-z][a-z_0-9]*$")
    numerator: Events
    denominator: Annotated[Dated[Denominator], BeforeValidator(_as_entries)]
    measure: Annotated[Dated[Literal["orders", "usd"]], BeforeValidator(_as_entries)]
    window_days: WholeDays = Field(
        description="the days before the day of assessment; empty: calendar months"
    )
    window_months: WholeDays = Field(
        description="whole calendar months before that of the assessment; empty: days"
    )
    window_by: Annotated[Dated[Basis], BeforeValidator(_as_entries)]
    netting: Annotated[Dated[Netting], BeforeValidator(_as_entries)]
    limit: Share
    breach_at: Annotated[Dated[Literal["limit", "over_limit"]], BeforeValidator(_as_entries)]
    least_numerator: WholeDays = Field(description="fewer orders in the numerator are not judged")
    least_denominator: WholeDays = Field(
        description="fewer orders in the denominator are not judged"
    )


class Policy(_Strict):
    """One platform's rules. `clock` is missing where a platform is known by its ratios only."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    platform: str
    title: str
    zone: Text
    clock: ClockRules | None = None
    indicators: tuple[Indicator, ...] = ()

    @property
    def platform_zone(self) -> str:
        """The platform's zone; days are counted in it."""
        zone = self.zone.entries[-1].value
        if zone is None:
            raise ValueError(f"policy {self.name} names no zone")
        return zone

    def terms_on(self, filing_day: date) -> Terms:
        """The time line for a dispute filed on a day: it keeps these rules to its end."""
        if self.clock is None:
            return Terms()
        rules = self.clock
        return Terms(
            filing_day_number=rules.filing_day_number.on(filing_day) or 0,
            seller_response_days=rules.seller_response_days.on(filing_day),
            escalate_from_day=rules.escalate_from_day.on(filing_day),
            auto_submit_day=rules.auto_submit_day.on(filing_day),
            in_transit_waits_for_promise=bool(rules.in_transit_waits_for_promise.on(filing_day)),
            refiling_restarts=bool(rules.refiling_restarts.on(filing_day)),
        )


@dataclass(frozen=True)
class Terms:
    """The rules in force on one filing day; None: this platform or version has no such step."""

    filing_day_number: int = 0
    seller_response_days: int | None = None
    escalate_from_day: int | None = None
    auto_submit_day: int | None = None
    in_transit_waits_for_promise: bool = False
    refiling_restarts: bool = False


def untold(policy: Policy, day: date) -> list[str]:
    """The indicators whose limit nobody publishes: the seller has to fill it in."""
    return [indicator.name for indicator in policy.indicators if indicator.limit.on(day) is None]
