"""Simulate stores of growing size: seconds, growth, peak memory, and time relative to reading."""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

SIZES = (10_000, 50_000, 200_000, 1_000_000)
FIRST_DAY, DAYS = date(2024, 1, 1), 731


def one(count: int) -> None:
    """Simulate one store in its own process, so that the peak memory is that of this store.

    Prints seconds, GiB, the seconds to read the files back, and their rows.
    """
    import polars as pl

    from pipeline.settings.config import Config
    from pipeline.simulation.simulate import simulate
    from pipeline.workspace.progress import Progress
    from pipeline.workspace.workspace import Workspace

    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        started = time.perf_counter()
        raw = simulate(workspace, Config(), Progress(), orders=count, first=FIRST_DAY, days=DAYS)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        started = time.perf_counter()
        rows = sum(pl.read_csv(path, infer_schema=False).height for path in raw.glob("*.csv"))
        sys.stdout.write(f"{seconds} {peak} {time.perf_counter() - started} {rows}\n")


def main() -> None:
    before: tuple[int, float] | None = None
    for count in SIZES:
        child = subprocess.run(
            [sys.executable, __file__, str(count)], capture_output=True, text=True, check=True
        )
        seconds, peak, reading, rows = map(float, child.stdout.splitlines()[-1].split())
        growth = (
            f", growth {math.log(seconds / before[1]) / math.log(count / before[0]):.2f}"
            if before
            else ""
        )
        sys.stdout.write(
            f"{count:>9,} orders: {seconds:6.1f} s ({seconds / reading:4.1f} times as long as "
            f"reading its {rows:,.0f} rows), peak {peak:.2f} GiB{growth}\n"
        )
        before = count, seconds


if __name__ == "__main__":
    one(int(sys.argv[1])) if len(sys.argv) > 1 else main()
