"""Build all features of one night for stores of growing size: seconds, growth and peak memory.

Prints one line per size: orders, facts and open orders; the seconds to build every feature of every
open order from the table files; the peak memory of the process. Seconds depend on the machine.
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
# the orders are from this many days before the night, so that one in ten is open
DAYS = 430
NIGHT = date(2025, 11, 20)
ZONE = "Asia/Shanghai"


def write_tables(folder: Path, count: int) -> None:
    """Write the table files of a simulated store, piece by piece.

    The result is what `pipeline.workspace.table_files` writes at once.
    """
    import polars as pl
    import pyarrow.parquet as pq

    from features.tables import TABLES, create_tables
    from pipeline.simulation.world.simulated_facts import product_frame
    from pipeline.simulation.world.simulated_orders import build_world
    from pipeline.simulation.world.simulated_store import draw_pieces, piece_frames
    from pipeline.workspace.stored_tables import stored_frames

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
            # the files must be sorted by order, as those of a workspace are
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
    """The table with order ids of equal length, so that later pieces also sort later as text."""
    import polars as pl

    return frame.with_columns(pl.col("order_id").str.replace("o-", "").str.zfill(9))


def one(folder: Path) -> None:
    """Build one night in its own process, so that the peak memory is that of this night."""
    import pipeline  # noqa: F401 - sets environment variables before polars is imported
    from features.clock import day_number
    from features.spine import DEFAULT_WINDOW
    from pipeline.engines.polars_parts import night_features
    from pipeline.settings.config import Engine
    from pipeline.workspace.table_files import TableFiles

    started = time.perf_counter()
    files = TableFiles(folder, ZONE, has_partial_outcomes=False)
    features = night_features(files, day_number(NIGHT), DEFAULT_WINDOW, Engine().orders_per_part)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    count_features = features.width - 3
    sys.stdout.write(f"{seconds} {peak} {features.height} {files.count_facts()} {count_features}\n")


def main(sizes: Iterable[int]) -> None:
    before: tuple[int, float] | None = None
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            write_tables(Path(folder), count)
            child = subprocess.run(
                [sys.executable, __file__, folder], capture_output=True, text=True, check=True
            )
        seconds, peak, rows, facts, features = map(float, child.stdout.split())
        growth = (
            f", growth {math.log(seconds / before[1]) / math.log(count / before[0]):.2f}"
            if before
            else ""
        )
        sys.stdout.write(
            f"{count:>10,} orders, {facts:>11,.0f} facts, {rows:>9,.0f} open: "
            f"{features:.0f} features in {seconds:6.1f} s, peak {peak:.2f} GiB{growth}\n"
        )
        sys.stdout.flush()
        before = count, seconds


if __name__ == "__main__":
    if len(sys.argv) == 2 and not sys.argv[1].isdigit():
        one(Path(sys.argv[1]))
    else:
        main(map(int, sys.argv[1:] or SIZES))
