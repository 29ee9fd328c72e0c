"""All features of one night over growing stores: seconds from the tables on disk, growth, peak
memory.

Prints one line a size: orders of history, open orders, facts; seconds in which every feature of
every open order is built from the files; the peak memory of the process. Seconds are this
machine's.
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
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SIZES = (50_000, 200_000, 1_000_000)
# orders of so many days up to the night, so that one in ten is open
DAYS = 430
NIGHT = date(2025, 11, 20)
ZONE = "Asia/Shanghai"


def write_tables(folder: Path, count: int) -> None:
    """The table files of a simulated store, piece by piece, as `pipeline.workspace.table_files`
    writes them whole."""
    import polars as pl
    import pyarrow.parquet as pq

    from features.tables import TABLES, create_tables
    from pipeline.simulation.world.simulated_facts import product_frame
    from pipeline.simulation.world.simulated_orders import build_world
    from pipeline.simulation.world.simulated_store import draw_pieces, piece_frames
    from pipeline.workspace.table_files import stored_frames

    world = build_world(
        count_orders=count, seed=7, first_day=NIGHT - timedelta(days=DAYS), days=DAYS
    )
    products = {"products": product_frame(world)}
    last, written = "", 0
    with ExitStack() as stack:
        files: dict[str, pq.ParquetWriter] = {}
        for piece in draw_pieces(world, 50_000):
            frames = {
                name: padded(frame) for name, frame in piece_frames(world, piece).items()
            } | products
            frames = stored_frames(create_tables(frames, zone=ZONE), written)
            ids = frames["orders"]["order_id"]
            # the files must be in the order of the orders, as those of a workspace are
            assert last < ids[0]
            last, written = ids[-1], written + len(ids)
            for name in TABLES:
                table = frames[name].to_arrow(compat_level=pl.CompatLevel.oldest())
                if name not in files:
                    files[name] = stack.enter_context(
                        pq.ParquetWriter(
                            folder / f"{name}.parquet", table.schema, compression="zstd"
                        )
                    )
                elif name == "products":
                    continue
                files[name].write_table(table)


def padded(frame: pl.DataFrame) -> pl.DataFrame:
    """With order ids of one length, so that pieces drawn one after the other follow each other as
    text too."""
    import polars as pl

    return frame.with_columns(pl.col("order_id").str.replace("o-", "").str.zfill(9))


def one(folder: Path) -> None:
    """In a process of its own, so that the peak is this night's and that the program comes first,
    as in a night."""
    import pipeline  # noqa: F401 - its settings of the environment are read when polars is
    from features.clock import day_number
    from features.spine import DEFAULT_WINDOW
    from pipeline.engines.polars_parts import night_features
    from pipeline.settings.config import Engine
    from pipeline.workspace.table_files import TableFiles

    started = time.perf_counter()
    files = TableFiles(folder, ZONE, has_partial_outcomes=False)
    found = night_features(files, day_number(NIGHT), DEFAULT_WINDOW, Engine().orders_per_part)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(f"{seconds} {peak} {found.height} {files.count_facts()} {found.width - 3}\n")


def main(sizes: Iterable[int]) -> None:
    before: tuple[int, float] | None = None
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            write_tables(Path(folder), count)
            told = subprocess.run(
                [sys.executable, __file__, folder], capture_output=True, text=True, check=True
            )
        seconds, peak, rows, facts, features = map(float, told.stdout.split())
        growth = (
            f", growth {math.log(seconds / before[1]) / math.log(count / before[0]):.2f}"
            if before
            else ""
        )
        sys.stdout.write(
            f"{count:>10,} orders, {facts:>11,.0f} facts, {rows:>9,.0f} open: {features:.0f} features in "
            f"{seconds:6.1f} s, peak {peak:.2f} GiB{growth}\n"
        )
        sys.stdout.flush()
        before = count, seconds


if __name__ == "__main__":
    if len(sys.argv) == 2 and not sys.argv[1].isdigit():
        one(Path(sys.argv[1]))
    else:
        main(map(int, sys.argv[1:] or SIZES))
