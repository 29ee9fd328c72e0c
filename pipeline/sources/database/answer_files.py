"""What was pulled of a query so far: whole pieces, and what they are pieces of; at the end, one
file.

    RAW/.pull/<query>/00000.parquet ...   pieces in the order they came
    RAW/.pull/<query>/state.json          how many of them count, and the last watermark; written
    after each piece
    RAW/<query>.parquet                   all rows, of the same key the newest; replaced whole

A pull that is killed leaves the former file and the pieces that are whole; the next goes on behind
them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from pipeline.sources.database.queries import Query
from pipeline.workspace.workspace import read_json, sync, write_bytes_whole, write_json

FOLDER, STATE = ".pull", "state.json"
PLACE = "__place__"
Mark = datetime | date | int | str


@dataclass(frozen=True)
class State:
    """`pieces` that count beside `has_file`: whether the file holds what came before them; `mark`:
    the highest watermark of all."""

    query: str
    pieces: int = 0
    has_file: bool = False
    mark: Mark | None = None


class Pulled:
    """The pieces and the file of one query."""

    def __init__(self, raw: Path, query: Query, url: str) -> None:
        self.query = query
        self.folder = raw / FOLDER / query.name
        self.file = raw / f"{query.name}.parquet"
        told = [url, query.sql, query.watermark, query.key]
        self.digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
        self.state = State(self.digest)

    def open(self, *, anew: bool) -> State:
        """What there is of this very query, or nothing: another query, no watermark, or `anew`."""
        found = None if anew or not self.query.watermark else self._read()
        if found is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            found = State(self.digest)
        self.state = found
        return found

    def _read(self) -> State | None:
        try:
            told = read_json(self.folder / STATE)
            state = State(**{**told, "mark": _mark(told["mark"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None
        is_whole = all(path.exists() for path in self._paths(state.pieces)) and (
            self.file.exists() or not state.has_file
        )
        return state if state.query == self.digest and is_whole else None

    def _paths(self, count: int) -> list[Path]:
        return [self.folder / f"{number:05}.parquet" for number in range(count)]

    def add(self, rows: pl.DataFrame, mark: Mark | None) -> None:
        """A piece more. `mark`: the highest watermark in it; None where it does not count for going
        on."""
        path = self._paths(self.state.pieces + 1)[-1]
        write_bytes_whole(path, rows.write_parquet)
        newest = self.state.mark if mark is None else mark
        self._write(replace(self.state, pieces=self.state.pieces + 1, mark=newest))

    def _write(self, state: State) -> None:
        mark = None if state.mark is None else [type(state.mark).__name__, _shown(state.mark)]
        write_json(self.folder / STATE, {**asdict(state), "mark": mark})
        self.state = state

    def join(self) -> int:
        """Make the file of all that there is; how many rows it has. Holds the keys of all rows, not
        the rows."""
        parts = [pl.scan_parquet(path) for path in self._paths(self.state.pieces)]
        if self.state.has_file:
            parts.insert(0, pl.scan_parquet(self.file))
        every = pl.concat(parts, how="diagonal")
        if self.query.key:
            placed = every.with_row_index(PLACE)
            kept = _newest(placed, self.query.key)
            every = placed.join(kept.lazy(), on=PLACE, how="semi", maintain_order="left").drop(
                PLACE
            )
        write_bytes_whole(self.file, every.sink_parquet)
        sync(self.file.parent)
        self._write(replace(self.state, pieces=0, has_file=True))
        for path in self.folder.glob("*.parquet"):
            path.unlink()
        return pl.scan_parquet(self.file).select(pl.len()).collect().item()


def _newest(rows: pl.LazyFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """The `PLACE` of the last of rows with the same key. Rows without a whole key cannot be told
    apart: all that differ stay."""
    has_key = pl.all_horizontal(pl.col(name).is_not_null() for name in key)
    told = rows.filter(has_key).select(PLACE, *key).collect().unique(key, keep="last")
    keyless = rows.filter(~has_key).collect()
    keyless = keyless.unique([name for name in keyless.columns if name != PLACE])
    return pl.concat([told.select(PLACE), keyless.select(PLACE)]).sort(PLACE)


def _shown(mark: Mark) -> str | int:
    return mark.isoformat() if isinstance(mark, date) else mark


def _mark(told: list | None) -> Mark | None:
    if told is None:
        return None
    kind, value = told
    if kind == "int":
        return int(value)
    return (
        {"datetime": datetime.fromisoformat, "date": date.fromisoformat}[kind](value)
        if kind != "str"
        else value
    )


def last_pulled(raw: Path) -> Iterator[tuple[str, datetime]]:
    """Each query's file, and when it was written."""
    for state in sorted((raw / FOLDER).glob(f"*/{STATE}")):
        file = raw / f"{state.parent.name}.parquet"
        if file.exists():
            yield file.name, datetime.fromtimestamp(file.stat().st_mtime).astimezone()
