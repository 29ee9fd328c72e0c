"""The facts and conditions of a message about one order, in the buyer's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from features.clock import is_before
from features.stage import UNKNOWN as UNKNOWN_STAGE
from pipeline.drafts.buyer_facts import (
    buyers_money,
    locale_of,
    long_date,
    order_name,
    parcel,
    plain_id,
)
from pipeline.drafts.parcel_status import (
    APOLOGISED,
    ATTEMPTS,
    PARCEL_CONDITIONS,
    PICKUP,
    STATUS_FACTS,
    STOPPED,
    USUAL,
    status_fact,
)
from pipeline.drafts.text_templates import HOLDS

MOVING = ("InTransit", "OutForDelivery", "InfoReceived", "Exception")
LONG_DAYS = 7
# other parcels predict nothing about one that is silent for longer, or older than nearly all of
# them
SILENT_DAYS, OLDEST_RANK = 14.0, 0.95
# an answer on the next day is no long wait
USUAL_WAIT_DAYS = 1


def message_facts(
    row: Mapping[str, Any], as_of: date, store_name: str = ""
) -> dict[str, str | None]:
    """Every fact and condition of `pipeline.drafts.action_texts` except those that are templates.

    None if the fact is not known or does not apply: `was_promised_on`, for example, is only set
    for a late parcel.
    """
    language = row["message_language"]
    locale = locale_of(language, row["country"])
    asked = _day(row, "said") if row["said_by"] == "buyer" else None
    since = _day(row, "unanswered_since", "")
    conditions = {
        "unasked": asked is None,
        "waited": since is not None and is_before(since, as_of - timedelta(days=USUAL_WAIT_DAYS)),
        "about_product": asked is not None and row["topic"] == "product",
        "unscanned": row["sent_at"] is not None and row["news_at"] is None,
    }
    return {
        "order_id": plain_id(row["order_id"]),
        "order": order_name(row, language),
        "store_name": store_name or None,
        "parcel": parcel(row, language),
        **{name: long_date(day, locale) for name, day in _promise_days(row, as_of).items()},
        **parcel_facts(row, as_of, language),
        "asked_on": long_date(asked, locale),
        "amount": buyers_money(row["offer_usd"], row, locale),
        **parcel_conditions(row, as_of),
        **{name: HOLDS if holds else None for name, holds in conditions.items()},
    }


def parcel_conditions(row: Mapping[str, Any], as_of: date) -> dict[str, str | None]:
    """Every condition of `PARCEL_CONDITIONS`; None for one that does not hold."""
    fact, is_delivered = status_fact(row), row["delivered_at"] is not None
    is_coming = fact not in STOPPED and not is_delivered
    is_silent = fact is None and not is_delivered and _is_silent(row, as_of)
    is_bad = fact in APOLOGISED or is_silent
    holding = (fact in STOPPED, is_coming, is_coming and fact != PICKUP, is_bad, not is_bad)
    return {
        name: HOLDS if holds else None
        for name, holds in zip(PARCEL_CONDITIONS, holding, strict=True)
    }


def parcel_facts(row: Mapping[str, Any], as_of: date, language: str) -> dict[str, str | None]:
    """The days of the parcel, with the cities of its scans: all facts of the template `news`, and
    the hand-over and delivery."""
    locale = locale_of(language, row["country"])
    locations = {
        "delivered_on": row["delivered_location"],
        "news_on": row["last_location"],
        status_fact(row): row["last_location"],
    }
    days = _parcel_days(row, as_of)
    return {name: long_date(day, locale, locations.get(name)) for name, day in days.items()}


def _parcel_days(row: Mapping[str, Any], as_of: date) -> dict[str, date | None]:
    """The days of the parcel: handed over, scanned, delivered, and of its last status."""
    scanned, news, delivered = _day(row, "last_scan"), _day(row, "news"), _day(row, "delivered")
    fact = status_fact(row)
    is_silent = _is_silent(row, as_of)
    is_calm = delivered is None and fact is None
    days: dict[str, date | None] = {
        **dict.fromkeys(STATUS_FACTS),
        "sent_on": _day(row, "sent"),
        "last_scan_on": scanned if row["last_status"] in MOVING else None,
        "news_on": news if is_calm and not is_silent else None,
        "silent_since": news if is_calm and is_silent else None,
        "delivered_on": delivered,
    }
    if fact is not None:
        days[fact] = scanned if fact in ATTEMPTS else _day(row, "status_since")
    return days


def _promise_days(row: Mapping[str, Any], as_of: date) -> dict[str, date | None]:
    """The days on which something is or was due; None if it is not known or does not apply."""
    promised, ship_by, delivered, sent, placed = (
        _day(row, name) for name in ("promised", "ship_by", "delivered", "sent", "placed")
    )
    fact = status_fact(row)
    is_usual = (fact is None and not _is_silent(row, as_of)) or fact in USUAL
    expected = _expected(row, as_of) if is_usual and delivered is None else None
    is_due = not _is_before(promised, as_of)
    is_missed = expected is not None and _is_before(promised, expected) and is_due
    is_doubtful = is_missed or (row["logistics_expected_late_days"] or 0.0) > 0
    is_unsent = row["stage"] != UNKNOWN_STAGE and sent is None and row["last_scan_at"] is None
    is_unsent_late = is_unsent and _is_before(ship_by, as_of)
    is_old = _is_before(placed, as_of - timedelta(days=LONG_DAYS))
    is_waiting = fact not in (*STOPPED, PICKUP)
    days: dict[str, tuple[date | None, bool]] = {
        "expected_on": (expected, not is_missed),
        "late_expected_on": (expected, is_missed),
        "missed_on": (promised, is_missed),
        # do not repeat a promise that will probably be broken
        "promised_on": (promised, is_usual and not delivered and is_due and not is_doubtful),
        "was_promised_on": (promised, is_waiting and _is_before(promised, delivered or as_of)),
        "ship_by_on": (ship_by, is_unsent and not is_unsent_late),
        "was_to_ship_on": (ship_by, is_unsent_late),
        # apologise for a long wait even if the ship-by day is not known
        "ordered_on": (placed, is_unsent and ship_by is None and is_old),
    }
    return {name: day if applies else None for name, (day, applies) in days.items()}


def _day(row: Mapping[str, Any], name: str, ending: str = "_at") -> date | None:
    """The day of a time of the row."""
    at = row[name + ending]
    return None if at is None else at.date()


def _is_silent(row: Mapping[str, Any], as_of: date) -> bool:
    """Whether the parcel was scanned, and not in the last `SILENT_DAYS`."""
    return _is_before(_day(row, "news"), as_of - timedelta(days=SILENT_DAYS))


def _is_before(day: date | None, other: date) -> bool:
    return day is not None and is_before(day, other)


def _expected(row: Mapping[str, Any], as_of: date) -> date | None:
    """The day the parcel should arrive; None without a sound estimate."""
    days_left, rank, silence = (
        row[f"logistics_{name}"] for name in ("expected_days_left", "road_rank", "days_since_news")
    )
    if row["sent_at"] is None or days_left is None or rank is None or silence is None:
        return None
    if rank > OLDEST_RANK or silence > SILENT_DAYS or days_left < 1:
        return None
    return as_of + timedelta(days=round(days_left))
