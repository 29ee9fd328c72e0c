"""Make an entry of the desk: check it against the state of the buyer, and write it. A contact also
becomes a fact of the store, in the same way as with `make contacts`."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.desk.desk_log import DeskLog
from pipeline.desk.desk_state import (
    LONGEST_NOTE,
    BuyerState,
    DeskEntry,
    EntryKind,
    Member,
    NotAllowed,
    check_entry,
    entry_to_undo,
    fold_entries,
)
from pipeline.load.contacts import contact_of, put_contact_back, take_contacts
from pipeline.output.contact_list_columns import OUTCOMES
from pipeline.output.safe_text import plain_text
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Asked:
    """What an agent asks for: an entry on an order. `night`: the list that they work from, if any;
    `number`: of the entry to undo."""

    kind: EntryKind
    order_id: str
    value: Mapping[str, Any]
    night: str = ""
    number: int = 0


class Desk:
    """The shared work on the orders of one workspace."""

    def __init__(self, store: Workspace) -> None:
        self.store, self.log = store, DeskLog(store.folder)

    def now(self) -> datetime:
        """The moment of an entry, in the store's zone."""
        zone = str(self.store.read_ingest_facts()["zone"])
        return datetime.now(UTC).astimezone(ZoneInfo(zone))

    def states(self, buyer_ids: Iterable[str]) -> dict[str, BuyerState]:
        """The state of each of these buyers who has an entry."""
        by_buyer = self.log.by_buyer(set(buyer_ids))
        return {buyer: fold_entries(entries) for buyer, entries in by_buyer.items()}

    def record(
        self, member: Member, kind: EntryKind, value: Mapping[str, Any] | None = None
    ) -> None:
        """Add an entry without an order, such as a sign-in."""
        at = _utc(datetime.now(UTC))
        with self.log.writing() as connection:
            self.log.add(connection, at=at, user=member.name, kind=kind, value=value)

    def make(self, asked: Asked, buyer_id: str, member: Member, members: Iterable[str]) -> int:
        """Make the entry; returns its number. Raises `NotAllowed` if the state of the buyer or the
        role does not allow it, and `BadInput` for a value that is wrong."""
        if asked.kind == EntryKind.undo:
            return self._undo(asked, buyer_id, member)
        now, value = self.now(), _checked_value(asked, self.now())
        members = list(members)
        with self.log.writing() as connection:
            state = fold_entries(self.log.entries_of(connection, buyer_id))
            check_entry(state, member, asked.kind, value, members=members, today=now.date())
            if asked.kind != EntryKind.contacted:
                return self._add(connection, asked, buyer_id, member, value)
        # taking a contact may wait for other contacts, and no one else should wait meanwhile
        taken = self._take(asked, value)
        with self.log.writing() as connection:
            return self._add(connection, asked, buyer_id, member, {**value, **taken})

    def _add(
        self, connection: Any, asked: Asked, buyer_id: str, member: Member, value: Mapping[str, Any]
    ) -> int:
        return self.log.add(
            connection,
            at=_utc(datetime.now(UTC)),
            user=member.name,
            kind=asked.kind,
            order_id=asked.order_id,
            buyer_id=buyer_id,
            value=value,
        )

    def _take(self, asked: Asked, value: Mapping[str, Any]) -> dict[str, Any]:
        """Store the contact as a fact; returns its id and the contact that it replaced."""
        row = [asked.order_id, asked.night, value["contacted_at"], value["outcome"]]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([["order_id", "as_of", "contacted_at", "outcome"], row])
        night = asked.night or value["contacted_at"][:10]
        with tempfile.TemporaryDirectory() as folder, self.opened() as workspace:
            file = Path(folder) / f"board-{night}.csv"
            file.write_text(text.getvalue(), encoding="utf-8")
            before = contact_of(workspace, night, asked.order_id)
            take_contacts(workspace, Progress(), file=file, must_take=True)
            after = contact_of(workspace, night, asked.order_id)
        return {"night": night, "before": before, "after": after}

    def _undo(self, asked: Asked, buyer_id: str, member: Member) -> int:
        with self.log.writing() as connection:
            entries = self.log.entries_of(connection, buyer_id)
            entry = entry_to_undo(entries, member, asked.number)
        if entry.kind == EntryKind.contacted:
            # before the entry: if the contact cannot be withdrawn, nothing is undone, and if the
            # process ends here, undoing again has the same result
            with self.opened() as workspace:
                night, row = entry.value["night"], contact_without(entry, entries)
                put_contact_back(workspace, night, entry.order_id, row)
        with self.log.writing() as connection:
            # another agent may have undone it since
            entry = entry_to_undo(self.log.entries_of(connection, buyer_id), member, asked.number)
            return self.log.add(
                connection,
                at=_utc(datetime.now(UTC)),
                user=member.name,
                kind=EntryKind.undo,
                order_id=entry.order_id,
                buyer_id=buyer_id,
                undoes=entry.number,
            )

    @contextmanager
    def opened(self) -> Iterator[Workspace]:
        """The workspace for one request; each has its own view of it."""
        workspace = Workspace(self.store.folder, "board")
        with workspace.shared():
            yield workspace


def contact_without(entry: DeskEntry, entries: Iterable[DeskEntry]) -> dict[str, Any] | None:
    """The contact of the order and night of `entry` as it would be without it: that of the last
    other entry that counts, else what was there before the first one; None for no contact."""
    every = list(entries)

    def is_same(other: DeskEntry) -> bool:
        is_contact = other.kind == EntryKind.contacted and other.order_id == entry.order_id
        return is_contact and other.value["night"] == entry.value["night"]

    others = [e for e in fold_entries(every).contacts if is_same(e) and e.number != entry.number]
    if others:
        return others[-1].value["after"]  # type: ignore[no-any-return]
    return next(e for e in every if is_same(e)).value["before"]  # type: ignore[no-any-return]


def _checked_value(asked: Asked, now: datetime) -> dict[str, Any]:
    """The value of an entry with only what its kind needs. Raises `NotAllowed` or `BadInput`."""
    given = {name: str(text or "") for name, text in asked.value.items()}
    if asked.kind == EntryKind.assign:
        return {"to": given.get("to", "")}
    if asked.kind == EntryKind.note:
        text = plain_text(given.get("text", ""))[:LONGEST_NOTE].strip()
        if not text:
            raise NotAllowed("desk.empty_note")
        return {"text": text}
    if asked.kind == EntryKind.snooze:
        return {"until": _day(given.get("until", ""))}
    if asked.kind == EntryKind.contacted:
        outcome = given.get("outcome", "")
        at = given.get("contacted_at", "") or now.strftime("%Y-%m-%d %H:%M")
        if not MOMENT.fullmatch(at):
            raise NotAllowed("desk.bad_time")
        if outcome and outcome not in OUTCOMES:
            raise BadInput(f"outcome: must be one of {', '.join(OUTCOMES)}.")
        return {"contacted_at": at, "outcome": outcome}
    return {}


def _day(text: str) -> str:
    """The day as it is, or empty: the buyer wakes up now."""
    if not text:
        return ""
    try:
        return date.fromisoformat(text if DAY.fullmatch(text) else "-").isoformat()
    except ValueError:
        raise NotAllowed("desk.no_day") from None


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
