"""Conversation family: what the buyer asked, whether it was answered, and contacts by the store."""

from __future__ import annotations

import polars as pl

from features.asof import ROW_KEY, visible_facts
from features.clock import days_between
from features.feature import Feature
from features.tables import INTENTS, SENTIMENTS
from features.totals.family_inputs import FamilyInputs

# by what a buyer's message says (`features.tables`)
COMPLAINTS, DEMANDS = ("wrong_item", "broken"), ("wants_refund", "threatens_dispute")

FEATURES = [
    Feature(
        "conversation_count_questions",
        "messages by the buyer",
        "buyers ask before they dispute",
        "the buyer wrote {value:.0f} message(s)",
    ),
    Feature(
        "conversation_count_parcel_questions",
        "messages by the buyer about the parcel",
        "the buyer is worried about the parcel",
        "the buyer wrote {value:.0f} message(s) about the parcel",
    ),
    Feature(
        "conversation_count_product_questions",
        "messages by the buyer about the product",
        "the buyer has doubts about the product",
        "the buyer wrote {value:.0f} message(s) about the product",
    ),
    Feature("conversation_count_replies", "messages by the seller", "the store responded"),
    Feature(
        "conversation_count_since_reply",
        "messages by the buyer since the last answer",
        "a buyer who asks again is a warning sign",
        "the buyer has written {value:.0f} message(s) since the last answer",
    ),
    Feature(
        "conversation_days_unanswered",
        "days since the buyer's last message; null when answered",
        "an unanswered question becomes a dispute",
        "the buyer has waited {value:.0f} day(s) for an answer",
    ),
    Feature(
        "conversation_days_since_message",
        "days since the last message of buyer or seller; null without one",
        "a conversation that went quiet may be settled",
    ),
    Feature(
        "conversation_count_complaints",
        "messages by the buyer that report wrong or broken goods",
        "the buyer already has the case for a dispute",
        "the buyer reported wrong or broken goods in {value:.0f} message(s)",
    ),
    Feature(
        "conversation_count_demands",
        "messages by the buyer that ask for money back or threaten a dispute",
        "a threat comes before the dispute",
        "the buyer asked for money back or threatened a dispute in {value:.0f} message(s)",
    ),
    Feature(
        "conversation_count_urgent",
        "urgent messages by the buyer",
        "a buyer in a hurry waits less long",
        "the buyer wrote {value:.0f} message(s) that cannot wait",
    ),
    Feature(
        "conversation_last_intent",
        "rank of the last message's intent, from 0 (thanks) to 6 (threat); null if not known",
        "what the buyer wants now",
    ),
    Feature(
        "conversation_worst_intent",
        "highest rank of an intent, from 0 (thanks) to 6 (threat); null if not known",
        "a threat is not forgotten after a calm message",
    ),
    Feature(
        "conversation_last_urgency",
        "1 if the last message is urgent, 0 if not; null if not known",
        "the buyer waits for an answer now",
    ),
    Feature(
        "conversation_last_sentiment",
        "-1 negative, 0 neutral, 1 positive; null if not known",
        "an upset buyer disputes sooner",
    ),
    Feature(
        "conversation_mean_sentiment",
        "mean of the buyer's messages, from -1 to 1; null if not known",
        "an upset buyer disputes sooner",
    ),
    Feature("conversation_count_contacts", "contacts", "the store has already written first"),
    Feature(
        "conversation_days_since_contact",
        "days; null without one",
        "the effect of a contact wears off",
    ),
]


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    rows = inputs.rows
    for facts in (_messages(inputs), _contacts(inputs)):
        rows = rows.join(facts, on=ROW_KEY, how="left", maintain_order="left")
    is_unanswered = pl.col("answered_at").is_null() | (
        days_between(pl.col("answered_at"), pl.col("asked_at")) > 0
    )
    as_of = pl.col("as_of")
    return rows.select(
        conversation_count_questions=pl.col("count_questions").fill_null(0.0),
        conversation_count_parcel_questions=pl.col("count_parcel").fill_null(0.0),
        conversation_count_product_questions=pl.col("count_product").fill_null(0.0),
        conversation_count_replies=pl.col("count_replies").fill_null(0.0),
        conversation_count_since_reply=pl.col("count_since_reply").fill_null(0.0),
        conversation_days_unanswered=pl.when(is_unanswered).then(
            days_between(pl.col("asked_at"), as_of)
        ),
        conversation_days_since_message=days_between(
            pl.max_horizontal("asked_at", "answered_at"), as_of
        ),
        conversation_count_complaints=pl.col("count_complaints").fill_null(0.0),
        conversation_count_demands=pl.col("count_demands").fill_null(0.0),
        conversation_count_urgent=pl.col("count_urgent").fill_null(0.0),
        conversation_last_intent=pl.col("last_intent"),
        conversation_worst_intent=pl.col("worst_intent"),
        conversation_last_urgency=pl.col("last_urgency"),
        conversation_last_sentiment=pl.col("last_sentiment"),
        conversation_mean_sentiment=pl.col("mean_sentiment"),
        conversation_count_contacts=pl.col("count_contacts").fill_null(0.0),
        conversation_days_since_contact=days_between(pl.col("contacted_at"), as_of),
    )


def _messages(inputs: FamilyInputs) -> pl.DataFrame:
    by_buyer, by_seller = pl.col("sender") == "buyer", pl.col("sender") == "seller"
    at, topic = pl.col("occurred_at"), pl.col("topic")
    since = days_between(at.filter(by_seller).max(), at.filter(by_buyer)) > 0
    return (
        visible_facts(inputs.rows, inputs.tables["messages"])
        .group_by(ROW_KEY)
        .agg(
            count_questions=by_buyer.sum().cast(pl.Float64),
            count_parcel=(by_buyer & (topic == "parcel")).sum().cast(pl.Float64),
            count_product=(by_buyer & (topic == "product")).sum().cast(pl.Float64),
            count_replies=by_seller.sum().cast(pl.Float64),
            count_since_reply=pl.when(by_seller.any())
            .then(since.sum())
            .otherwise(by_buyer.sum())
            .cast(pl.Float64),
            asked_at=at.filter(by_buyer).max(),
            answered_at=at.filter(by_seller).max(),
            **_what_was_said(),
        )
    )


def _what_was_said() -> dict[str, pl.Expr]:
    """What an order's messages by the buyer say. Of several last ones of one instant, the worst
    counts; messages without a label are left out."""
    by_buyer, at = pl.col("sender") == "buyer", pl.col("occurred_at")
    rank = pl.col("intent").replace_strict(
        {name: float(n) for n, name in enumerate(INTENTS)}, default=None, return_dtype=pl.Float64
    )
    mood = pl.col("sentiment").replace_strict(
        {name: n - 1.0 for n, name in enumerate(SENTIMENTS)}, default=None, return_dtype=pl.Float64
    )
    is_urgent = (pl.col("urgency") == "urgent").cast(pl.Float64)

    def last(value: pl.Expr) -> pl.Expr:
        is_known = by_buyer & value.is_not_null()
        return value.filter(is_known & (at == at.filter(is_known).max()))

    return {
        "count_complaints": (by_buyer & pl.col("intent").is_in(COMPLAINTS)).sum().cast(pl.Float64),
        "count_demands": (by_buyer & pl.col("intent").is_in(DEMANDS)).sum().cast(pl.Float64),
        "count_urgent": is_urgent.filter(by_buyer).sum(),
        "last_intent": last(rank).max(),
        "worst_intent": rank.filter(by_buyer).max(),
        "last_urgency": last(is_urgent).max(),
        "last_sentiment": last(mood).min(),
        "mean_sentiment": mood.filter(by_buyer).mean(),
    }


def _contacts(inputs: FamilyInputs) -> pl.DataFrame:
    contacts = visible_facts(inputs.rows, inputs.tables["contacts"]).group_by(ROW_KEY)
    return contacts.agg(
        count_contacts=pl.len().cast(pl.Float64), contacted_at=pl.col("occurred_at").max()
    )
