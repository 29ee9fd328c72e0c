"""Rows with the facts of one order, as the drafts take them, and the drafts made from them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.drafts.action_texts import message_template
from pipeline.drafts.draft_answers import draft_answer, load_templates
from pipeline.drafts.draft_messages import draft_message
from pipeline.drafts.message_facts import message_facts
from pipeline.settings.action_settings import AnswerSettings

AS_OF = date(2026, 5, 20)
STORE = "Blue Star"
NOWHERE = Path("nowhere")


def day(number: int, month: int = 5) -> datetime:
    return datetime(2026, month, number, 12, tzinfo=UTC)


ROW: dict[str, Any] = {
    "order_id": "o-1",
    "message_language": "en",
    "country": "US",
    "currency": "USD",
    "stage": "in_transit",
    "likely_cause": "not_received",
    "offer_usd": None,
    "total_usd": 40.0,
    "total_source": 40.0,
    "product_title": "Mug",
    "count_products": 1,
    "shipment_id": "RX1",
    "carrier": "Post",
    "sent_at": day(1),
    "first_scan_at": day(2),
    "last_scan_at": day(15),
    "news_at": day(15),
    "status_since_at": day(13),
    "last_status": "InTransit",
    "last_sub_status": "InTransit_Departure",
    "last_location": None,
    "delivered_at": None,
    "delivered_location": None,
    "count_scans": 3,
    "promised_at": day(1, 6),
    "ship_by_at": day(3),
    "placed_at": day(28, 4),
    "said_by": None,
    "said_at": None,
    "unanswered_since": None,
    "topic": None,
    "from_buyer_at": None,
    "count_from_buyer": None,
    "from_seller_at": None,
    "count_from_seller": None,
    "logistics_expected_days_left": 4.0,
    "logistics_expected_late_days": -8.0,
    "logistics_road_rank": 0.4,
    "logistics_days_since_news": 5.0,
}
UNSENT = {
    "stage": "before_shipment",
    "shipment_id": None,
    "sent_at": None,
    "first_scan_at": None,
    "last_scan_at": None,
    "news_at": None,
    "status_since_at": None,
    "last_status": None,
    "last_sub_status": None,
    "count_scans": None,
    "logistics_expected_days_left": None,
}
DELIVERED = {
    "stage": "delivered",
    "last_status": "Delivered",
    "last_sub_status": "Delivered_Other",
    "delivered_at": day(18),
    "last_scan_at": day(18),
    "news_at": day(18),
}
ASKED = {"said_by": "buyer", "said_at": day(12), "unanswered_since": day(11), "topic": "parcel"}
DISPUTE = {
    **ROW,
    "case": "other",
    "amount_usd": 10.0,
    "amount_at_risk_usd": 40.0,
    "filed_at": day(16),
    "answered_at": None,
    "changed_at": None,
    "escalated_at": None,
    "count_from_buyer": 3,
    "from_buyer_at": day(14),
    "count_from_seller": 1,
    "from_seller_at": day(9),
}


@cache
def read(language: str, name: str) -> Any:
    """The shipped template."""
    return message_template(NOWHERE, language, name)


def message(sentence: str | None = None, store_name: str = "", **changed: Any) -> str:
    """The draft message for `ROW` with some columns changed."""
    row = {**ROW, **changed}
    return draft_message(row, message_facts(row, AS_OF, store_name), read, sentence)


@cache
def _answers() -> Any:
    return load_templates(NOWHERE)


def answer(
    case: str, offers: AnswerSettings | None = None, store_name: str = "", **changed: Any
) -> str:
    """The draft answer for `DISPUTE` with some columns changed."""
    row = {**DISPUTE, "case": case, **changed}
    return draft_answer(_answers(), row, offers or AnswerSettings(), AS_OF, store_name)
