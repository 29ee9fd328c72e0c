"""All features of one night over growing stores: seconds from the tables on disk, growth, peak memory.

Prints one line a size: orders of history, open orders, facts; seconds of reading the tables and of building every
feature of every open order; the peak memory of the process. Seconds are this machine's.
"""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import date
from pathlib import Path

SIZES = (50_000, 200_000, 1_000_000)
FIRST_DAY, DAYS = date(2024, 1, 1), 731
NIGHT = date(2025, 11, 20)


def write_tables(folder: Path, count: int) -> None:
    """The canonical tables of a simulated store as Parquet, piece by piece."""
    import pyarrow.parquet as pq

    from features.tables import TABLES
    from pipeline.sources.simulator.facts import product_frame
    from pipeline.sources.simulator.orders import build_world
    from pipeline.sources.simulator.store import draw_pieces, piece_frames

    world = build_world(count_orders=count, seed=7, first_day=FIRST_DAY, days=DAYS)
    with ExitStack() as stack:
        schemas = {name: table.empty().to_arrow().schema for name, table in TABLES.items()}
        files = {
            name: stack.enter_context(pq.ParquetWriter(folder / f"{name}.parquet", schemas[name])) for name in TABLES
        }
        files["products"].write_table(product_frame(world).to_arrow())
        for piece in draw_pieces(world, 50_000):
            for name, frame in piece_frames(world, piece).items():
                files[name].write_table(frame.to_arrow().cast(schemas[name]))


def one(folder: Path) -> None:
    """In a process of its own, so that the peak is this night's."""
    import polars as pl

    from features.clock import day_number
    from features.registry import build_features
    from features.spine import build_spine
    from features.tables import TABLES, create_tables

    started = time.perf_counter()
    frames = {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}
    tables = create_tables(frames, zone="Asia/Shanghai")
    facts = sum(frame.height for frame in frames.values())
    del frames
    reading = time.perf_counter() - started
    started = time.perf_counter()
    spine = build_spine(tables, [day_number(NIGHT)])
    found = build_features(tables, spine)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(f"{reading} {seconds} {peak} {found.height} {facts} {found.width - 3}\n")


def main(sizes: Iterable[int]) -> None:
    before: tuple[int, float] | None = None
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            write_tables(Path(folder), count)
            told = subprocess.run([sys.executable, __file__, folder], capture_output=True, text=True, check=True)
        reading, seconds, peak, rows, facts, features = map(float, told.stdout.split())
        growth = f", growth {math.log(seconds / before[1]) / math.log(count / before[0]):.2f}" if before else ""
        sys.stdout.write(
            f"{count:>9,} orders, {facts:>10,.0f} facts, {rows:>7,.0f} open: read in {reading:5.1f} s, "
            f"{features:.0f} features in {seconds:6.1f} s, peak {peak:.2f} GiB{growth}\n"
        )
        sys.stdout.flush()
        before = count, seconds


if __name__ == "__main__":
    if len(sys.argv) == 2 and not sys.argv[1].isdigit():
        one(Path(sys.argv[1]))
    else:
        main(map(int, sys.argv[1:] or SIZES))
