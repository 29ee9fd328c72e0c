"""The workspace's log: `log.jsonl`, a JSON object a line, each with the time, the run's id and what
happened.

It is for whoever looks after the nights. It never stops one: a log that cannot be written is left
out. No file depends on the machine's clock, but a clock that jumped is told here and on the
terminal.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.workspace.workspace import new_id

LOG = "log.jsonl"
# beyond that the log is moved to log.1.jsonl, which replaces the former one
MOST_BYTES = 20_000_000
TAIL_BYTES = 20_000
JUMP = timedelta(minutes=2)


class RunLog:
    """Writes one run's lines. `now` and `ticks` (seconds that never jump) are for tests."""

    def __init__(
        self,
        folder: Path,
        step: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.step, self.run_id = folder.resolve() / LOG, step, new_id()
        self._now, self._ticks = now, ticks
        self._started, self._tick = now(), ticks()
        self._unfinished: str | None = None

    def begin(self, **facts: Any) -> list[str]:
        """The first line; returns what is odd: a clock set back."""
        last, odd = self._last(), []
        if last and (written := _moment(last)) and self._started < written - JUMP:
            odd.append(
                f"this machine's clock says {self._started:%Y-%m-%d %H:%M} UTC, but the last run wrote at "
                f"{written:%Y-%m-%d %H:%M}: it was set back, or was ahead then. The files do not depend on it."
            )
        self._turn_over()
        self.write("begin", **facts)
        if last and last.get("event") != "end":
            self._unfinished = last.get("run_id")
        for text in odd:
            self.write("clock", text=text)
        return odd

    def piece(self, **facts: Any) -> None:
        """A piece of work is done: the lock is ours, so a former run without an end is not at work
        but was killed."""
        if self._unfinished:
            self.write("former_run_without_end", former_run_id=self._unfinished)
        self._unfinished = None
        self.write("piece", **facts)

    def end(self, exit_code: int, error: str = "") -> list[str]:
        """The last line; returns what is odd: a clock that jumped meanwhile."""
        took, odd = self._ticks() - self._tick, []
        if abs((self._now() - self._started) - timedelta(seconds=took)) > JUMP:
            odd.append(
                "this machine's clock was changed during the run; the files do not depend on it."
            )
            self.write("clock", text=odd[0])
        self.write(
            "end",
            exit_code=exit_code,
            seconds=round(took, 3),
            **({"error": error} if error else {}),
        )
        return odd

    def write(self, event: str, **facts: Any) -> None:
        """One line. Lines of two runs never mix: each is one write to the file's end."""
        said = {
            "at": self._now().isoformat(timespec="milliseconds"),
            "run_id": self.run_id,
            "step": self.step,
        }
        line = json.dumps({**said, "event": event, **facts}, ensure_ascii=False, default=str)
        with suppress(OSError):
            # no workspace, no log
            if self.path.parent.is_dir():
                handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
                try:
                    os.write(handle, f"{line}\n".encode(errors="replace"))
                finally:
                    os.close(handle)

    def _last(self) -> dict[str, Any] | None:
        """The last whole line; a disk that was full may have left half a one."""
        with suppress(OSError):
            with self.path.open("rb") as file:
                file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
                lines = file.read().decode(errors="replace").splitlines()
            for line in reversed(lines):
                with suppress(json.JSONDecodeError):
                    if isinstance(found := json.loads(line), dict):
                        return found
        return None

    def _turn_over(self) -> None:
        with suppress(OSError):
            if self.path.stat().st_size > MOST_BYTES:
                self.path.replace(self.path.with_name("log.1.jsonl"))


def _moment(line: dict[str, Any]) -> datetime | None:
    with suppress(KeyError, ValueError, TypeError):
        return datetime.fromisoformat(line["at"])
    return None


_current: RunLog | None = None
_step = ""


def name_step(step: str) -> None:
    """What this process's run is called in the log."""
    global _step
    _step = step


def open_run_log(folder: Path, **facts: Any) -> list[str]:
    """Begin the log of this process's run; `note` and `close_run_log` go on with it."""
    global _current
    _current = RunLog(folder, _step)
    return _current.begin(**facts)


def note(event: str, **facts: Any) -> None:
    if _current is not None:
        _current.write(event, **facts)


def note_piece(**facts: Any) -> None:
    if _current is not None:
        _current.piece(**facts)


def close_run_log(exit_code: int, error: str = "") -> list[str]:
    global _current
    journal, _current = _current, None
    return journal.end(exit_code, error) if journal else []


def current_folder() -> Path | None:
    """The workspace of this process's run."""
    return _current.path.parent if _current is not None else None


def current_run_id() -> str:
    """The id of this process's run in the log, or a new one without a log."""
    return _current.run_id if _current is not None else new_id()
