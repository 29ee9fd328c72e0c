"""All that is known of one order, for its page and for the API: facts, score, why it is listed or
not, draft, time line, contacts and disputes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from features.asof import visible
from features.clock import calendar_day, day_number
from features.tables import CAUSE_SHARES, CAUSES, Tables
from pipeline.desk.order_draft import draft_for
from pipeline.desk.published_nights import SCORES, PublishedRun, newest
from pipeline.desk.why_listed import why_listed
from pipeline.drafts.buyer_facts import tracking_number, with_known_numbers
from pipeline.load.contacts import read_own
from pipeline.output.safe_text import neutral_frame
from pipeline.pages.report_data import read_clock
from pipeline.pages.time_line import KINDS, time_lines
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

MOST_OTHER_ORDERS = 20
_SCORE = (
    "stage",
    "probability",
    "probability_low",
    "probability_high",
    "end_probability",
    "stake_usd",
    "action",
    "expected_value_usd",
)
_FROM_LIST = (
    "reason_1",
    "reason_2",
    "reason_3",
    "reason_1_key",
    "reason_2_key",
    "reason_3_key",
    "why_action",
    "why_action_key",
    "action",
    "contact_by",
    "offer_usd",
    "prevented_usd",
    "cost_usd",
    "expected_value_usd",
)
_CLOCK = ("dispute_id", "deadline_store", "period", "then", "action", "owes_answer", "draft_answer")


def order_report(workspace: Workspace, config: Config, order_id: str) -> dict[str, Any] | None:
    """The order with what was known before the newest published night; None if no order has this
    id. Our own contacts are included up to now. Texts are made harmless for a spreadsheet."""
    files = workspace.table_files()
    tables = files.read_orders([order_id])
    if tables["orders"].is_empty():
        return None
    run = newest(workspace)
    as_of = run.night if run else datetime.now(UTC).astimezone(ZoneInfo(files.zone)).date()
    known = _known(tables, as_of)
    order = tables["orders"].row(0, named=True)
    disputes = _disputes(known, files.zone)
    report: dict[str, Any] = {
        **{name: order[name] for name in ("order_id", "buyer_id", "country", "currency")},
        "total_usd": order["total_usd"],
        "placed_on": _local(order["occurred_at"], files.zone)[:10],
        "night": run.night.isoformat() if run else None,
        "zone": files.zone,
        "products": _products(known),
        "parcels": _parcels(known, files),
        "events": _events(files, config, order_id, as_of),
        "contacts": _contacts(workspace, known, order_id, files.zone),
        "disputes": disputes,
    }
    return report | (
        _of_night(workspace, config, files, run, order, bool(disputes)) if run else _NO_NIGHT
    )


_NO_NIGHT: dict[str, Any] = {
    "score": None,
    "why": ("desk.why_no_night", {}),
    "listed": None,
    "draft_message": "",
    "message_language": None,
    "draft_action": None,
    "answers": [],
    "other_orders": [],
}


def _known(tables: Tables, as_of: date) -> Tables:
    frames = {name: visible(tables[name], day_number(as_of)) for name in tables.frames}
    return tables.with_frames(frames)


def _of_night(
    workspace: Workspace,
    config: Config,
    files: TableFiles,
    run: PublishedRun,
    order: Mapping[str, Any],
    is_disputed: bool,
) -> dict[str, Any]:
    """What the newest night says about the order."""
    order_id, buyer_id = order["order_id"], order["buyer_id"]
    is_order = pl.col("order_id") == order_id
    score = _first(run.table(SCORES).filter(is_order))
    row = _first(neutral_frame(run.listed.filter(is_order)))
    reason = why_listed(run, files, order_id, buyer_id, is_disputed=is_disputed)
    draft, language, action = "", None, None
    if row:
        draft, language = row["draft_message"] or "", row["message_language"]
        action = row.get("action")
    elif score and reason[0] != "desk.why_held_out":
        draft, language = draft_for(workspace, files, config, run.night, order_id, score["stage"])
        action = "inform"
    return {
        "score": None if score is None else _shown_score(score),
        "why": reason,
        "listed": None if row is None else {name: row.get(name) for name in _FROM_LIST},
        "draft_message": draft,
        "message_language": language,
        "draft_action": action,
        "answers": [
            {name: line.get(name) for name in (*_CLOCK, "then_key", "action_key")}
            for line in read_clock(run.folder)
            if line["order_id"] == order_id
        ],
        "other_orders": _other_orders(files, run, order_id, buyer_id),
    }


def _first(rows: pl.DataFrame) -> dict[str, Any] | None:
    return rows.row(0, named=True) if rows.height else None


def _shown_score(score: Mapping[str, Any]) -> dict[str, Any]:
    shares = {cause: score.get(name) for cause, name in zip(CAUSES, CAUSE_SHARES, strict=True)}
    known = {cause: share for cause, share in shares.items() if share is not None}
    cause = max(known, key=lambda name: known[name]) if known else None
    return {name: score.get(name) for name in _SCORE} | {"likely_cause": cause}


def _other_orders(files: TableFiles, run: PublishedRun, order_id: str, buyer_id: str) -> list[str]:
    """The buyer's other orders that were open on the night."""
    own = pl.scan_parquet(files.folder / "orders.parquet").filter(pl.col("buyer_id") == buyer_id)
    ids = own.select("order_id").collect()["order_id"]
    opened = run.table(SCORES).filter(pl.col("order_id").is_in(ids.implode()))["order_id"]
    return [other for other in opened.sort() if other != order_id][:MOST_OTHER_ORDERS]


def _products(tables: Tables) -> list[dict[str, Any]]:
    lines = tables["order_lines"].join(
        tables["products"].select("product_id", "title"), on="product_id", how="left"
    )
    chosen = lines.sort("line_id").select("product_id", "title", "quantity", "unit_price_usd")
    return neutral_frame(chosen).to_dicts()


def _parcels(tables: Tables, files: TableFiles) -> list[dict[str, Any]]:
    """Carrier, tracking number (None if it is not known) and the last scan of each parcel."""
    scans = tables["tracking"].sort("occurred_at").group_by("shipment_id", maintain_order=True)
    last = scans.agg(status=pl.col("status").last(), scanned_at=pl.col("occurred_at").last())
    rows = tables["shipments"].join(last, on="shipment_id", how="left").sort("occurred_at")
    rows = with_known_numbers(rows, files.tracking_numbers)
    return [
        {
            "carrier": row["carrier"],
            "tracking_number": tracking_number(row),
            "handed_over_on": _local(row["occurred_at"], files.zone)[:10],
            "last_scan": row["status"],
            "last_scan_at": _local(row["scanned_at"], files.zone) or None,
        }
        for row in neutral_frame(rows).iter_rows(named=True)
    ]


def _events(files: TableFiles, config: Config, order_id: str, as_of: date) -> list[dict[str, str]]:
    """The time line: day and kind of each event, in the order of the days."""
    (line,) = time_lines(files, pl.DataFrame({"order_id": [order_id]}), config, as_of)
    first = day_number(as_of)
    pairs = zip(line[::2], line[1::2], strict=True)
    return [
        {"day": calendar_day(first + day).isoformat(), "event": KINDS[kind]} for kind, day in pairs
    ]


def _contacts(
    workspace: Workspace, tables: Tables, order_id: str, zone: str
) -> list[dict[str, Any]]:
    """Contacts of the source before the night, and all of our own, oldest first."""
    columns = ["contact_id", "order_id", "outcome", "occurred_at"]
    own = read_own(workspace).filter(pl.col("order_id") == order_id)
    both = pl.concat([own.select(columns), tables["contacts"].select(columns)])
    rows = both.unique("contact_id", keep="first").sort("occurred_at", "contact_id")
    return [
        {"at": _local(row["occurred_at"], zone), "outcome": row["outcome"]}
        for row in rows.iter_rows(named=True)
    ]


def _disputes(tables: Tables, zone: str) -> list[dict[str, Any]]:
    """The steps of the order's disputes, oldest first."""
    names = ("dispute_id", "step", "cause", "reason", "actor", "liable")
    steps = neutral_frame(tables["disputes"].sort("occurred_at", "step_id"))
    return [
        {"at": _local(row["occurred_at"], zone)} | {name: row[name] for name in names}
        for row in steps.iter_rows(named=True)
    ]


def _local(moment: datetime | None, zone: str) -> str:
    """A moment in the store's zone, like 2026-05-03 14:00; empty for None."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M") if moment else ""
