"""Who may use a workspace at the same time.

    .lock          one step that replaces tables, models or runs: ingest, train, a night
    .lock-tables   one writer of the tables in use and of our own contacts, for moments only
    .lock-deliver  one sender of nights to their targets; .lock-send: one of messages to buyers
    .users         everybody, shared; unfinished files are removed only by someone who is alone

So readers share a workspace with a night, and contacts wait for each other, not for a night. Each
lock ends with its process, however the process ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.settings.errors import WorkspaceBusy

RUN, TABLES, USERS, HOLDER = ".lock", ".lock-tables", ".users", ".lock.json"
# how long a contact waits for other contacts, and a step for the moment in which it may switch
# the tables
TABLES_WAIT_SECONDS = 120.0
POLL_SECONDS = 0.05


@contextmanager
def run_lock(
    folder: Path, step: str, wait_seconds: float, say: Callable[[str], object]
) -> Iterator[None]:
    """Hold the workspace for a step that replaces something. Waits for the step that holds it, and
    says so. Raises `WorkspaceBusy`, with that step's name and start, if it takes too long."""
    lock = FileLock(folder / RUN)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if wait_seconds <= 0:
                raise
            say(f"{_busy(folder)}. Waiting for up to {_span(wait_seconds)}.")
            lock.acquire(timeout=wait_seconds, poll_interval=POLL_SECONDS)
    except Timeout:
        waited = f" This step waited {_span(wait_seconds)}." if wait_seconds > 0 else ""
        raise WorkspaceBusy(
            f"{_busy(folder)}.{waited} Run again when that step has ended, or use another "
            "WORKSPACE. Contacts, make kpi, make report and make candidate work meanwhile."
        ) from None
    try:
        _write_holder(folder, step)
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


@contextmanager
def tables_lock(folder: Path, wait_seconds: float = TABLES_WAIT_SECONDS) -> Iterator[None]:
    """Be the only one who changes the tables in use or our own contacts. Held for moments, so a
    queue of writers moves on. Raises `WorkspaceBusy` if it takes too long."""
    busy = (
        f"{folder.name}: other contacts are still being stored after {_span(wait_seconds)}. "
        "Nothing was changed. Try again."
    )
    with _held(folder / TABLES, wait_seconds, busy):
        yield


@contextmanager
def sender_lock(
    folder: Path, step: str, wait_seconds: float = TABLES_WAIT_SECONDS
) -> Iterator[None]:
    """Be the only one who sends: `step` is `deliver` or `send`. Two at once would send twice.
    Raises `WorkspaceBusy` if it takes too long."""
    busy = (
        f"{folder.name}: another make {step} is still sending after {_span(wait_seconds)}. "
        "Nothing was sent by this one. Run again when it has ended."
    )
    with _held(folder / f".lock-{step}", wait_seconds, busy):
        yield


@contextmanager
def _held(path: Path, wait_seconds: float, busy: str) -> Iterator[None]:
    """Hold a lock. Raises `WorkspaceBusy` with the message `busy` if it takes too long."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=wait_seconds, poll_interval=POLL_SECONDS)
    except Timeout:
        raise WorkspaceBusy(busy) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def as_user(folder: Path, tables: Path) -> Iterator[None]:
    """Use the workspace together with others. Whoever comes while nobody else is there removes what
    killed runs have left behind: while others work, their files are not finished either.

    `tables`: the link to the tables in use, which stay."""
    handle = os.open(folder / USERS, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(handle, fcntl.LOCK_SH)
        else:
            _clear_leftovers(folder, tables.resolve().parent.name)
            fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def _clear_leftovers(folder: Path, used_version: str) -> None:
    for parent in ("", "quarantine/", "quarantine/*/", "runs/*/"):
        for leftover in list(folder.glob(f"{parent}.new-*")):
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
    for version in folder.glob("versions/*"):
        if version.name != used_version:
            shutil.rmtree(version)


def _write_holder(folder: Path, step: str) -> None:
    # only for the message of others: without it, a step still runs
    with suppress(OSError):
        facts = {"step": step, "since": time.time()}
        (folder / HOLDER).write_text(json.dumps(facts), encoding="utf-8")


def _busy(folder: Path) -> str:
    """Which step holds the workspace and since when. Never the path of the workspace: the message
    may be shown in a browser."""
    holder = ""
    # the file may be damaged in any way; the message is shown without it
    with suppress(OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        facts = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        since = datetime.fromtimestamp(float(facts["since"]), UTC)
        holder = f": {str(facts['step'])[:40]}, since {since:%Y-%m-%d %H:%M} UTC"
    return f"{folder.name}: another run is using this workspace{holder}"


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"
