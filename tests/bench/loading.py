"""Load canonical files into a workspace: seconds, peak memory, and growth with the store.

Prints for each size: the seconds of the step `ingest` from scratch, again with the same files, and
again after 1 % of the orders are new; how these compare with polars, which reads the same files
with their numbers and times and writes them as Parquet, without a check; and the growth of the time
(an exponent of 1 is linear). Seconds are those of the processors, start-up included, because other
work on the machine does not change them much; wall-clock time is given too.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

SIZES = (20_000, 200_000)
NEW = 100
LIMIT = """
import pipeline, sys
from pathlib import Path
import polars as pl
raw, out = map(Path, sys.argv[1:])
for path in sorted(raw.glob("*.csv")):
    pl.read_csv(path, try_parse_dates=True).write_parquet(out / f"{path.stem}.parquet")
"""


class Cost(NamedTuple):
    """What one process took: processor and wall-clock seconds, and its peak memory in GiB."""

    seconds: float
    wall: float
    peak: float


def run(*arguments: str) -> Cost:
    """Run Python with these arguments. Raises `RuntimeError` if it fails."""
    started = time.perf_counter()
    silent = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, silent, 1)]
    command = [sys.executable, *arguments]
    child = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
    os.close(silent)
    _, status, used = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"failed: {arguments}")
    wall = time.perf_counter() - started
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 2**20)


def ingest(workspace: Path, raw: Path) -> Cost:
    options = ("--source", "canonical", "--raw", str(raw))
    return run("-m", "pipeline", "ingest", "--workspace", str(workspace), *options)


def hold_back(raw: Path, older: Path) -> None:
    """Write the files as they were before the last orders, one in `NEW`, were placed."""
    import polars as pl

    order_ids = pl.scan_csv(raw / "orders.csv", infer_schema=False).select("order_id")
    new = order_ids.tail(order_ids.select(pl.len()).collect().item() // NEW).collect()
    older.mkdir()
    for path in raw.iterdir():
        rows = pl.read_csv(path, infer_schema=False) if path.suffix == ".csv" else None
        if rows is None or "order_id" not in rows.columns:
            shutil.copy2(path, older)
        else:
            rows.join(new, on="order_id", how="anti", maintain_order="left").write_csv(
                older / path.name
            )


class Costs(NamedTuple):
    """Polars alone; loading from scratch, the same files again, and 1 % new orders."""

    limit: Cost
    scratch: Cost
    unchanged: Cost
    nightly: Cost


def measure(folder: Path, count: int) -> Costs:
    """What it costs to load a simulated store of `count` orders."""
    simulated, raw = folder / "simulated", folder / "simulated" / "raw"
    run("-m", "pipeline", "simulate", "--workspace", str(simulated), "--orders", str(count))
    (folder / "limit").mkdir()
    limit = run("-c", LIMIT, str(raw), str(folder / "limit"))
    scratch = ingest(folder / "scratch", raw)
    unchanged = ingest(folder / "scratch", raw)
    hold_back(raw, folder / "older")
    ingest(folder / "nightly", folder / "older")
    return Costs(limit, scratch, unchanged, ingest(folder / "nightly", raw))


def main(sizes: Iterable[int]) -> None:
    before: tuple[int, float] | None = None
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            limit, scratch, unchanged, nightly = measure(Path(folder), count)
        growth = ""
        if before:
            exponent = math.log(scratch.seconds / before[1]) / math.log(count / before[0])
            growth = f", growth {exponent:.2f}"
        sys.stdout.write(
            f"{count:>10,} orders: from scratch {scratch.seconds:6.1f} s "
            f"({scratch.wall:.1f} s on the clock), peak {scratch.peak:.2f} GiB{growth}; "
            f"unchanged {unchanged.seconds:6.1f} s ({unchanged.wall:.1f} s on the clock), "
            f"{scratch.seconds / unchanged.seconds:.1f} times less, peak {unchanged.peak:.2f} GiB; "
            f"1 % new {nightly.seconds:6.1f} s, peak {nightly.peak:.2f} GiB; polars alone "
            f"{limit.seconds:.1f} s: {scratch.seconds / limit.seconds:.1f} times as long\n"
        )
        sys.stdout.flush()
        before = count, scratch.seconds


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or SIZES)
