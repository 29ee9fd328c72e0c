"""Which drafts a person released, in the record of deliveries. A release is bound to the text: a
draft that changed afterwards needs another one."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pipeline.deliver.bulk.automatic_drafts import AutomaticDraft
from pipeline.deliver.delivery_record import DeliveryRecord
from pipeline.settings.errors import BadInput
from pipeline.workspace.run_log import note

ALL = "all"


def chosen_drafts(text: str, drafts: Sequence[AutomaticDraft], night: str) -> list[AutomaticDraft]:
    """The drafts that `text` names: `all`, or order ids between commas or spaces. Raises `BadInput`
    for an order without such a draft."""
    if text.strip() == ALL:
        return list(drafts)
    by_order = {draft.order_id: draft for draft in drafts}
    names = [name for name in re.split(r"[\s,]+", text) if name]
    if not names:
        raise BadInput("RELEASE: write all, or order ids with commas between them.")
    if unknown := [name for name in names if name not in by_order]:
        raise BadInput(
            f"RELEASE: order {unknown[0]!r:.60} has no draft of {night} that the channel may send "
            f"({len(unknown)} of {len(names)} orders). The channel sends actions with sent_by = "
            '"automatic", and never to buyers who are held out. Nothing was released.'
        )
    return [by_order[name] for name in dict.fromkeys(names)]


def seen_drafts(seen: Mapping[str, str], drafts: Sequence[AutomaticDraft]) -> list[AutomaticDraft]:
    """The drafts that a person saw on a page: `seen` has the digest of what they saw, by order id.
    A draft that the night changed meanwhile is not among them."""
    return [draft for draft in drafts if seen.get(draft.order_id) == draft.sha256]


def release(record: DeliveryRecord, night: str, drafts: Sequence[AutomaticDraft], by: str) -> int:
    """Record the releases, made by the person `by`, in one transaction. Returns how many are new or
    renewed."""
    known = released(record, night)
    new = [d for d in drafts if d.order_id not in known or known[d.order_id][0] != d.sha256]
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with record.connection:
        record.connection.executemany(
            "INSERT OR REPLACE INTO releases VALUES (?, ?, ?, ?, ?)",
            [(night, draft.order_id, draft.sha256, by, at) for draft in new],
        )
    note("release", night=night, count=len(new), by=by)
    return len(new)


def released(record: DeliveryRecord, night: str) -> dict[str, tuple[str, str]]:
    """order id -> the digest of the released draft, and when it was released."""
    rows = record.connection.execute(
        "SELECT order_id, draft_sha256, released_at FROM releases WHERE night = ?", (night,)
    )
    return {str(order): (str(digest), str(at)) for order, digest, at in rows}


def person() -> str:
    """The user of this machine who runs the step."""
    try:
        return getpass.getuser()[:60]
    except (KeyError, OSError):
        return f"user {os.getuid()}"
