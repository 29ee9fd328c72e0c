"""The page on which a lead reads the automatic drafts of a night, and releases them to be sent.

A release is bound to the text that the lead saw: if the night was made again meanwhile, and the
draft changed, it is not released.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask, abort, g, redirect, request

from pipeline.board.board_pages import board_page
from pipeline.board.board_sender import BoardSender, shown_error
from pipeline.board.sign_in import Access, csrf_token
from pipeline.deliver.bulk.news_since import CONTACTED, DISPUTED
from pipeline.deliver.bulk.releases import release, seen_drafts
from pipeline.deliver.bulk.send_messages import send_messages
from pipeline.deliver.bulk.send_plan import (
    CHANGED,
    NOT_RELEASED,
    OTHER_ORDER,
    WAITS,
    Bulk,
    bulk_of,
    judged_drafts,
    refuse_old_drafts,
)
from pipeline.deliver.delivery_record import open_record
from pipeline.deliver.published_night import read_night
from pipeline.desk.desk_state import EntryKind
from pipeline.desk.desk_work import Desk
from pipeline.desk.published_nights import newest
from pipeline.output.safe_text import neutral_text, one_line, plain_text
from pipeline.settings.config import Config
from pipeline.settings.errors import UserError
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

# the key of the page's words for each state of a draft
STATES: Mapping[str | None, str] = {
    NOT_RELEASED: "not_released",
    CHANGED: "changed",
    WAITS: "quiet",
    OTHER_ORDER: "other_order",
    CONTACTED: "contacted",
    DISPUTED: "disputed",
    None: "released",
}
# a lead may release a draft in these states
OPEN: frozenset[str | None] = frozenset({NOT_RELEASED, CHANGED})


def add_release_routes(app: Flask, desk: Desk, access: Access, config: Config) -> None:
    """Add the page of each night, which only leads may open, if the shop has a channel."""
    if config.deliver.channel.url is None:
        return

    def send(workspace: Workspace, night: date) -> None:
        send_messages(workspace, config, Progress(), as_of=night)

    sender = app.extensions["board_sender"] = BoardSender(desk.store, send)

    @app.get("/release")
    def newest_release() -> Any:
        run = newest(desk.store) or abort(404)
        return redirect(f"/release/{run.night}", 303)

    @app.get("/release/<day>")
    def release_page(day: str) -> Any:
        try:
            rows = _rows(desk, _bulk(desk, config, _night_for_lead(day)))
        except UserError as error:
            return _page(access, day, sender, [], shown_error(desk.store, error)), 409
        return _page(access, day, sender, rows, sender.problem)

    @app.post("/release/<day>")
    def take_release(day: str) -> Any:
        night = _night_for_lead(day)
        field = "seen" if request.form.get("every") else "chosen"
        seen = dict(_order_and_digest(text) for text in request.form.getlist(field))
        try:
            count = _release(desk, _bulk(desk, config, night), seen)
        except UserError as error:
            return _page(access, day, sender, [], shown_error(desk.store, error)), 409
        if count:
            desk.record(g.member, EntryKind.drafts_released, {"text": f"{day}: {count}"})
        sender.start(night)
        return redirect(f"/release/{day}", 303)


def _night_for_lead(day: str) -> date:
    if not g.member.is_lead:
        abort(403)
    try:
        return date.fromisoformat(day)
    except ValueError:
        abort(404)


def _bulk(desk: Desk, config: Config, night: date) -> Bulk:
    now = datetime.now(UTC)
    with desk.opened() as workspace:
        published = read_night(workspace, config, night)
        refuse_old_drafts(config, published, now)
        return bulk_of(workspace, config, published, lambda: now)


def _rows(desk: Desk, bulk: Bulk) -> list[dict[str, Any]]:
    """One row per draft, as the page shows it. `value`: what the form sends to release it."""
    with open_record(desk.store.folder) as record:
        judged = {draft.order_id: reason for draft, reason in judged_drafts(record, bulk)}
    return [
        {
            "order_id": draft.order_id,
            "shown_id": neutral_text(draft.order_id),
            "language": draft.language,
            "country": one_line(draft.country or "", 20),
            "action": draft.action,
            "text": plain_text(draft.text),
            "state": STATES[judged[draft.order_id]] if draft.order_id in judged else "sent",
            "is_open": judged.get(draft.order_id) in OPEN,
            "value": f"{draft.sha256} {draft.order_id}",
        }
        for draft in bulk.drafts
    ]


def _release(desk: Desk, bulk: Bulk, seen: Mapping[str, str]) -> int:
    chosen = seen_drafts(seen, bulk.drafts)
    with open_record(desk.store.folder) as record:
        return release(record, str(bulk.night.as_of), chosen, g.member.name)


def _order_and_digest(text: str) -> tuple[str, str]:
    digest, _, order_id = text.partition(" ")
    return order_id, digest


def _page(
    access: Access, day: str, sender: BoardSender, rows: list[dict[str, Any]], problem: str
) -> str:
    return board_page(
        "release.html",
        night=one_line(day, 10),
        rows=rows,
        count_open=sum(row["is_open"] for row in rows),
        is_sending=sender.is_sending,
        problem=problem,
        member=g.member if access.needs_login else None,
        token=csrf_token(),
        can_release=True,
    )
