"""Erase a buyer from the SQLite files of a workspace: the log of the desk, the record of
deliveries, and the queues of `make pull`. Freed pages are overwritten, and the file is written
anew."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.deliver.delivery_record import FILE as DELIVERIES
from pipeline.desk.desk_log import FILE as DESK
from pipeline.desk.desk_state import EntryKind
from pipeline.forget.buyer_traces import BuyerTraces
from pipeline.sources.erased_ids import PREFIX
from pipeline.sources.parcelservices.parcel_state import ENDED

WAIT_SECONDS = 60.0
# what stays of a note
NOTE = '{"text": "erased"}'


def erase_database(path: Path, traces: BuyerTraces, *, is_dry: bool) -> bool:
    """Erase the buyer; returns whether there was something to erase. With `is_dry`, only look.

    All changes are one transaction. Raises `sqlite3.Error` if the file is no database, or in use.
    """
    with closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete = ON")
        database.execute("BEGIN IMMEDIATE")
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        kept = triggers.fetchall()
        for name, _ in kept:
            # the log refuses every change, also this one
            database.execute(f'DROP TRIGGER "{name}"')
        count = _erase_rows(database, path.name, traces) + _hide_ids(database, traces)
        count += _end_parcels(database)
        for _, sql in kept:
            database.execute(sql)
        database.execute("ROLLBACK" if is_dry or not count else "COMMIT")
        if not is_dry:
            # also after a run that was killed before this
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count > 0


def _erase_rows(database: sqlite3.Connection, name: str, traces: BuyerTraces) -> int:
    """Erase what people wrote, and releases of drafts, from the rows of the buyer's orders."""
    count = 0
    for order_id in traces.orders:
        if name == DESK:
            count += database.execute(
                "UPDATE entries SET value = ? WHERE order_id = ? AND kind = ? AND value != ?",
                (NOTE, order_id, EntryKind.note, NOTE),
            ).rowcount
        elif name == DELIVERIES:
            count += database.execute(
                "UPDATE deliveries SET detail = '' WHERE order_id = ? AND detail != ''", (order_id,)
            ).rowcount
            # the digest of a text that is gone; nothing may be sent by it
            count += database.execute(
                "DELETE FROM releases WHERE order_id = ?", (order_id,)
            ).rowcount
    return count


def _end_parcels(database: sqlite3.Connection) -> int:
    """No longer ask a tracking service about parcels whose numbers are gone."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'parcels'"
    if database.execute(query).fetchone() is None:
        return 0
    return database.execute(
        "UPDATE parcels SET state = ?, position = NULL, reason = '', is_reported = 1 "
        "WHERE number LIKE ? AND state != ?",
        (ENDED, f"{PREFIX}%", ENDED),
    ).rowcount


def _hide_ids(database: sqlite3.Connection, traces: BuyerTraces) -> int:
    """Replace the ids in every text of every table."""
    count = 0
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
        for column in columns:
            query = f'SELECT DISTINCT "{column}" FROM "{table}" WHERE typeof("{column}") = ?'
            for (text,) in database.execute(query, ("text",)).fetchall():
                hidden = traces.hide_cell(column, text)
                if hidden != text:
                    count += database.execute(
                        f'UPDATE OR REPLACE "{table}" SET "{column}" = ? WHERE "{column}" = ?',
                        (hidden, text),
                    ).rowcount
    return count
