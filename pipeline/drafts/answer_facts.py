"""The facts and conditions of an answer to a dispute, in the buyer's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pipeline.drafts.buyer_facts import (
    buyers_money,
    locale_of,
    long_date,
    order_name,
    parcel,
    plain_id,
    tracking_number,
)
from pipeline.drafts.message_facts import parcel_conditions, parcel_facts
from pipeline.drafts.parcel_status import PARCEL_CONDITIONS, STATUS_FACTS
from pipeline.drafts.text_templates import HOLDS
from pipeline.settings.action_settings import AnswerSettings

# the first answer; a later one; the statement after the platform has the dispute
FIRST, SECOND, PLATFORM = STEPS = ("first", "second", "platform")
# what the list of evidence has: without any of it, there is no list
EVIDENCE = (
    "ordered_on",
    "promised_on",
    "sent_on",
    "parcel",
    "first_scan_on",
    "last_scan_on",
    "count_scans",
    "delivered_on",
    "count_from_buyer",
    "from_buyer_on",
    "count_from_seller",
    "from_seller_on",
)
FACTS = (
    "order_id",
    "order",
    "store_name",
    "amount",
    "asked_amount",
    "shipment_id",
    "carrier",
    "opened_on",
    "answered_on",
    "changed_on",
    "escalated_on",
    *EVIDENCE,
    "silent_since",
    *STATUS_FACTS,
    "opening",
    "evidence",
    "statement",
    "news",
    "signature",
)
CONDITIONS = ("may_extend", "may_resend", "first", "second", *PARCEL_CONDITIONS)


def step_of(row: Mapping[str, Any]) -> str:
    """The step of `STEPS` that comes next. Needs `escalated_at, answered_at`."""
    if row["escalated_at"] is not None:
        return PLATFORM
    return FIRST if row["answered_at"] is None else SECOND


def answer_facts(
    row: Mapping[str, Any], settings: AnswerSettings, as_of: date, store_name: str = ""
) -> dict[str, str | None]:
    """Every fact of `FACTS` and condition of `CONDITIONS`, without those that are templates; None
    if it is not known or not so.

    Parameters
    ----------
    row
        A dispute with the columns of `pipeline.drafts.stated_facts.order_facts`,
        `message_language, amount_usd, amount_at_risk_usd`, and the local times of its steps:
        `filed_at, answered_at, changed_at, escalated_at`.
    settings
        What may be offered.
    as_of, store_name
        The night, and the name under the answer; empty: no signature.

    Returns
    -------
    dict[str, str | None]
        `amount` is what the dispute may cost, `asked_amount` what the buyer asked for. An offer is
        only made if the settings allow it for this order.

    """
    language = row["message_language"]
    locale = locale_of(language, row["country"])
    at_risk, total = row["amount_at_risk_usd"], row["total_usd"]
    may_resend = settings.may_resend and total is not None and total <= settings.resend_max_usd
    step = step_of(row)
    facts = {
        # the list of evidence has the last scan
        **parcel_facts(row, as_of, language),
        "news_on": None,
        "order_id": plain_id(row["order_id"]),
        "order": order_name(row, language),
        "store_name": store_name or None,
        "amount": None if at_risk is None else f"{at_risk:.2f} USD",
        "asked_amount": buyers_money(row["amount_usd"], row, locale),
        "parcel": parcel(row, language),
        "shipment_id": tracking_number(row),
        "carrier": row["carrier"],
        **{
            name: _date(row[at], locale, row.get(location))
            for name, (at, location) in _DATES.items()
        },
        **{name: str(row[name]) if row[name] else None for name in _COUNTS},
        **parcel_conditions(row, as_of),
        "may_extend": HOLDS if settings.may_extend else None,
        "may_resend": HOLDS if may_resend else None,
        "first": HOLDS if step == FIRST else None,
        "second": HOLDS if step == SECOND else None,
    }
    is_known = any(facts[name] for name in EVIDENCE)
    return {**facts, "evidence": HOLDS if is_known else None}


_COUNTS = ("count_scans", "count_from_buyer", "count_from_seller")
# fact -> the column with its time, and that with its location
_DATES = {
    "opened_on": ("filed_at", ""),
    "answered_on": ("answered_at", ""),
    "changed_on": ("changed_at", ""),
    "escalated_on": ("escalated_at", ""),
    "ordered_on": ("placed_at", ""),
    "promised_on": ("promised_at", ""),
    "sent_on": ("sent_at", ""),
    "first_scan_on": ("first_scan_at", ""),
    "last_scan_on": ("news_at", "last_location"),
    "delivered_on": ("delivered_at", "delivered_location"),
    "from_buyer_on": ("from_buyer_at", ""),
    "from_seller_on": ("from_seller_at", ""),
}


def _date(at: Any, locale: Any, location: str | None) -> str | None:
    return None if at is None else long_date(at.date(), locale, location)
