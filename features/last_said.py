"""What was said last about an order, and since when its buyer waits for an answer."""

from __future__ import annotations

import polars as pl

from features.clock import days_between
from features.tables import FIRST_WORDS

_BY_BUYER = pl.col("said_by") == "buyer"
_AT = pl.col("said_at")


def last_said(messages: pl.DataFrame, contacts: pl.DataFrame | None = None) -> pl.DataFrame:
    """One row per order with a message or a contact, by `order_id`.

    Parameters
    ----------
    messages, contacts
        Facts of these tables that are visible on the night. A contact counts as a message of the
        seller without text.

    Returns
    -------
    pl.DataFrame
        `order_id`; `said_by` (buyer or seller), `said_at` (UTC) and `first_words` of the last
        message: its text in one line, null if it is not recorded; `unanswered_since` (UTC): the
        buyer's first message after the last one of the seller, null if the seller wrote last.

    """
    said = _said(messages, contacts)
    answered_at = _AT.filter(~_BY_BUYER).max()
    # of two messages of one instant, the seller's counts as the later, as in the features
    return (
        said.sort("order_id", "said_at", ~_BY_BUYER, "message_id")
        .group_by("order_id", maintain_order=True)
        .agg(
            pl.col("said_by", "said_at", "first_words").last(),
            unanswered_since=_AT.filter(
                _BY_BUYER & (days_between(answered_at, _AT) > 0).fill_null(True)
            ).min(),
        )
    )


def _said(messages: pl.DataFrame, contacts: pl.DataFrame | None) -> pl.DataFrame:
    """One row per message and contact: `order_id, said_by, said_at, message_id, first_words`."""
    one_line = pl.col("text").str.replace_all(r"\s+", " ").str.strip_chars()
    words = pl.when(one_line != "").then(one_line.str.slice(0, FIRST_WORDS))
    said = messages.select(
        "order_id", "message_id", said_by="sender", said_at="occurred_at", first_words=words
    )
    if contacts is None:
        return said
    made = contacts.select(
        "order_id",
        message_id=pl.lit(None, pl.String),
        said_by=pl.lit("seller"),
        said_at="occurred_at",
        first_words=pl.lit(None, pl.String),
    )
    return pl.concat([said, made])
