"""What a store's pull still has to fetch, and what it knows of orders, disputes and conversations:
one SQLite file. A job is removed in the same transaction that adds the jobs that follow from it, so
a killed run loses at most the job that it was doing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# after so many runs in which a job failed it is dropped, and reported
MOST_FAILED_RUNS = 30
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (kind TEXT, key TEXT, rank INTEGER, age REAL, wanted TEXT,
    failed_runs INTEGER DEFAULT 0, failed_in TEXT, fault TEXT, PRIMARY KEY (kind, key));
CREATE INDEX IF NOT EXISTS jobs_in_order ON jobs (rank, age DESC, key);
CREATE TABLE IF NOT EXISTS known (kind TEXT, key TEXT, content TEXT, PRIMARY KEY (kind, key));
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, content TEXT);
CREATE TABLE IF NOT EXISTS requests (day TEXT PRIMARY KEY, count INTEGER);
"""


@dataclass(frozen=True)
class PullJob:
    """One thing to fetch. `rank`: the lowest first, and among equals the highest `age`; `wanted`:
    its parameters."""

    kind: str
    key: str
    rank: int
    age: float = 0.0
    wanted: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class JobResult:
    """What a job brought: lines for the dumps, jobs that follow, and what is known by kind and key.
    With a `fault`, the job stays for the next run."""

    lines: list[str] = field(default_factory=list)
    jobs: list[PullJob] = field(default_factory=list)
    known: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    fault: str = ""


class PullQueue:
    """The file of one store. `run_id`: of this run; a job that failed in it is not tried again in
    it."""

    def __init__(self, path: Path, run_id: str) -> None:
        self._run_id = run_id
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        # after a power cut the last jobs are done again; the answers themselves are on the disk
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def next_job(self, blocked: Iterable[str] = ()) -> PullJob | None:
        """The job to do next, without those of the blocked kinds."""
        names = sorted(set(blocked))
        marks = ", ".join("?" * len(names))
        row = self._database.execute(
            "SELECT kind, key, rank, age, wanted FROM jobs WHERE failed_in IS NOT ? "
            f"AND kind NOT IN ({marks}) ORDER BY rank, age DESC, key LIMIT 1",
            (self._run_id, *names),
        ).fetchone()
        if row is None:
            return None
        kind, key, rank, age, wanted = row
        return PullJob(kind, key, rank, age, json.loads(wanted))

    def apply(self, result: JobResult, job: PullJob | None = None) -> None:
        """Store a result and remove its job, or keep the job for the next run if it has a fault."""
        with self._transaction():
            if job is not None and not result.fault:
                self._database.execute(
                    "DELETE FROM jobs WHERE kind = ? AND key = ?", (job.kind, job.key)
                )
            if job is not None and result.fault:
                self._database.execute(
                    "UPDATE jobs SET failed_runs = failed_runs + 1, failed_in = ?, fault = ? "
                    "WHERE kind = ? AND key = ?",
                    (self._run_id, result.fault[:500], job.kind, job.key),
                )
            self._database.executemany(
                "INSERT INTO jobs (kind, key, rank, age, wanted) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (kind, key) DO UPDATE SET rank = min(rank, excluded.rank), "
                "age = excluded.age, wanted = excluded.wanted",
                [(j.kind, j.key, j.rank, j.age, json.dumps(dict(j.wanted))) for j in result.jobs],
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO known VALUES (?, ?, ?)",
                [(*key, json.dumps(dict(content))) for key, content in result.known.items()],
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO marks VALUES (?, ?)", list(result.marks.items())
            )

    def _transaction(self) -> sqlite3.Connection:
        self._database.execute("BEGIN IMMEDIATE")
        return self._database

    def known(self, kind: str, key: str) -> dict[str, Any] | None:
        """What is known of an order, a dispute or a conversation."""
        row = self._database.execute(
            "SELECT content FROM known WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def all_known(self, kind: str) -> dict[str, dict[str, Any]]:
        """Everything known of a kind, by key."""
        with closing(
            self._database.execute("SELECT key, content FROM known WHERE kind = ?", (kind,))
        ) as rows:
            return {key: json.loads(content) for key, content in rows}

    def mark(self, name: str) -> str | None:
        """A value that an earlier run stored."""
        row = self._database.execute("SELECT content FROM marks WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def count_request(self, day: str) -> int:
        """Count a request, and return the number on this day. Each counts at once, also if the run
        is killed."""
        row = self._database.execute(
            "INSERT INTO requests VALUES (?, 1) ON CONFLICT (day) DO UPDATE SET count = count + 1 "
            "RETURNING count",
            (day,),
        ).fetchone()
        return int(row[0])

    def left(self) -> dict[str, tuple[int, int]]:
        """By kind: the number of jobs that are left, and how many of them failed in this run."""
        rows = self._database.execute(
            "SELECT kind, count(*), sum(failed_in IS ?) FROM jobs GROUP BY kind", (self._run_id,)
        )
        return {kind: (count, failed or 0) for kind, count, failed in rows}

    def faults(self) -> list[str]:
        """Different faults of this run, the most frequent first."""
        rows = self._database.execute(
            "SELECT fault FROM jobs WHERE failed_in = ? GROUP BY fault ORDER BY count(*) DESC",
            (self._run_id,),
        )
        return [fault for (fault,) in rows]

    def drop_hopeless(self) -> int:
        """Remove the jobs that failed in too many runs, and return their number."""
        return self._database.execute(
            "DELETE FROM jobs WHERE failed_runs >= ?", (MOST_FAILED_RUNS,)
        ).rowcount
