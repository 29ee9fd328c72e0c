"""The canonical tables on disk: one Parquet file per table, sorted by order, so that the facts of
some orders can be read without the others. In addition to its own columns, each file has the local
days of its facts (see `features.tables.Tables`) and the number of their order. Orders are numbered
from 0 in the order of `order_id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.tables import TABLES, Tables

NUMBER = "order_number"
DAYS = ("occurred_day", "known_day")


class FramesOnDemand(Mapping[str, pl.DataFrame]):
    """Tables by name, each read whenever it is asked for: none stays in memory.

    `read` reads the columns of a table; without columns, all.
    """

    def __init__(self, names: Sequence[str], read: Callable[..., pl.DataFrame]) -> None:
        self._names, self._read = names, read

    def select(self, name: str, columns: Sequence[str]) -> pl.DataFrame:
        """Some columns of a table; the others are not read."""
        return self._read(name, columns)

    def __getitem__(self, name: str) -> pl.DataFrame:
        if name not in self._names:
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class StoredTables(Tables):
    """Tables with the folder of the Parquet files from which they were read, one file per table.

    Engines build features from the files, so the frames must be those of the files.
    """

    folder: Path = Path()

    def select(self, name: str, *columns: str) -> pl.DataFrame:
        if isinstance(self.frames, FramesOnDemand):
            return self.frames.select(name, columns)
        return super().select(name, *columns)


def write_table_files(tables: Tables, folder: Path) -> None:
    """Write one Parquet file per table into `folder`."""
    numbers = _numbers(tables)
    for name in TABLES:
        # one at a time: each is a copy of its table
        stored_frame(name, tables[name], numbers).write_parquet(folder / f"{name}.parquet")


def stored_frames(tables: Tables, first_number: int = 0) -> dict[str, pl.DataFrame]:
    """The contents of the files by table name. Orders are numbered from `first_number`."""
    numbers = _numbers(tables, first_number)
    return {name: stored_frame(name, tables[name], numbers) for name in TABLES}


def _numbers(tables: Tables, first_number: int = 0) -> pl.DataFrame:
    """`order_id` and the number of each order."""
    ids = tables["orders"].select("order_id").sort("order_id")
    return ids.with_row_index(NUMBER, offset=first_number)


def stored_frame(name: str, frame: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """The content of one file: the rows by order, with the number of their order (`numbers`)."""
    table = TABLES[name]
    cut = [
        pl.col(column.name).str.slice(0, column.longest)
        for column in table.columns
        if column.longest is not None
    ]
    frame = frame.select(*table.schema, *DAYS).with_columns(cut)
    if "order_id" not in table.schema:
        return frame
    frame = frame.join(numbers, on="order_id", how="left", maintain_order="left")
    return frame.sort(NUMBER, "known_at", "occurred_at", maintain_order=True)
