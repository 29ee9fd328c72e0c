"""The state of the work on one buyer, folded from the entries of the log, and which entry may come
next.

A claim, an assignment and a snooze hold for the buyer with all of their orders, because one person
writes to one buyer. A note and a contact belong to an order. An undone entry counts as if it had
never been made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from features.clock import is_before

LONGEST_NOTE = 2_000
LONGEST_SNOOZE_DAYS = 90


class Role(StrEnum):
    """What a user may do: an agent works on orders, a lead also on those of others, and a reader
    only reads the API."""

    agent = "agent"
    lead = "lead"
    reader = "reader"


class EntryKind(StrEnum):
    """What an entry of the log says."""

    claim = "claim"
    release = "release"
    assign = "assign"
    snooze = "snooze"
    note = "note"
    contacted = "contacted"
    undo = "undo"
    # without an order
    signed_in = "signed_in"
    sign_in_refused = "sign_in_refused"
    # drafts of a night, to be sent by the shop's channel
    drafts_released = "drafts_released"


@dataclass(frozen=True)
class DeskEntry:
    """One entry of the log. `number` counts from 1; `at` is UTC, like 2026-05-03T06:00:00Z;
    `value` is what the kind needs: `to`, `until`, `text`, or `outcome` with `contacted_at`;
    `undoes`: the number of the entry that an undo takes back."""

    number: int
    at: str
    user: str
    kind: str
    order_id: str
    buyer_id: str
    value: Mapping[str, Any] = field(default_factory=dict)
    undoes: int | None = None


@dataclass(frozen=True)
class Member:
    """Who asks: a name and a role."""

    name: str
    role: Role

    @property
    def is_lead(self) -> bool:
        return self.role == Role.lead


class NotAllowed(Exception):
    """The entry may not be made now. `key` is a key of the page's words, `values` fill it."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.key, self.values = key, values


@dataclass(frozen=True)
class BuyerState:
    """What the desk knows of a buyer. `notes` and `contacts` are oldest first; `entries` are the
    entries that still count."""

    assignee: str | None = None
    snoozed_until: str | None = None
    notes: Sequence[DeskEntry] = ()
    contacts: Sequence[DeskEntry] = ()
    entries: Sequence[DeskEntry] = ()

    def as_json(self) -> dict[str, Any]:
        """The state for a page and for the API, with the last entry that can be undone."""
        last = self.entries[-1] if self.entries else None
        return {
            "assignee": self.assignee,
            "snoozed_until": self.snoozed_until,
            "notes": [_shown(entry) for entry in self.notes],
            "contacts": [_shown(entry) for entry in self.contacts],
            "last": None if last is None else _shown(last),
        }


def _shown(entry: DeskEntry) -> dict[str, Any]:
    shown = {"number": entry.number, "by": entry.user, "at": entry.at, "kind": entry.kind}
    return {**shown, "order_id": entry.order_id, **entry.value}


def fold_entries(entries: Iterable[DeskEntry]) -> BuyerState:
    """The state of one buyer after these entries, which are in the order of their numbers."""
    every = list(entries)
    undone = {entry.undoes for entry in every if entry.kind == EntryKind.undo}
    valid = [e for e in every if e.kind != EntryKind.undo and e.number not in undone]
    assignee, snoozed_until = None, None
    for entry in valid:
        if entry.kind == EntryKind.claim:
            assignee = entry.user
        elif entry.kind == EntryKind.assign:
            assignee = entry.value["to"]
        elif entry.kind == EntryKind.release:
            assignee = None
        elif entry.kind == EntryKind.snooze:
            snoozed_until = entry.value["until"] or None
        elif entry.kind == EntryKind.contacted:
            # a buyer who was written to sleeps no longer
            snoozed_until = None
    return BuyerState(
        assignee,
        snoozed_until,
        tuple(e for e in valid if e.kind == EntryKind.note),
        tuple(e for e in valid if e.kind == EntryKind.contacted),
        tuple(valid),
    )


def check_entry(
    state: BuyerState,
    member: Member,
    kind: EntryKind,
    value: Mapping[str, Any],
    *,
    members: Iterable[str],
    today: date,
) -> None:
    """Raises `NotAllowed` unless `member` may make this entry on the buyer now.

    `members`: who an order can be assigned to; `today`: the day in the store's zone.
    """
    if kind == EntryKind.note:
        # everyone may say what they know
        return
    if kind == EntryKind.assign and not member.is_lead:
        raise NotAllowed("desk.only_leads")
    if kind == EntryKind.assign and value["to"] not in set(members):
        raise NotAllowed("desk.no_such_member", user=value["to"])
    if kind == EntryKind.snooze and value["until"]:
        _check_snooze(value["until"], today)
    is_others = state.assignee is not None and state.assignee != member.name
    # even a lead takes over by assigning, so that a claim made at the same moment is not lost
    if is_others and (kind == EntryKind.claim or not member.is_lead):
        raise NotAllowed("desk.claimed_by", user=str(state.assignee))


def _check_snooze(until: str, today: date) -> None:
    day = date.fromisoformat(until)
    latest = today + timedelta(days=LONGEST_SNOOZE_DAYS)
    if not is_before(today, day) or is_before(latest, day):
        raise NotAllowed("desk.bad_day", first=str(today + timedelta(days=1)), last=str(latest))


def entry_to_undo(entries: Sequence[DeskEntry], member: Member, number: int) -> DeskEntry:
    """The entry with this number of one buyer, if `member` may undo it: it is their own, or they
    are a lead, and it has not been undone. Raises `NotAllowed`."""
    entry = next((e for e in fold_entries(entries).entries if e.number == number), None)
    if entry is None:
        raise NotAllowed("desk.already_undone")
    if entry.user != member.name and not member.is_lead:
        raise NotAllowed("desk.not_yours", user=entry.user)
    return entry
