"""What a service was asked about each parcel: one SQLite file, so that nothing is registered or
reported twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

from pipeline.sources.parcelservices.open_parcels import Parcel
from pipeline.sources.parcelservices.parcel_service import (
    AskedAnswer,
    FollowedParcel,
    RegisteredParcels,
)

# waiting: not registered yet; ended: delivered, or followed for long enough
WAITING, FOLLOWED, REFUSED, ENDED = "waiting", "followed", "refused", "ended"
# a service that forgets a registered parcel is asked once more; each time costs quota
MOST_REGISTRATIONS = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS parcels (number TEXT PRIMARY KEY, carrier TEXT, wanted TEXT, code TEXT,
    state TEXT, reason TEXT DEFAULT '', is_reported INTEGER DEFAULT 1,
    count_registered INTEGER DEFAULT 0, registered_at REAL, position INTEGER,
    tried_in TEXT, asked_in TEXT, failed_in TEXT);
CREATE TABLE IF NOT EXISTS shown (number TEXT PRIMARY KEY, digest TEXT);
CREATE INDEX IF NOT EXISTS parcels_by_state ON parcels (state, position);
"""


class ParcelState:
    """The parcels of one account. `run` is the id of this run."""

    def __init__(self, path: Path, run: str) -> None:
        self._run = run
        self._base = sqlite3.connect(path, isolation_level=None)
        with closing(self._base.cursor()) as cursor:
            # what a power cut takes from it, the service says again: it registers nothing twice
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def take(self, parcels: Iterable[Parcel], codes: Mapping[str, str]) -> None:
        """The open parcels, the most important first, and the service's codes by carrier. A refused
        parcel is tried again if its code is another one now. A waiting parcel that is no longer
        open is dropped."""
        rows = [
            (parcel.number, parcel.carrier, codes.get(parcel.carrier, ""), position)
            for position, parcel in enumerate(parcels)
        ]
        with self._transaction():
            self._base.execute(f"UPDATE parcels SET position = NULL WHERE state = '{WAITING}'")
            self._base.executemany(
                "INSERT INTO parcels (number, carrier, wanted, code, state, position) "
                f"VALUES (?1, ?2, ?3, ?3, '{WAITING}', ?4) ON CONFLICT (number) DO UPDATE SET "
                "position = excluded.position, carrier = excluded.carrier, "
                f"state = CASE WHEN state = '{REFUSED}' AND wanted <> excluded.wanted "
                f"THEN '{WAITING}' ELSE state END, "
                f"code = CASE WHEN state IN ('{WAITING}', '{REFUSED}') THEN excluded.wanted "
                "ELSE code END, wanted = excluded.wanted",
                rows,
            )
            # one that was registered before keeps its count
            self._base.execute(
                f"DELETE FROM parcels WHERE state = '{WAITING}' AND position IS NULL "
                "AND count_registered = 0"
            )

    def to_register(self, count: int) -> list[FollowedParcel]:
        """The next waiting parcels that this run has not tried."""
        return self._parcels("tried_in", WAITING, count)

    def to_ask(self, count: int) -> list[FollowedParcel]:
        """The next registered parcels that this run has not asked about."""
        return self._parcels("asked_in", FOLLOWED, count)

    def registered(
        self, parcels: Iterable[FollowedParcel], done: RegisteredParcels, seconds: float
    ) -> None:
        """Store what became of these parcels; those that were not answered stay waiting."""
        with self._transaction():
            for parcel in parcels:
                number = parcel.number
                self._set(number, "tried_in = ?", self._run)
                if number in done.followed:
                    self._set(
                        number,
                        "state = ?, code = ?, registered_at = ?, "
                        "count_registered = count_registered + 1",
                        FOLLOWED,
                        done.followed[number],
                        seconds,
                    )
                elif number in done.refused:
                    self._refuse(number, done.refused[number])

    def is_shown(self, number: str, digest: str) -> bool:
        """Whether the last kept answer about the parcel showed the scans with this digest."""
        row = self._base.execute("SELECT digest FROM shown WHERE number = ?", (number,)).fetchone()
        return row is not None and row[0] == digest

    def asked(
        self,
        parcels: Iterable[FollowedParcel],
        answer: AskedAnswer,
        news: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Store which of these parcels were answered, delivered or forgotten, and the digests of
        what was kept about them (`news`)."""
        with self._transaction():
            self._base.executemany("INSERT OR REPLACE INTO shown VALUES (?, ?)", news.items())
            for parcel in parcels:
                number = parcel.number
                self._set(number, "asked_in = ?", self._run)
                if number not in answer.answered:
                    self._set(number, "failed_in = ?", self._run)
                if number in answer.delivered:
                    self._set(number, "state = ?", ENDED)
                elif number in answer.forgotten:
                    self._forget(number)

    def end_before(self, seconds: float) -> None:
        """No longer ask about parcels that were registered before this time."""
        self._base.execute(
            f"UPDATE parcels SET state = '{ENDED}' WHERE state = '{FOLLOWED}' "
            "AND registered_at < ?",
            (seconds,),
        )

    def new_refusals(self) -> list[tuple[str, str, int, str]]:
        """(reason, carrier, number of parcels, one of them) of refusals not reported yet."""
        return self._base.execute(
            "SELECT reason, carrier, COUNT(*), MIN(number) FROM parcels WHERE is_reported = 0 "
            "GROUP BY reason, carrier ORDER BY COUNT(*) DESC, reason, carrier"
        ).fetchall()

    def reported(self) -> None:
        """All refusals have been reported."""
        self._base.execute("UPDATE parcels SET is_reported = 1 WHERE is_reported = 0")

    def left(self) -> dict[str, tuple[int, int]]:
        """What this run left, by kind: (parcels, those that it tried in vain)."""
        waiting, tried = self._base.execute(
            "SELECT COUNT(*), COUNT(CASE WHEN tried_in = ? THEN 1 END) FROM parcels "
            f"WHERE state = '{WAITING}' AND position IS NOT NULL",
            (self._run,),
        ).fetchone()
        unasked, failed = self._base.execute(
            "SELECT COUNT(*), COUNT(CASE WHEN failed_in = ? THEN 1 END) FROM parcels "
            f"WHERE state = '{FOLLOWED}' AND (asked_in IS NOT ? OR failed_in = ?)",
            (self._run, self._run, self._run),
        ).fetchone()
        left = {"parcels to register": (waiting, tried), "parcels to ask about": (unasked, failed)}
        return {kind: counts for kind, counts in left.items() if counts[0]}

    def _parcels(self, mark: str, state: str, count: int) -> list[FollowedParcel]:
        rows = self._base.execute(
            f"SELECT number, code FROM parcels WHERE state = ? AND {mark} IS NOT ? "
            "AND position IS NOT NULL ORDER BY position, number LIMIT ?",
            (state, self._run, count),
        )
        return [FollowedParcel(*row) for row in rows]

    def _set(self, number: str, what: str, *values: object) -> None:
        self._base.execute(f"UPDATE parcels SET {what} WHERE number = ?", (*values, number))

    def _refuse(self, number: str, reason: str) -> None:
        self._set(number, "state = ?, reason = ?, is_reported = 0", REFUSED, reason)

    def _forget(self, number: str) -> None:
        (count,) = self._base.execute(
            "SELECT count_registered FROM parcels WHERE number = ?", (number,)
        ).fetchone()
        if count >= MOST_REGISTRATIONS:
            self._refuse(number, "the service does not keep its registration")
        else:
            self._set(number, "state = ?, asked_in = NULL", WAITING)

    def _transaction(self) -> _Transaction:
        return _Transaction(self._base)


class _Transaction:
    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    def __enter__(self) -> None:
        self._base.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._base.execute("COMMIT" if kind is None else "ROLLBACK")
