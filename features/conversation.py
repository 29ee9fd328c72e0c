"""Conversation family: what the buyer asked, and whether anyone answered."""

from __future__ import annotations

import polars as pl

from features.asof import ROW_KEY, visible_facts
from features.clock import days_between
from features.feature import Feature
from features.history import View

FEATURES = [
    Feature("conversation_count_questions", "messages by the buyer", "buyers ask before they dispute",
            "the buyer wrote {value:.0f} times"),
    Feature("conversation_days_unanswered", "days since the buyer's last message; null when answered",
            "an unanswered question becomes a dispute", "the buyer has waited {value:.0f} days for an answer"),
]  # fmt: skip


def build(view: View) -> pl.DataFrame:
    """One row per spine row, in its order."""
    asked, answered = (pl.col("occurred_at").filter(pl.col("sender") == s) for s in ("buyer", "seller"))
    messages = (
        visible_facts(view.rows, view.tables["messages"])
        .group_by(ROW_KEY)
        .agg(
            count_questions=asked.len().cast(pl.Float64),
            asked_at=asked.max(),
            answered_at=answered.max(),
        )
    )
    rows = view.rows.join(messages, on=ROW_KEY, how="left", maintain_order="left")
    is_open = pl.col("answered_at").is_null() | (days_between(pl.col("answered_at"), pl.col("asked_at")) > 0)
    return rows.select(
        conversation_count_questions=pl.col("count_questions").fill_null(0.0),
        conversation_days_unanswered=pl.when(is_open).then(days_between(pl.col("asked_at"), pl.col("as_of"))),
    )
