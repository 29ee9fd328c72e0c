"""The drafts of a language, by stage, cause, action, status of the parcel and step of a dispute."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from features.indicators.dispute_timeline import ON_ITS_WAY
from features.stage import STAGES_AND_UNKNOWN
from pipeline.drafts.draft_answers import CASES
from pipeline.drafts.parcel_status import FACT_OF
from pipeline.settings.action_files import load_actions
from pipeline.settings.action_settings import AnswerSettings
from tests.unit.drafts.order_rows import ASKED, DELIVERED, STORE, UNSENT, answer, day, message

COUNTRY = {
    "en": ("US", "USD"),
    "es": ("MX", "MXN"),
    "pt": ("BR", "BRL"),
    "fr": ("FR", "EUR"),
    "ru": ("RU", "RUB"),
    "de": ("DE", "EUR"),
    "ar": ("SA", "SAR"),
    "ko": ("KR", "KRW"),
    "zh": ("CN", "CNY"),
}
STATUSES = sorted(FACT_OF)
ACTIONS = [action.template for action in load_actions() if action.to == "buyer"]


def stage_row(stage: str) -> dict[str, Any]:
    """The order of `order_rows` at a stage."""
    unsent = {**UNSENT, "stage": stage}
    unscanned = {"stage": stage, "last_scan_at": None, "news_at": None, "last_status": None}
    return {
        "before_shipment": unsent,
        "unknown": unsent,
        "dispatch": {**unscanned, "last_sub_status": None},
        "in_transit": {"stage": stage},
        "delivered": DELIVERED,
    }[stage]


def own(language: str) -> dict[str, Any]:
    country, currency = COUNTRY[language]
    return {
        "message_language": language,
        "country": country,
        "currency": currency,
        "total_source": 200.0,
        "offer_usd": 8.0,
    }


@cache
def drafts(language: str) -> tuple[tuple[str, str], ...]:
    """What each draft is about, and the draft."""
    base = own(language)
    return (*_by_stage(base), *_by_day(base), *_by_status(base), *_answers(base))


def _by_stage(base: dict[str, Any]) -> Iterator[tuple[str, str]]:
    asked = {**ASKED, "topic": "product"}
    for stage in STAGES_AND_UNKNOWN:
        for cause in ("not_received", "not_as_described", "other"):
            row = {**base, **stage_row(stage), "likely_cause": cause}
            for action in ACTIONS:
                yield f"{stage} {cause} {action}", message(action, STORE, **row)
                yield f"asked {stage} {cause} {action}", message(action, STORE, **{**row, **asked})


def _by_day(base: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for promised in (10, 22):
        late = {"promised_at": day(promised), "logistics_expected_late_days": 2.0}
        for stage in STAGES_AND_UNKNOWN:
            yield f"late {stage}", message(None, STORE, **{**base, **stage_row(stage), **late})
    unsent = {**base, **stage_row("before_shipment")}
    silent = {**base, "news_at": day(2), "promised_at": day(10)}
    for action in (None, *ACTIONS):
        yield f"to ship {action}", message(action, STORE, **{**unsent, "ship_by_at": day(22)})
        yield f"ordered {action}", message(action, STORE, **{**unsent, "ship_by_at": None})
        yield f"silent {action}", message(action, STORE, **silent)


def scanned(status: str) -> dict[str, Any]:
    """The columns of a parcel whose last scan has the sub-status."""
    return {"last_status": status.split("_")[0], "last_sub_status": status}


def _by_status(base: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for status in STATUSES:
        row = {**base, **scanned(status), "last_location": "Leipzig, DE"}
        yield status, message(None, STORE, **row)
        yield f"asked {status}", message(None, STORE, **row, **ASKED)
        yield f"late {status}", message(None, STORE, **{**row, "promised_at": day(10)})
        for action in ACTIONS:
            yield f"{status} {action}", message(action, STORE, **row)


def _answers(base: dict[str, Any]) -> Iterator[tuple[str, str]]:
    offers = AnswerSettings(resend_max_usd=50.0)
    second = {"answered_at": day(17), "changed_at": day(18)}
    rows: dict[str, list[dict[str, Any]]] = {
        "not_received_delivered": [DELIVERED],
        "not_received_in_transit": [
            scanned(status) for status in STATUSES if status.split("_")[0] in ON_ITS_WAY
        ],
        "not_received_no_trace": [
            *(scanned(status) for status in STATUSES if status.split("_")[0] not in ON_ITS_WAY),
            {"news_at": day(2)},
            UNSENT,
        ],
    }
    steps: dict[str, dict[str, Any]] = {
        "first": {},
        "second": second,
        "platform": {**second, "escalated_at": day(19)},
    }
    for step, times in steps.items():
        for case in CASES:
            for row in ({}, *rows.get(case, [DELIVERED, UNSENT])):
                about = f"{case} {step} {row.get('last_sub_status', '')}"
                yield about, answer(case, offers, STORE, **{**base, **times, **row})
