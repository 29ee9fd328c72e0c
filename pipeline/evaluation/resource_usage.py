"""What a piece of work takes: seconds, and how much memory the process grew by."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STATM = Path("/proc/self/statm")


@dataclass
class Taken:
    """`megabytes`: the most the process held during the work beyond what it held before; None where
    it is not told."""

    seconds: float = 0.0
    megabytes: float | None = None


@contextmanager
def watched() -> Iterator[Taken]:
    taken, done = Taken(), threading.Event()
    before, most = _held(), [0.0]

    def look() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], _held() or 0.0)

    looker = threading.Thread(target=look, daemon=True)
    looker.start()
    started = time.perf_counter()
    try:
        yield taken
    finally:
        taken.seconds = time.perf_counter() - started
        done.set()
        looker.join()
        if before is not None:
            taken.megabytes = max(max(most[0], _held() or 0.0) - before, 0.0)


def _held() -> float | None:
    """Megabytes in memory; None on systems that do not say."""
    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return None
