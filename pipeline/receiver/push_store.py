"""Keep pushes: each once, and on the disk before it is answered.

Threads hand over their lines and wait; one writer takes all that came meanwhile and writes them
with one sync. A push that was kept before is known by its digest, also after a restart: the digest
is in front of each line.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipeline.connections.answer_dumps import AnswerDumps, recover

KIND = "pushes"
# a file takes its final name after so long, so that a night can read it
FILE_SECONDS = 300.0
# a service sends a push again for days; memory limits how many digests are kept
REPEAT_SECONDS = 7 * 86_400.0
MOST_DIGESTS = 1_000_000
WAIT_SECONDS = 30.0
_DIGEST = re.compile(rb'"digest": "([0-9a-f]{32})"')
# the digest is within so many bytes of a line
_HEAD = 400


class NotKept(Exception):
    """The push is not on the disk."""


@dataclass
class _Batch:
    """Pushes that are written together: lines by digest."""

    lines: dict[str, str] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)
    fault: str = ""


class PushStore:
    """The pushes of one folder. `now` gives the time; only one process uses a folder."""

    def __init__(
        self, folder: Path, now: Callable[[], datetime], file_seconds: float = FILE_SECONDS
    ) -> None:
        recover(folder)
        self._folder, self._now, self._file_seconds = folder, now, file_seconds
        self._recent, self._former = set(kept_digests(folder, now().timestamp())), set[str]()
        self._recent_since = time.monotonic()
        self._batch = _Batch()
        self._writing: _Batch | None = None
        self._dumps: AnswerDumps | None = None
        self._opened = 0.0
        self._is_closed = False
        self.count_kept = self.count_repeated = 0
        self.fault = ""
        self._change = threading.Condition()
        self._writer = threading.Thread(target=self._write, name="push-writer", daemon=True)
        self._writer.start()

    def keep(self, digest: str, line: str) -> bool:
        """Return when the line is on the disk: False if it was there before. Raises `NotKept`."""
        with self._change:
            if self._is_closed:
                raise NotKept("the receiver is stopping")
            if digest in self._recent or digest in self._former:
                self.count_repeated += 1
                return False
            is_new, batch = True, self._batch
            if self._writing and digest in self._writing.lines:
                is_new, batch = False, self._writing
            elif digest in batch.lines:
                is_new = False
            else:
                batch.lines[digest] = line
                self._change.notify()
        if not batch.done.wait(WAIT_SECONDS):
            raise NotKept("the disk does not answer")
        if batch.fault:
            raise NotKept(batch.fault)
        return is_new

    def close(self) -> None:
        """Write what is left, and give the file its final name."""
        with self._change:
            self._is_closed = True
            self._change.notify()
        self._writer.join(WAIT_SECONDS)

    def _write(self) -> None:
        while True:
            with self._change:
                if not self._batch.lines and not self._is_closed:
                    self._change.wait(self._seconds_left())
                batch, self._batch = self._batch, _Batch()
                self._writing = batch
                is_closed = self._is_closed
            if batch.lines:
                self._commit(batch)
            if is_closed or self._seconds_left() == 0.0:
                self._end_file()
            if is_closed and not batch.lines:
                return

    def _commit(self, batch: _Batch) -> None:
        try:
            if self._dumps is None:
                self._dumps = AnswerDumps(self._folder, self._now(), KIND)
                self._opened = time.monotonic()
            self._dumps.append(batch.lines.values())
        except OSError as error:
            batch.fault = f"cannot be written ({error.strerror})"
            self._dumps = None
        with self._change:
            self._writing = None
            self.fault = batch.fault
            if not batch.fault:
                self.count_kept += len(batch.lines)
                self._remember(batch)
        batch.done.set()

    def _remember(self, batch: _Batch) -> None:
        is_old = time.monotonic() - self._recent_since > REPEAT_SECONDS
        if is_old or len(self._recent) > MOST_DIGESTS:
            self._former, self._recent = self._recent, set()
            self._recent_since = time.monotonic()
        self._recent.update(batch.lines)

    def _seconds_left(self) -> float | None:
        """Until the file takes its final name; None if there is none."""
        if self._dumps is None:
            return None
        return max(self._opened + self._file_seconds - time.monotonic(), 0.0)

    def _end_file(self) -> None:
        dumps, self._dumps = self._dumps, None
        if dumps is None:
            return
        try:
            dumps.close()
        except OSError as error:
            # its lines are on the disk; the next start gives it its name
            self.fault = f"a file cannot be renamed ({error.strerror})"


def kept_digests(folder: Path, seconds: float) -> Iterator[str]:
    """The digests of the pushes in files of the last days, the newest files first."""
    files = {path: path.stat().st_mtime for path in folder.glob(f"{KIND}-*.jsonl")}
    count = 0
    for path in sorted(files, key=lambda path: files[path], reverse=True):
        if files[path] < seconds - REPEAT_SECONDS or count > MOST_DIGESTS:
            return
        with path.open("rb") as file:
            for line in file:
                if match := _DIGEST.search(line, 0, _HEAD):
                    count += 1
                    yield match[1].decode()
