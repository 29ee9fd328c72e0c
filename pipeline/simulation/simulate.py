"""simulate: write the raw files of a made-up store, in a format that a seller could write by hand,
and the truth behind them."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow.parquet as pq

from features.tables import TABLES
from pipeline.settings.config import Config
from pipeline.simulation.exports.export_aliexpress import write_dumps
from pipeline.simulation.exports.export_sheets import write_exports
from pipeline.simulation.world.simulated_facts import product_frame
from pipeline.simulation.world.simulated_orders import World, build_world
from pipeline.simulation.world.simulated_store import ZONE, StorePart, draw_pieces, piece_frames
from pipeline.simulation.world.truth import day_truth, order_truth
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace, write_json

# orders per row group of the truth files, so that the files do not depend on the size of chunks
GROUP_ORDERS = 10_000
CHUNK_ORDERS = 50_000


def simulate(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    orders: int,
    first: date,
    days: int,
    seed: int | None = None,
    chunk_orders: int = CHUNK_ORDERS,
    is_exported: bool = False,
) -> Path:
    """Write `raw/` (one CSV per canonical table and `store.toml`) and `truth/` in chunks; return
    the path of `raw/`.

    `is_exported`: also write `exports/aliexpress` and `exports/sheet`, the same store in the
    formats that sellers get. Each of the two folders contains the whole store.
    """
    world = build_world(
        count_orders=orders, seed=config.seed if seed is None else seed, first_day=first, days=days
    )
    raw, truth = workspace.folder / "raw", workspace.folder / "truth"
    with (
        progress.piece("simulate") as notes,
        workspace.replaced(raw) as new_raw,
        workspace.replaced(truth) as new_truth,
    ):
        (new_raw / "store.toml").write_text(
            f'name = "simulated store"\nzone = "{ZONE}"\ntracking_numbers = true\n',
            encoding="utf-8",
        )
        world_numbers = {
            "count_orders": orders,
            "seed": world.seed,
            "first_day": first,
            "days": days,
        }
        write_json(new_truth / "world.json", world_numbers)
        chunk = max(chunk_orders // GROUP_ORDERS, 1) * GROUP_ORDERS
        disputes = _write(world, new_raw, new_truth, chunk)
        notes.append(f"{orders:,} orders, {disputes:,} of them disputed: {raw}; truth: {truth}")
    if is_exported:
        _export(raw, workspace, progress)
    return raw


def _export(raw: Path, workspace: Workspace, progress: Progress) -> None:
    exports = workspace.folder / "exports"
    with progress.piece("exports") as notes, workspace.replaced(exports) as new_exports:
        for name, write in (("aliexpress", write_dumps), ("sheet", write_exports)):
            (new_exports / name).mkdir()
            write(raw, new_exports / name)
        notes.append(f"API answers, order sheet and tracking answers: {exports}")


def _write(world: World, raw: Path, truth: Path, chunk_orders: int) -> int:
    """Append all pieces to the files; return the number of disputes."""
    disputes = 0
    with ExitStack() as stack:
        files = {name: stack.enter_context((raw / f"{name}.csv").open("wb")) for name in TABLES}
        for name, table in TABLES.items():
            _append(
                table.empty() if name != "products" else product_frame(world),
                files[name],
                has_header=True,
            )
        truth_files = _TruthFiles(stack, truth)
        for piece in draw_pieces(world, chunk_orders):
            for name, frame in piece_frames(world, piece).items():
                _append(frame, files[name])
            truth_files.write(world, piece)
            disputes += len(piece.disputes.order)
    return disputes


def _append(frame: pl.DataFrame, file: BinaryIO, *, has_header: bool = False) -> None:
    frame.write_csv(file, include_header=has_header, datetime_format="%Y-%m-%dT%H:%M:%SZ")


class _TruthFiles:
    """The two truth files, with one row group per `GROUP_ORDERS` orders."""

    def __init__(self, stack: ExitStack, truth: Path) -> None:
        self.stack, self.truth = stack, truth
        self.writers: dict[str, pq.ParquetWriter] = {}

    def write(self, world: World, piece: StorePart) -> None:
        orders, days = order_truth(world, piece), day_truth(world, piece)
        first = piece.life.days.first
        for start in range(0, orders.height, GROUP_ORDERS):
            end = min(start + GROUP_ORDERS, orders.height)
            self._append("orders", orders[start:end])
            self._append("order_days", days[int(first[start]) : int(first[end])])

    def _append(self, name: str, frame: pl.DataFrame) -> None:
        table = frame.to_arrow()
        if name not in self.writers:
            path = self.truth / f"{name}.parquet"
            self.writers[name] = self.stack.enter_context(
                pq.ParquetWriter(path, table.schema, compression="zstd")
            )
        self.writers[name].write_table(table, row_group_size=max(table.num_rows, 1))
