"""What the pages of the board send and ask while agents work: entries, and the changes of others.

A page asks for changes every two seconds, with the number of the last entry that it has seen. The
answer is small: the state of the buyers with newer entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
from flask import Flask, g, jsonify, request
from sqlalchemy.exc import OperationalError

from pipeline.board.board_sender import shown_error
from pipeline.board.sign_in import Access, csrf_token
from pipeline.desk.desk_state import EntryKind, Member, NotAllowed
from pipeline.desk.desk_work import Asked, Desk
from pipeline.desk.order_search import order_by_id
from pipeline.load.contacts import read_own
from pipeline.output.contact_list_columns import OUTCOMES
from pipeline.output.safe_text import neutral_text
from pipeline.settings.errors import UserError

_ORDER_KINDS = frozenset(EntryKind) - {
    EntryKind.signed_in,
    EntryKind.sign_in_refused,
    EntryKind.drafts_released,
}


def add_desk_routes(app: Flask, desk: Desk, access: Access) -> None:
    """Add the paths below `/desk`."""

    @app.get("/desk/changes")
    def changes() -> Any:
        since = request.args.get("since", "0")
        number = desk.log.last_number()
        # a number of another log, or text, gets everything anew
        known = int(since) if since.isdigit() and len(since) < 16 else 0
        buyers = desk.log.buyers_since(known) if known != number else set()
        return jsonify(number=number, buyers=states_json(desk, buyers))

    @app.post("/desk/entries")
    def entries() -> Any:
        form, member = request.form, g.member
        if form.get("kind") not in _ORDER_KINDS:
            return _problem("desk.bad_entry"), 400
        ids = order_by_id(desk.store.table_files(), form.get("order", ""))
        if ids is None:
            return _problem("desk.no_order"), 404
        order_id, buyer_id = ids
        number = form.get("number", "")
        asked = Asked(
            EntryKind(form["kind"]),
            order_id,
            {name: form.get(name, "") for name in _VALUES},
            night=form.get("night", ""),
            number=int(number) if number.isdigit() and len(number) < 16 else 0,
        )
        try:
            desk.make(asked, buyer_id, member, access.names())
        except NotAllowed as error:
            answer = {"key": error.key, "values": error.values}
            buyers = states_json(desk, [buyer_id])
            return jsonify(problem=answer, buyers=buyers), 409
        except OperationalError:
            return _problem("desk.busy"), 503
        except UserError as error:
            return jsonify(problem={"text": shown_error(desk.store, error)}, buyers={}), 409
        return jsonify(number=desk.log.last_number(), buyers=states_json(desk, [buyer_id]))


_VALUES = ("to", "until", "text", "outcome", "contacted_at")


def _problem(key: str) -> Any:
    return jsonify(problem={"key": key, "values": {}}, buyers={})


def states_json(desk: Desk, buyer_ids: Iterable[str]) -> dict[str, Any]:
    """The state of each buyer who has entries, by the buyer id as a page shows it."""
    states = desk.states(buyer_ids).items()
    return {neutral_text(buyer): _with_shown_ids(state.as_json()) for buyer, state in states}


def _with_shown_ids(state: dict[str, Any]) -> dict[str, Any]:
    for entry in [*state["notes"], *state["contacts"], *([state["last"]] if state["last"] else [])]:
        entry["order_id"] = neutral_text(entry["order_id"])
        # facts of the store, which no page needs
        entry.pop("before", None)
        entry.pop("after", None)
    return state


def desk_data(
    desk: Desk, access: Access, member: Member, night: str, rows: Iterable[tuple[str, str]]
) -> Mapping[str, Any]:
    """What the script of the desk reads: who is signed in, the token of the forms, the state of the
    buyers of these (order, buyer) rows, and the contacts of the night that came by a sheet."""
    pairs = list(rows)
    # first the number: an entry that is made meanwhile is sent again, and none is missed
    number = desk.log.last_number()
    return {
        "number": number,
        "user": member.name,
        "is_lead": member.is_lead,
        "members": access.names(),
        "has_login": access.needs_login,
        "token": csrf_token(),
        "today": desk.now().date().isoformat(),
        "outcomes": OUTCOMES,
        "night": night,
        "buyers": states_json(desk, {buyer for _, buyer in pairs}),
        "sheet": _sheet_contacts(desk, night, dict(pairs)),
    }


def _sheet_contacts(desk: Desk, night: str, buyers: Mapping[str, str]) -> dict[str, Any]:
    """`order id -> time and outcome` of the night's contacts that were not made on the board."""
    if not night:
        return {}
    zone = str(desk.store.read_ingest_facts()["zone"])
    at = pl.col("occurred_at").dt.convert_time_zone(zone).dt.to_string("%Y-%m-%d %H:%M")
    own = read_own(desk.store).filter(pl.col("contact_id").str.starts_with(f"sheet:{night}:"))
    entries = desk.log.by_buyer(set(buyers.values()))
    on_board = {
        (entry.order_id, entry.value["night"])
        for of_buyer in entries.values()
        for entry in of_buyer
        if entry.kind == EntryKind.contacted
    }
    return {
        neutral_text(order): {"contacted_at": moment, "outcome": outcome or ""}
        for order, moment, outcome in own.select("order_id", at, "outcome").iter_rows()
        if order in buyers and (order, night) not in on_board
    }
