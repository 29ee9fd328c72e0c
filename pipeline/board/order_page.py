"""The page of one order, whether it is on the list or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from pipeline.board.board_pages import board_page
from pipeline.output.safe_text import neutral_text
from pipeline.pages.html import as_json
from pipeline.pages.page_words import group_words
from pipeline.workspace.workspace import Workspace

SCRIPTS = ("page.js", "desk.js", "order.js")
_REASONS = ("reason_1", "reason_2", "reason_3")


def order_page(
    store: Workspace, report: Mapping[str, Any], desk: Mapping[str, Any], *, can_release: bool
) -> str:
    """The page of an order. `report`: as `order_report` gives it; `desk`: what the script of the
    desk reads; `can_release`: whether to link the page on which a lead releases drafts."""
    listed = report["listed"] or {}
    report = {**report, **{name: neutral_text(report[name]) for name in ("order_id", "buyer_id")}}
    return board_page(
        "order.html",
        scripts=SCRIPTS,
        data={
            "order": report["order_id"],
            "buyer": report["buyer_id"],
            "draft": report["draft_message"],
            "answers": [row["draft_answer"] or "" for row in report["answers"]],
        },
        # the words of the desk are sent once, with the page's own
        desk=as_json({**desk, "words": group_words()}),
        store=store.folder.name,
        order=report,
        token=desk["token"],
        can_release=can_release,
        member=desk["user"] if desk["has_login"] else None,
        events=_with_tonight(report),
        reasons=[(listed[name], _key(listed, name)) for name in _REASONS if listed.get(name)],
        why_action_key=_key(listed, "why_action"),
    )


def _key(listed: Mapping[str, Any], name: str) -> Any:
    """The key of a sentence of the list, for its translation."""
    text = listed.get(f"{name}_key")
    return json.loads(text) if text else None


def _with_tonight(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The time line with the night itself and the last day to contact the buyer, by day."""
    listed, events = report["listed"] or {}, list(report["events"])
    if report["night"]:
        events.append({"day": report["night"], "event": "tonight"})
    contact_by = listed.get("contact_by")
    if isinstance(contact_by, date):
        events.append({"day": contact_by.isoformat(), "event": "contact_by"})
    return sorted(events, key=lambda event: str(event["day"]))
