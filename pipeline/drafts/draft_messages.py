"""Drafts before there is a dispute: messages to buyers, `<language>/<stage>[_<cause>].txt` with
`<language>/offer_<action>.txt`, and tasks for suppliers and carriers, `tasks/<action>.txt`.

A file of the same name in the workspace's `messages/` folder replaces the program's own, and a file
for the stage and likely cause is preferred over the one for the stage. For the format see
`pipeline.drafts.text_templates`; `rests_on.toml` says on what each sentence rests.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import polars as pl

from features.asof import visible
from features.clock import day_number, is_before
from features.stage import UNKNOWN as UNKNOWN_STAGE
from models.actions.actions import Action
from pipeline.drafts.action_texts import language_of_draft, message_template, read_task
from pipeline.drafts.buyer_facts import (
    buyers_money,
    locale_of,
    long_date,
    parcel,
    plain_id,
    with_known_numbers,
)
from pipeline.drafts.text_templates import HOLDS, fill
from pipeline.settings.languages import message_language
from pipeline.workspace.table_files import TableFiles

# what separates two sentences; a space unless listed here
_JOINED_BY = {"zh": ""}
MOVING = ("InTransit", "OutForDelivery", "InfoReceived", "Exception")
LONG_DAYS = 7
# other parcels predict nothing about one that is silent for longer, or older than nearly all of
# them
SILENT_DAYS, OLDEST_RANK = 14.0, 0.95


def add_messages(
    listed: pl.DataFrame,
    files: TableFiles,
    workspace: Path,
    as_of: date,
    in_english: Collection[str],
    actions: Mapping[str, Action],
) -> pl.DataFrame:
    """`listed` with the columns `country`, `message_language` and `draft_message`.

    Needs `order_id, stage, likely_cause, action, offer_usd` and the logistics features.
    `in_english`: languages whose buyers are written to in English. A task, and an action without a
    template in the buyer's language, is written in English.
    """
    rows = listed.join(
        _order_facts(files, listed["order_id"], day_number(as_of)), on="order_id", how="left"
    )
    rows = rows.with_columns(message_language=message_language(in_english))
    read = cache(lambda language, name: message_template(workspace, language, name))
    languages = [
        language_of_draft(row["message_language"], actions[row["action"]], read)
        for row in rows.iter_rows(named=True)
    ]
    rows = rows.with_columns(message_language=pl.Series(languages, dtype=pl.String))
    drafts = []
    for row in rows.iter_rows(named=True):
        facts, action = message_facts(row, as_of), actions[row["action"]]
        if action.to == "buyer":
            drafts.append(draft_message(row, facts, read, action.template))
        else:
            drafts.append(fill(read_task(workspace, action.name) or (), facts))
    return rows.select(*listed.columns, "country", "message_language").with_columns(
        draft_message=pl.Series(drafts, dtype=pl.String)
    )


def draft_message(
    row: Mapping[str, Any], facts: Mapping[str, str | None], read: Any, sentence: str | None = None
) -> str:
    """The message for one order. `sentence`: the template of the sentence about the action, which
    is one of the message's facts.

    `read(language, name)` returns a template or None.
    """
    language, joined_by = row["message_language"], _JOINED_BY.get(row["message_language"], " ")
    offer = fill(read(language, sentence) or (), facts, joined_by) if sentence else None
    template = (
        read(language, f"{row['stage']}_{row['likely_cause']}")
        or read(language, row["stage"])
        or ()
    )
    return fill(template, {**facts, "offer": offer}, joined_by)


def message_facts(row: Mapping[str, Any], as_of: date) -> dict[str, str | None]:
    """Every fact of `FACTS` except the offer, and every condition, formatted for the buyer.

    None if the fact is not known or does not apply: `was_promised_on`, for example, is only set
    for a late parcel.
    """
    locale = locale_of(row["message_language"], row["country"])
    is_unscanned = row["sent_at"] is not None and row["last_scan_at"] is None
    return {
        "order_id": plain_id(row["order_id"]),
        "parcel": parcel(row),
        **{name: long_date(day, locale) for name, day in _fact_days(row, as_of).items()},
        "amount": buyers_money(row["offer_usd"], row, locale),
        "unscanned": HOLDS if is_unscanned else None,
    }


def _fact_days(row: Mapping[str, Any], as_of: date) -> dict[str, date | None]:
    """The day of each fact whose name ends in `_on`; None if it is not known or does not apply."""
    promised, ship_by, delivered, scanned, sent, placed = (
        None if row[f"{name}_at"] is None else row[f"{name}_at"].date()
        for name in ("promised", "ship_by", "delivered", "last_scan", "sent", "placed")
    )
    status, expected = row["last_status"], None if delivered else _expected(row, as_of)
    is_due = not _is_before(promised, as_of)
    is_missed = expected is not None and _is_before(promised, expected) and is_due
    is_doubtful = is_missed or (row["logistics_expected_late_days"] or 0.0) > 0
    is_unsent = row["stage"] != UNKNOWN_STAGE and sent is None and scanned is None
    is_unsent_late = is_unsent and _is_before(ship_by, as_of)
    waited = row["conversation_days_unanswered"]
    asked = None if waited is None else as_of - timedelta(days=ceil(waited))
    is_old = _is_before(placed, as_of - timedelta(days=LONG_DAYS))
    days: dict[str, tuple[date | None, bool]] = {
        "sent_on": (sent, True),
        "last_scan_on": (scanned, status in MOVING),
        "pickup_on": (scanned, status == "AvailableForPickup"),
        "failed_on": (scanned, status == "DeliveryFailure"),
        "delivered_on": (delivered, True),
        "expected_on": (expected, not is_missed),
        "late_expected_on": (expected, is_missed),
        "missed_on": (promised, is_missed),
        # do not repeat a promise that will probably be broken
        "promised_on": (promised, not delivered and is_due and not is_doubtful),
        "was_promised_on": (promised, _is_before(promised, delivered or as_of)),
        "ship_by_on": (ship_by, is_unsent and not is_unsent_late),
        "was_to_ship_on": (ship_by, is_unsent_late),
        # apologise for a long wait even if the ship-by day is not known
        "ordered_on": (placed, is_unsent and ship_by is None and is_old),
        "asked_on": (asked, True),
    }
    return {name: day if applies else None for name, (day, applies) in days.items()}


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


def _order_facts(files: TableFiles, order_ids: pl.Series, as_of_day: int) -> pl.DataFrame:
    """One row per order with the visible facts that a message may state, times in the store's
    zone."""

    def facts_of(name: str) -> pl.DataFrame:
        return visible(files.read_facts(name, order_ids), as_of_day).sort(
            "order_id", "known_at", "occurred_at"
        )

    at = pl.col("occurred_at").dt.convert_time_zone(files.zone)
    shipments, scans, promises = map(facts_of, ("shipments", "tracking", "promises"))
    due = pl.col("promised_at").dt.convert_time_zone(files.zone)
    facts = [
        shipments.sort("occurred_at", "shipment_id")
        .group_by("order_id")
        .agg(pl.col("shipment_id", "carrier").first(), sent_at=at.first()),
        scans.group_by("order_id").agg(
            last_status=pl.col("status").sort_by("occurred_at").last(),
            last_scan_at=at.max(),
            delivered_at=at.filter(pl.col("status") == "Delivered").min(),
        ),
        promises.group_by("order_id").agg(
            promised_at=due.filter(pl.col("kind") == "delivery").last(),
            ship_by_at=due.filter(pl.col("kind") == "dispatch").last(),
        ),
    ]
    rows = facts_of("orders").select(
        "order_id", "country", "currency", "total_usd", "total_source", placed_at=at
    )
    for frame in facts:
        rows = rows.join(frame, on="order_id", how="left", maintain_order="left")
    return with_known_numbers(rows, files.tracking_numbers)
