"""What was sent, in `deliveries.db` of the workspace, so that nothing is sent twice.

Before a message leaves, a row says `intended`; after its receiver took it, the row says `sent`. A
process that is killed between the two leaves `intended`. The next run then sends again under the
same key, by which the receiver drops the second one. Every change is one transaction that is on
the disk before the program goes on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

from pipeline.settings.errors import Damaged, DiskTrouble, WorkspaceBusy
from pipeline.workspace.file_modes import close_to_others

FILE = "deliveries.db"
INTENDED, SENT, FAILED = "intended", "sent", "failed"
WAIT_SECONDS = 60.0
_TABLES = """
CREATE TABLE IF NOT EXISTS deliveries (
    night TEXT NOT NULL,
    target TEXT NOT NULL,
    order_id TEXT NOT NULL DEFAULT '',
    key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('intended', 'sent', 'failed')),
    run_id TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    is_contact INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (night, target, order_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS releases (
    night TEXT NOT NULL,
    order_id TEXT NOT NULL,
    draft_sha256 TEXT NOT NULL,
    released_by TEXT NOT NULL,
    released_at TEXT NOT NULL,
    PRIMARY KEY (night, order_id)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class DeliveryId:
    """One thing to send: a night to a target or, with `order_id`, one order of it. `run_id`: the
    run of the night that it is made from."""

    store: str
    night: str
    target: str
    run_id: str
    order_id: str = ""

    @property
    def key(self) -> str:
        """The same on every try, on every machine and for every run of the night: receivers drop
        what they already have under this key."""
        parts = "\0".join((self.store, self.night, self.target, self.order_id))
        return sha256(parts.encode()).hexdigest()[:40]


class DeliveryRecord:
    """The record of one workspace, while it is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def state(self, sending: DeliveryId) -> str | None:
        """`intended`, `sent`, `failed`, or None if it was never tried."""
        row = self.connection.execute(
            "SELECT state FROM deliveries WHERE night = ? AND target = ? AND order_id = ?",
            (sending.night, sending.target, sending.order_id),
        ).fetchone()
        return str(row[0]) if row else None

    def write(self, sending: DeliveryId, state: str, detail: str = "") -> None:
        """Set the state. What was sent stays sent."""
        with self.connection:
            self.connection.execute(
                "INSERT INTO deliveries (night, target, order_id, key, state, run_id, changed_at, "
                "detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "state = excluded.state, run_id = excluded.run_id, "
                "changed_at = excluded.changed_at, detail = excluded.detail "
                "WHERE deliveries.state != 'sent'",
                (
                    sending.night,
                    sending.target,
                    sending.order_id,
                    sending.key,
                    state,
                    sending.run_id,
                    datetime.now(UTC).isoformat(timespec="seconds"),
                    detail[:500],
                ),
            )

    def orders_in(self, night: str, target: str, state: str) -> set[str]:
        """The orders of a night that are in this state."""
        rows = self.connection.execute(
            "SELECT order_id FROM deliveries WHERE night = ? AND target = ? AND state = ?",
            (night, target, state),
        )
        return {str(order_id) for (order_id,) in rows}

    def moments(self, target: str, days: Sequence[date]) -> list[datetime]:
        """When, on these UTC days, messages left or may have left for a target."""
        rows = self.connection.execute(
            "SELECT changed_at FROM deliveries WHERE target = ? AND state != 'failed' "
            f"AND substr(changed_at, 1, 10) IN ({', '.join('?' * len(days))})",
            (target, *(day.isoformat() for day in days)),
        )
        return [datetime.fromisoformat(moment) for (moment,) in rows]


@contextmanager
def open_record(folder: Path, *, is_dry: bool = False) -> Iterator[DeliveryRecord]:
    """The record of the workspace in `folder`, made if there is none. `is_dry`: only read it; if
    there is none, it is an empty one in memory.

    Raises `Damaged` if the file is not one: to send again without it could send everything twice.
    """
    path = folder / FILE
    try:
        name = ":memory:" if is_dry and not path.exists() else str(path)
        with closing(sqlite3.connect(name, timeout=WAIT_SECONDS)) as connection:
            # a process that is killed while the disk still writes has recorded it all the same:
            # with a rollback journal, the change would count only after the disk has written
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_TABLES)
            close_to_others(path)
            yield DeliveryRecord(connection)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise WorkspaceBusy(
                f"{path}: another step is writing to it. Run again when that step has ended."
            ) from None
        if "unable to open" in str(error):
            raise DiskTrouble(
                f"{path}: cannot be opened. Check that it is a file that you may write to."
            ) from None
        # a full or read-only disk, which is reported as such
        raise
    except sqlite3.DatabaseError as error:
        raise Damaged(
            f"{path}: is damaged ({error}). It says what was already sent. Restore it from a "
            "backup; if you have none, check with the receivers before you move it away, because "
            "all nights that you then deliver are sent again."
        ) from None
