"""Seconds and memory that a piece of work takes."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

STATM = Path("/proc/self/statm")


@dataclass
class Taken:
    """Seconds, and megabytes of memory at the peak beyond what the process held before.

    `megabytes` is None where the system does not report memory.
    """

    seconds: float = 0.0
    megabytes: float | None = None


@dataclass
class ResourceUse:
    """Totals of one scorer over all nights: training and scoring."""

    seconds: float = 0.0
    megabytes: float = 0.0
    scored: int = 0
    scoring_seconds: float = 0.0

    def add(self, fit: Taken, scoring: Taken, rows: int) -> None:
        self.seconds += fit.seconds
        self.megabytes = max(self.megabytes, fit.megabytes or 0.0)
        self.scored += rows
        self.scoring_seconds += scoring.seconds


@contextmanager
def watched() -> Iterator[Taken]:
    """Measure the work inside the `with` block; the result is complete when the block ends."""
    taken, done = Taken(), threading.Event()
    before, peak = _resident_megabytes(), [0.0]

    def sample() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], _resident_megabytes() or 0.0)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    started = time.perf_counter()
    try:
        yield taken
    finally:
        taken.seconds = time.perf_counter() - started
        done.set()
        sampler.join()
        if before is not None:
            taken.megabytes = max(max(peak[0], _resident_megabytes() or 0.0) - before, 0.0)


def _resident_megabytes() -> float | None:
    """Megabytes in memory; None on systems that do not report them."""
    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return None


def resource_table(costs: Mapping[str, ResourceUse]) -> pl.DataFrame:
    """One row per scorer: `scorer, train_seconds, rows_per_second, memory_mb`."""
    return pl.DataFrame(
        [
            {
                "scorer": name,
                "train_seconds": cost.seconds,
                "rows_per_second": cost.scored / max(cost.scoring_seconds, 1e-9),
                "memory_mb": cost.megabytes,
            }
            for name, cost in costs.items()
        ]
    )
