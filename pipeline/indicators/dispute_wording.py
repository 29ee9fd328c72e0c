"""The dispute clock in words: what happens at the deadline, what to do next, and local times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import polars as pl

from features.sentence import Sentence, sentence

THEN = {
    "answer_due": sentence(
        "then.answer_due", "the time to answer has passed: the buyer's claim is granted in full"
    ),
    "escalation_opens": sentence(
        "then.escalation_opens", "from then on the buyer may take it to the platform"
    ),
    "auto_submit": sentence("then.auto_submit", "it goes to the platform automatically"),
}
PLATFORM_DECIDES = sentence("then.platform_decides", "the platform decides")
# by the case of `pipeline.drafts.draft_answers`
OFFERS = {
    "not_received_delivered": sentence("offer.proof", "send the proof of delivery"),
    "not_received_in_transit": sentence(
        "offer.extend", "show where the parcel is and offer to extend the protection"
    ),
    "not_received_no_trace": sentence(
        "offer.resend", "offer to resend or to refund; ask the carrier"
    ),
    "not_as_described": sentence(
        "offer.photos",
        "ask for photos; offer a partial refund for a small fault, a full refund or a replacement "
        "for a big one",
    ),
    "other": sentence(
        "offer.other",
        "find out what the buyer wants; ask to withdraw the dispute once it is settled",
    ),
}
WITH_PLATFORM = sentence("action.with_platform", "with the platform: add evidence until it decides")


def _answer_at_once(offer: str) -> Sentence:
    template = "answer at once, the time to answer has passed: {offer}"
    return sentence("action.answer_at_once", template, offer=offer)


def _answer(offer: str) -> Sentence:
    return sentence("action.answer", "answer: {offer}", offer=offer)


def _settle(offer: str) -> Sentence:
    template = "settle today, the platform may already have it: {offer}"
    return sentence("action.settle", template, offer=offer)


def _wait(offer: str) -> Sentence:
    return sentence("action.wait", "on hold until the promised date: {offer}", offer=offer)


def _agree(offer: str) -> Sentence:
    template = "answered; agree before the deadline: {offer}"
    return sentence("action.agree", template, offer=offer)


ACTIONS = (_answer_at_once, _answer, _settle, _wait, _agree)


@cache
def wording_keys() -> Mapping[str, list[Any]]:
    """Text of the columns `then` and `action` -> its key for translation."""
    actions = [action(offer) for action in ACTIONS for offer in OFFERS.values()]
    return {
        str(text): text.key for text in (*THEN.values(), PLATFORM_DECIDES, WITH_PLATFORM, *actions)
    }


def next_action() -> pl.Expr:
    """What to do next, in words, for a row of the dispute clock."""
    is_past = pl.col("next_deadline_at").is_null()

    def text(action: Callable[[str], Sentence]) -> pl.Expr:
        by_case = {case: str(action(offer)) for case, offer in OFFERS.items()}
        return pl.col("case").replace_strict(by_case, return_dtype=pl.String)

    return (
        pl.when(pl.col("escalated_at").is_not_null())
        .then(pl.lit(str(WITH_PLATFORM)))
        .when("is_overdue")
        .then(text(_answer_at_once))
        .when("owes_answer")
        .then(text(_answer))
        .when(is_past)
        .then(text(_settle))
        .when("waits_for_promise")
        .then(text(_wait))
        .otherwise(text(_agree))
    )


def with_local_times(rows: pl.DataFrame, store_zone: str, platform_zone: str) -> pl.DataFrame:
    """`rows` with the deadline in both zones, the days in the store's zone, and `then`, what
    happens at the deadline."""

    def moment(zone: str) -> pl.Expr:
        local = pl.col("deadline_at").dt.convert_time_zone(zone)
        return pl.concat_str(local.dt.strftime("%Y-%m-%d %H:%M"), pl.lit(f" {zone}"))

    def local_date(name: str) -> pl.Expr:
        return pl.col(name).dt.convert_time_zone(store_zone).dt.strftime("%Y-%m-%d")

    ruling = pl.when(pl.col("escalated_at").is_not_null()).then(pl.lit(str(PLATFORM_DECIDES)))
    overdue = pl.when("is_overdue").then(pl.lit(str(THEN["answer_due"])))
    then_texts = {event: str(text) for event, text in THEN.items()}
    ahead = pl.col("next_event").replace_strict(then_texts, default=None, return_dtype=pl.String)
    return rows.with_columns(
        delivered_on=local_date("delivered_at"),
        last_scan_on=local_date("last_scan_at"),
        sent_on=local_date("sent_at"),
        promised_on=local_date("promised_at"),
        deadline_store=moment(store_zone),
        deadline_platform=moment(platform_zone),
        then=pl.coalesce(ruling, overdue, ahead, pl.lit(str(THEN["auto_submit"]))),
    )
