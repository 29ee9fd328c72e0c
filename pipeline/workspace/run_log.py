"""The log of the workspace: `log.jsonl`, one JSON object per line, each with the time, the id of
the run and what happened.

The log is for the person who operates the nightly runs. It never stops a run: if it cannot be
written, it is left out. No output file depends on the clock of the machine, but a clock that jumped
is reported here and on the terminal.
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

from pipeline.workspace.file_modes import FILE, close_to_others
from pipeline.workspace.manifest import new_id
from pipeline.workspace.short_text import shortened

LOG = "log.jsonl"
# a larger log is moved to log.1.jsonl, which replaces the previous one
MOST_BYTES = 20_000_000
TAIL_BYTES = 20_000
JUMP = timedelta(minutes=2)


class RunLog:
    """Writes the lines of one run. `now` and `ticks` (seconds that never jump) are for tests."""

    def __init__(
        self,
        folder: Path,
        step: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.step, self.run_id = folder.resolve() / LOG, step, new_id()
        self._now, self._ticks = now, ticks
        self._started, self._started_tick = now(), ticks()
        self._unfinished: str | None = None

    def begin(self, **facts: Any) -> list[str]:
        """Write the first line. Returns a warning if the clock is behind the previous run."""
        last, warnings = self._last(), []
        if last and (written := _moment(last)) and self._started + JUMP < written:
            warnings.append(
                f"the clock of this machine shows {self._started:%Y-%m-%d %H:%M} UTC, which is "
                f"behind the previous run ({written:%Y-%m-%d %H:%M} UTC). "
                "The output files do not depend on it."
            )
        self._turn_over()
        # a log of an earlier version was open to others
        close_to_others(self.path)
        self.write("begin", **facts)
        if last and last.get("event") != "end" and not _is_running(last.get("pid")):
            self._unfinished = last.get("run_id")
        for text in warnings:
            self.write("clock", text=text)
        return warnings

    def piece(self, **facts: Any) -> None:
        """Record a finished piece of work, and before the first one, that the previous run was
        killed: it has no end line, and its process is gone."""
        if self._unfinished:
            self.write("former_run_without_end", former_run_id=self._unfinished)
        self._unfinished = None
        self.write("piece", **facts)

    def end(self, exit_code: int, error: str = "") -> list[str]:
        """Write the last line. Returns a warning if the clock jumped during the run."""
        seconds, warnings = self._ticks() - self._started_tick, []
        if abs((self._now() - self._started) - timedelta(seconds=seconds)) > JUMP:
            warnings.append(
                "the clock of this machine was changed during the run. "
                "The output files do not depend on it."
            )
            self.write("clock", text=warnings[0])
        self.write(
            "end",
            exit_code=exit_code,
            seconds=round(seconds, 3),
            **({"error": error} if error else {}),
        )
        return warnings

    def write(self, event: str, **facts: Any) -> None:
        """Append one line. Lines of two runs never mix, because each line is a single write to the
        end of the file."""
        stamp = {
            "at": self._now().isoformat(timespec="milliseconds"),
            "run_id": self.run_id,
            "step": self.step,
            "pid": os.getpid(),
        }
        facts = {
            name: shortened(value) if isinstance(value, str) else value
            for name, value in facts.items()
        }
        line = json.dumps({**stamp, "event": event, **facts}, ensure_ascii=False, default=str)
        with suppress(OSError):
            # without a workspace there is no log
            if self.path.parent.is_dir():
                handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE)
                try:
                    os.write(handle, f"{line}\n".encode(errors="replace"))
                finally:
                    os.close(handle)

    def _last(self) -> dict[str, Any] | None:
        """The last complete line. A full disk may have cut off the line after it."""
        with suppress(OSError):
            with self.path.open("rb") as file:
                file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
                lines = file.read().decode(errors="replace").splitlines()
            for line in reversed(lines):
                with suppress(ValueError, RecursionError):
                    if isinstance(entry := json.loads(line), dict):
                        return entry
        return None

    def _turn_over(self) -> None:
        with suppress(OSError):
            if self.path.stat().st_size > MOST_BYTES:
                self.path.replace(self.path.with_name("log.1.jsonl"))


def _is_running(pid: object) -> bool:
    """Whether the process of a previous run is still there; another run of this process is not."""
    if not isinstance(pid, int) or pid in (0, os.getpid()):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _moment(line: dict[str, Any]) -> datetime | None:
    with suppress(KeyError, ValueError, TypeError):
        moment = datetime.fromisoformat(line["at"])
        return moment if moment.tzinfo else None
    return None


_current: RunLog | None = None
_step = ""


def name_step(step: str) -> None:
    """Set the step name under which this process writes its log."""
    global _step
    _step = step


def current_step() -> str:
    """The step name of this process."""
    return _step or "another step"


def open_run_log(folder: Path, **facts: Any) -> list[str]:
    """Begin the log of this process. `note`, `note_piece` and `close_run_log` continue it."""
    global _current
    _current = RunLog(folder, _step)
    return _current.begin(**facts)


def note(event: str, **facts: Any) -> None:
    """Add an event to the log of this process, if one is open."""
    if _current is not None:
        _current.write(event, **facts)


def note_piece(**facts: Any) -> None:
    """Add a finished piece of work to the log of this process, if one is open."""
    if _current is not None:
        _current.piece(**facts)


def close_run_log(exit_code: int, error: str = "") -> list[str]:
    """Write the last line of the log of this process. Returns the warnings for the user."""
    global _current
    run_log, _current = _current, None
    return run_log.end(exit_code, error) if run_log else []


def current_folder() -> Path | None:
    """The workspace of the current run, or None without a log."""
    return _current.path.parent if _current is not None else None


def current_run_id() -> str:
    """The id of the current run in the log, or a new one without a log."""
    return _current.run_id if _current is not None else new_id()
