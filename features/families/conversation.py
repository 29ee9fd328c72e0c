"""Conversation family: what the buyer asked, whether it was answered, and contacts by the store."""

from __future__ import annotations

import polars as pl

from features.asof import ROW_KEY, visible_facts
from features.clock import days_between
from features.feature import Feature
from features.totals.family_inputs import FamilyInputs

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
        )
    )


def _contacts(inputs: FamilyInputs) -> pl.DataFrame:
    contacts = visible_facts(inputs.rows, inputs.tables["contacts"]).group_by(ROW_KEY)
    return contacts.agg(
        count_contacts=pl.len().cast(pl.Float64), contacted_at=pl.col("occurred_at").max()
    )
