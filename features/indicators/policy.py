"""A policy: a platform's rules as data. Each value has a source or is marked as unconfirmed.

Rules differ by platform and year, and sources disagree, so nothing here is a constant. This module
defines which values there are; `pipeline/settings/policies/*.toml` have the values, with the dates
on which they are in force. A value that no source publishes is empty (None), never invented.
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
    """One value in force on [valid_from, valid_to), with its source.

    `value` is None if no source publishes one.
    """

    value: T | None = None
    source: str | None = Field(default=None, min_length=1)
    unconfirmed: bool = False
    note: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _has_source(self) -> Sourced[T]:
        if self.source is None and not self.unconfirmed:
            raise ValueError("a value needs its source, or unconfirmed = true")
        return self


class Dated(_Strict, Generic[T]):
    """A value over time: entries in chronological order that do not overlap."""

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
                    "dated values must follow each other: "
                    "valid_to of one, then valid_from of the next"
                )
        return self

    def entry_on(self, day: date) -> Sourced[T] | None:
        """The entry in force on a day, or None."""
        return next((e for e in self.entries if is_in_force(day, e.valid_from, e.valid_to)), None)

    def on(self, day: date) -> T | None:
        """The value in force on a day, or None."""
        entry = self.entry_on(day)
        return entry.value if entry else None


def _as_entries(raw: Any) -> Any:
    """A TOML table is one value for all days; a list of tables is several values with dates."""
    if isinstance(raw, dict) and "entries" not in raw:
        return {"entries": (raw,)}
    return {"entries": raw} if isinstance(raw, list | tuple) else raw


WholeDays = Annotated[Dated[Annotated[int, Field(ge=0)]], BeforeValidator(_as_entries)]
Share = Annotated[Dated[Annotated[float, Field(gt=0, lt=1)]], BeforeValidator(_as_entries)]
Yes = Annotated[Dated[bool], BeforeValidator(_as_entries)]
Text = Annotated[Dated[str], BeforeValidator(_as_entries)]
Events = Annotated[Dated[tuple[Event, ...]], BeforeValidator(_as_entries)]


class ClockRules(_Strict):
    """The time line of a dispute, in calendar days of the platform's zone from the filing day."""

    filing_day_number: WholeDays = Field(
        description="0 or 1: the number of the day on which the buyer files"
    )
    seller_response_days: WholeDays = Field(
        description="in units of 24 hours, from each filing or change of the claim"
    )
    escalate_from_day: WholeDays = Field(
        description="the first day on which the buyer may escalate to the platform"
    )
    auto_submit_day: WholeDays = Field(
        description="the day on which the dispute goes to the platform automatically"
    )
    in_transit_waits_for_promise: Yes = Field(
        description="not received and in transit: no deadline before the promised date"
    )
    refiling_restarts: Yes = Field(
        description="filed again after a withdrawal: the days start again from the new filing"
    )


class Indicator(_Strict):
    """A rate by which a platform judges a store: numerator, denominator, window and limit."""

    name: str = Field(pattern=r"^[a-z][a-z_0-9]*$")
    numerator: Events
    denominator: Annotated[Dated[Denominator], BeforeValidator(_as_entries)]
    measure: Annotated[Dated[Literal["orders", "usd"]], BeforeValidator(_as_entries)]
    window_days: WholeDays = Field(
        description="number of days before the assessment day; empty: calendar months"
    )
    window_months: WholeDays = Field(
        description="number of calendar months before the assessment's month; empty: days"
    )
    window_by: Annotated[Dated[Basis], BeforeValidator(_as_entries)]
    netting: Annotated[Dated[Netting], BeforeValidator(_as_entries)]
    limit: Share
    breach_at: Annotated[Dated[Literal["limit", "over_limit"]], BeforeValidator(_as_entries)]
    least_numerator: WholeDays = Field(
        description="the rate is not judged with fewer orders in the numerator"
    )
    least_denominator: WholeDays = Field(
        description="the rate is not judged with fewer orders in the denominator"
    )


class Policy(_Strict):
    """One platform's rules. `clock` is None if only the platform's rates are known."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    platform: str
    title: str
    zone: Text
    clock: ClockRules | None = None
    indicators: tuple[Indicator, ...] = ()

    @property
    def platform_zone(self) -> str:
        """The platform's time zone, in which its days are counted."""
        zone = self.zone.entries[-1].value
        if zone is None:
            raise ValueError(f"policy {self.name}: zone has no value; set a time zone")
        return zone

    def terms_on(self, filing_day: date) -> Terms:
        """The rules for a dispute filed on a day, which keeps these rules to its end."""
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
    """The rules in force on one filing day; None: the platform has no such step then."""

    filing_day_number: int = 0
    seller_response_days: int | None = None
    escalate_from_day: int | None = None
    auto_submit_day: int | None = None
    in_transit_waits_for_promise: bool = False
    refiling_restarts: bool = False


def indicators_without_limit(policy: Policy, day: date) -> list[str]:
    """Names of the indicators whose limit is not published, so the seller has to set it."""
    return [indicator.name for indicator in policy.indicators if indicator.limit.on(day) is None]
