"""Draft messages before there is a dispute: `<language>/<stage>[_<cause>].txt` and
`<language>/offer_<action>.txt`.

A file of the same name in the workspace's `messages/` folder goes before the one that comes with
the program; one for the stage's likely cause before the stage's. What such a file may hold:
`pipeline.drafts.text_templates`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency

from features.asof import visible
from features.clock import day_number
from models.contact.offers import NOTHING, OLDEST_RANK, SILENT_DAYS
from pipeline.drafts.text_templates import Template, fill, read_template
from pipeline.settings.languages import message_language
from pipeline.workspace.table_files import TableFiles

SHIPPED = Path(__file__).parent / "messages"
FACTS = (
    "order_id",
    "parcel",
    "sent_on",
    "last_scan_on",
    "pickup_on",
    "failed_on",
    "delivered_on",
    "expected_on",
    "late_expected_on",
    "missed_on",
    "promised_on",
    "was_promised_on",
    "ship_by_on",
    "was_to_ship_on",
    "ordered_on",
    "amount",
    "offer",
)
# between two sentences
_JOINED_BY = {"zh": ""}
# ids and carriers from files are text that anybody may have written: what does not look like one
# counts as missing
_ID, _CARRIER = re.compile(r"[\w.#-]{1,64}"), re.compile(r"[\w .,&()'+/-]{1,40}")
MOVING = ("InTransit", "OutForDelivery", "InfoReceived", "Exception")
LONG_DAYS = 7


def add_messages(
    listed: pl.DataFrame,
    files: TableFiles,
    workspace: Path,
    as_of: date,
    in_english: Collection[str],
) -> pl.DataFrame:
    """`listed` with `country`, `message_language` and `draft_message`.

    `listed` has `order_id, stage, likely_cause, suggested_action, offer_usd` and the logistics
    features.
    """
    rows = listed.join(
        _order_facts(files, listed["order_id"], day_number(as_of)), on="order_id", how="left"
    )
    rows = rows.with_columns(message_language=message_language(in_english))
    read = cache(lambda language, name: _template(workspace, language, name))
    drafts = [
        draft_message(row, message_facts(row, as_of, files.zone), read)
        for row in rows.iter_rows(named=True)
    ]
    return rows.select(*listed.columns, "country", "message_language").with_columns(
        draft_message=pl.Series(drafts, dtype=pl.String)
    )


def draft_message(row: Mapping[str, Any], facts: Mapping[str, str | None], read: Any) -> str:
    """The message of a listed order: the offer's sentence is one of its facts."""
    language, joined_by = row["message_language"], _JOINED_BY.get(row["message_language"], " ")
    offer = None
    if row["suggested_action"] != NOTHING:
        offer = fill(read(language, f"offer_{row['suggested_action']}") or (), facts, joined_by)
    template = (
        read(language, f"{row['stage']}_{row['likely_cause']}")
        or read(language, row["stage"])
        or ()
    )
    return fill(template, {**facts, "offer": offer}, joined_by)


def _template(workspace: Path, language: str, name: str) -> Template | None:
    for folder in (workspace / "messages", SHIPPED):
        if (path := folder / language / f"{name}.txt").is_file():
            return read_template(path, FACTS)
    return None


def message_facts(row: Mapping[str, Any], as_of: date, zone: str) -> dict[str, str | None]:
    """Every fact of `FACTS` but the offer, as the buyer reads it; None: nobody knows, or it is not
    so."""
    locale = _locale(row["message_language"], row["country"])

    def day(moment: Any) -> date | None:
        return None if moment is None else moment.date()

    def said(when: date | None, is_so: bool = True) -> str | None:
        # Russian ends with "year", shortened: its full stop would meet the sentence's
        return (
            re.sub(r"\s*г\.$", "", format_date(when, "long", locale=locale))
            if when and is_so
            else None
        )

    promised, ship_by, delivered = (
        day(row["promised_at"]),
        day(row["ship_by_at"]),
        day(row["delivered_at"]),
    )
    status, scanned = row["last_status"], day(row["last_scan_at"])
    expected = None if delivered else _expected(row, as_of)
    is_missed = (
        expected is not None and _is_before(promised, expected) and not _is_before(promised, as_of)
    )
    is_doubtful = is_missed or (row["logistics_expected_late_days"] or 0.0) > 0
    is_unsent = row["sent_at"] is None and scanned is None
    return {
        "order_id": _plain(row["order_id"], _ID),
        "parcel": _parcel(row),
        "sent_on": said(day(row["sent_at"])),
        "last_scan_on": said(scanned, status in MOVING),
        "pickup_on": said(scanned, status == "AvailableForPickup"),
        "failed_on": said(scanned, status == "DeliveryFailure"),
        "delivered_on": said(delivered),
        "expected_on": said(expected, not is_missed),
        "late_expected_on": said(expected, is_missed),
        "missed_on": said(promised, is_missed),
        # a promise that will hardly be kept is not said again
        "promised_on": said(
            promised, not delivered and not _is_before(promised, as_of) and not is_doubtful
        ),
        "was_promised_on": said(promised, _is_before(promised, delivered or as_of)),
        "ship_by_on": said(ship_by, is_unsent and not _is_before(ship_by, as_of)),
        "was_to_ship_on": said(ship_by, is_unsent and _is_before(ship_by, as_of)),
        # where no day to ship by is known, a long wait is owned up to all the same
        "ordered_on": said(
            day(row["placed_at"]), is_unsent and ship_by is None and _is_long_ago(row, as_of)
        ),
        "amount": _amount(row, locale),
    }


def _is_before(day: date | None, other: date) -> bool:
    return day is not None and day < other


def _is_long_ago(row: Mapping[str, Any], as_of: date) -> bool:
    return row["placed_at"] is not None and _is_before(
        row["placed_at"].date(), as_of - timedelta(days=LONG_DAYS)
    )


def _expected(row: Mapping[str, Any], as_of: date) -> date | None:
    left, rank, silence = (
        row[f"logistics_{name}"] for name in ("expected_days_left", "road_rank", "days_since_news")
    )
    is_told = (
        row["sent_at"] is not None and left is not None and rank is not None and silence is not None
    )
    if not is_told or rank > OLDEST_RANK or silence > SILENT_DAYS or left < 1:
        return None
    return as_of + timedelta(days=round(left))


def _parcel(row: Mapping[str, Any]) -> str | None:
    """Tracking number and carrier; an order's own number is none."""
    number, carrier = _plain(row["shipment_id"], _ID), _plain(row["carrier"], _CARRIER)
    if number is None or number == row["order_id"]:
        return None
    return f"{number} ({carrier})" if carrier else number


def _amount(row: Mapping[str, Any], locale: Locale) -> str | None:
    """What is offered, in the money the buyer paid in."""
    usd, total_usd = row["offer_usd"], row["total_usd"]
    if usd is None or not total_usd or not re.fullmatch("[A-Z]{3}", row["currency"] or ""):
        return None
    text = format_currency(usd * row["total_source"] / total_usd, row["currency"], locale=locale)
    return re.sub(r"[\u200e\u200f]", "", text).replace("\u00a0", " ").replace("\u202f", " ")


def _plain(text: str | None, pattern: re.Pattern[str]) -> str | None:
    return text if text is not None and pattern.fullmatch(text) else None


@cache
def _locale(language: str, country: str | None) -> Locale:
    try:
        return Locale(language, country) if country else Locale(language)
    except (UnknownLocaleError, ValueError):
        return Locale(language)


def _order_facts(files: TableFiles, order_ids: pl.Series, as_of_day: int) -> pl.DataFrame:
    """One row per order: what is visible of it that a message may say, times in the store's
    zone."""

    def told(name: str) -> pl.DataFrame:
        return visible(files.read_facts(name, order_ids), as_of_day).sort(
            "order_id", "known_at", "occurred_at"
        )

    at = pl.col("occurred_at").dt.convert_time_zone(files.zone)
    sent, scans, promises = told("shipments"), told("tracking"), told("promises")
    due = pl.col("promised_at").dt.convert_time_zone(files.zone)
    facts = [
        sent.sort("occurred_at", "shipment_id")
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
    rows = told("orders").select(
        "order_id", "country", "currency", "total_usd", "total_source", placed_at=at
    )
    for frame in facts:
        rows = rows.join(frame, on="order_id", how="left", maintain_order="left")
    return rows
