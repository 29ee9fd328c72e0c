"""The log of the desk, `desk.sqlite` in the workspace: who did what on which order, and when.

Entries are only ever added; the database refuses to change or delete one. The state of a buyer is
what their entries add up to, so the log is the state, and every reader sees the same. A night does
not touch the file.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.desk.desk_state import DeskEntry
from pipeline.settings.errors import Damaged

FILE = "desk.sqlite"
# how long a writer waits for another one, whose turn takes milliseconds
BUSY_SECONDS = 30.0
# SQLite takes at most 32,766 values in one statement
_MOST_VALUES = 10_000
_METADATA = sa.MetaData()
_ENTRIES = sa.Table(
    "entries",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("user", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("order_id", sa.String, nullable=False, index=True),
    sa.Column("buyer_id", sa.String, nullable=False, index=True),
    sa.Column("value", sa.String, nullable=False),
    sa.Column("undoes", sa.Integer, nullable=True, unique=True),
    sqlite_autoincrement=True,
)
_KEEP = """create trigger if not exists entries_{event} before {event} on entries
begin select raise(abort, 'an entry of the log is never changed'); end"""


class DeskLog:
    """The log of one workspace. Threads and processes may share it."""

    def __init__(self, workspace: Path) -> None:
        """Raises `Damaged` if the file is not a database of this program."""
        self.path = workspace / FILE
        self._engine = _open_engine(self.path)
        try:
            with self.writing() as connection:
                _METADATA.create_all(connection)
                for event in ("update", "delete"):
                    connection.execute(sa.text(_KEEP.format(event=event)))
        except sa.exc.DatabaseError as error:
            raise Damaged(
                f"{self.path}: cannot be used ({error.orig}). Restore it from a backup, or move it "
                "away: the board then starts with an empty log."
            ) from None
        self.path.chmod(0o600)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is the only writer from its start, so that what it has read stays true
        until it has written."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("rollback")
                raise
            connection.exec_driver_sql("commit")

    def add(
        self,
        connection: sa.Connection,
        *,
        at: str,
        user: str,
        kind: str,
        order_id: str = "",
        buyer_id: str = "",
        value: Mapping[str, Any] | None = None,
        undoes: int | None = None,
    ) -> int:
        """Add an entry within a transaction of `writing`; returns its number."""
        text = json.dumps(value or {}, ensure_ascii=False)
        row = {"at": at, "user": user, "kind": str(kind), "order_id": order_id}
        row |= {"buyer_id": buyer_id, "value": text}
        statement = _ENTRIES.insert().values(**row, undoes=undoes)
        (number,) = connection.execute(statement).inserted_primary_key or (0,)
        return int(number)

    def entries_of(self, connection: sa.Connection, buyer_id: str) -> list[DeskEntry]:
        """The entries of a buyer within a transaction, oldest first."""
        return _read(connection, _ENTRIES.c.buyer_id == buyer_id)

    def last_number(self) -> int:
        """The number of the newest entry; 0 without entries."""
        with self._engine.connect() as connection:
            return int(connection.scalar(sa.select(sa.func.max(_ENTRIES.c.number))) or 0)

    def by_buyer(self, buyer_ids: Collection[str]) -> dict[str, list[DeskEntry]]:
        """The entries of each of these buyers who has any, oldest first."""
        entries: dict[str, list[DeskEntry]] = {}
        ids = sorted(set(buyer_ids))
        with self._engine.connect() as connection:
            for start in range(0, len(ids), _MOST_VALUES):
                chunk = ids[start : start + _MOST_VALUES]
                for entry in _read(connection, _ENTRIES.c.buyer_id.in_(chunk)):
                    entries.setdefault(entry.buyer_id, []).append(entry)
        return entries

    def buyers_since(self, number: int) -> set[str]:
        """The buyers with an entry after `number`."""
        chosen = sa.select(_ENTRIES.c.buyer_id).where(_ENTRIES.c.number > number).distinct()
        with self._engine.connect() as connection:
            return {buyer for buyer in connection.scalars(chosen) if buyer}

    def buyers_of(self, user: str) -> set[str]:
        """The buyers on whom a user has an entry, or who were assigned to them."""
        to = sa.func.json_extract(_ENTRIES.c.value, "$.to")
        chosen = sa.select(_ENTRIES.c.buyer_id).where(
            sa.or_(_ENTRIES.c.user == user, to == user), _ENTRIES.c.buyer_id != ""
        )
        with self._engine.connect() as connection:
            return set(connection.scalars(chosen.distinct()))

    def newest(self, count: int) -> list[DeskEntry]:
        """The newest entries, newest first."""
        with self._engine.connect() as connection:
            newest = _ENTRIES.select().order_by(_ENTRIES.c.number.desc()).limit(count)
            return [_entry(row) for row in connection.execute(newest)]


def _read(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[DeskEntry]:
    rows = connection.execute(_ENTRIES.select().where(which).order_by(_ENTRIES.c.number))
    return [_entry(row) for row in rows]


def _entry(row: Any) -> DeskEntry:
    number, at, user, kind, order_id, buyer_id, value, undoes = row
    return DeskEntry(number, at, user, kind, order_id, buyer_id, json.loads(value), undoes)


def _open_engine(path: Path) -> sa.Engine:
    # transactions begin and end by our own statements: the driver would begin one only with the
    # first write, after what was read may have changed
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": BUSY_SECONDS},
        # threads of the server take turns with these
        pool_size=20,
        max_overflow=40,
    )

    @sa.event.listens_for(engine, "connect")
    def set_journal(connection: Any, _: Any) -> None:
        connection.execute("pragma journal_mode=wal")
        # an entry is on the disk before the agent sees it as made
        connection.execute("pragma synchronous=full")

    return engine
