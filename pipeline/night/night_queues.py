"""The night's queues of open orders: `queues.parquet`, `queues.csv`, and terminal lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.asof import visible
from features.clock import day_number, days_between, start_of_day
from features.last_said import last_said
from models.contact.queues import QUEUES, UNHAPPY_STARS, WAITING, count_queues, order_queues
from pipeline.output.safe_text import neutral_frame
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles

TABLE = "queues"
# of a queue, on the terminal
_NAMES = {
    "exception": "with an exception",
    "no_movement": "without movement",
    "past_promise": "past the promised day",
    "before_shipment_late": "not shipped in time",
    "delivered_unhappy": "delivered and unhappy",
}


def night_queues(
    files: TableFiles, scored: pl.DataFrame, listed: pl.DataFrame, config: Config, as_of: date
) -> pl.DataFrame:
    """The queues of all open orders (`models.contact.queues`), with `action` (of the list; null if
    the order is not listed) and `first_words` of what was said last, for buyers who wait.

    `scored` has one row per open order with its features. Messages are read only for orders whose
    last message is the buyer's.
    """
    day = day_number(as_of)
    tonight = start_of_day(pl.lit(day), files.zone)
    ids = scored.filter(pl.col("conversation_days_unanswered").is_not_null())["order_id"]
    messages, contacts = (
        visible(files.read_facts(name, ids), day) for name in ("messages", "contacts")
    )
    said = last_said(messages, contacts)
    waiting = said.filter(pl.col("unanswered_since").is_not_null()).select(
        "order_id", waiting_days=days_between(pl.col("unanswered_since"), tonight)
    )
    reviews = files.read_known(
        "reviews", ["order_id", "score", "occurred_at"], day - config.days_after_delivery, day
    )
    unhappy = (
        reviews.filter(pl.col("score") <= UNHAPPY_STARS)
        .group_by("order_id")
        .agg(unhappy_days=days_between(pl.col("occurred_at").max(), tonight))
    )
    words = pl.when(pl.col("queue") == WAITING).then("first_words")
    return (
        order_queues(scored, waiting, unhappy)
        .join(listed.select("order_id", "action"), on="order_id", how="left", maintain_order="left")
        .join(
            said.select("order_id", "first_words"), on="order_id", how="left", maintain_order="left"
        )
        .with_columns(first_words=words)
    )


def write_queues(folder: Path, queued: pl.DataFrame) -> dict[str, Any]:
    """Write both files; return the facts for the manifest: `counts` by queue, and
    `waiting_since`, the date of the oldest message without an answer."""
    queued.write_parquet(folder / f"{TABLE}.parquet")
    neutral_frame(queued).write_csv(folder / f"{TABLE}.csv", float_precision=4)
    oldest = queued.filter(pl.col("queue") == WAITING)["since"].min()
    return {
        "counts": count_queues(queued),
        "waiting_since": oldest.isoformat() if isinstance(oldest, date) else None,
    }


def queue_lines(queues: Mapping[str, Any]) -> list[str]:
    """The counts of all open orders as lines for the terminal; `queues`: as in the manifest."""
    counts = queues["counts"]
    count = counts.get(WAITING, 0)
    verb = "buyer waits" if count == 1 else "buyers wait"
    since = f", the longest since {queues['waiting_since']}" if queues["waiting_since"] else ""
    others = [f"{counts.get(name, 0):,} {_NAMES[name]}" for name in QUEUES if name != WAITING]
    return [f"{count:,} {verb} for an answer{since}", f"other open orders: {', '.join(others)}"]
