"""The rows that were pulled for a query: complete pieces with their state, and at the end one file.

    RAW/.pull/<query>/00000.parquet ...   pieces in the order in which they arrived
    RAW/.pull/<query>/state.json          how many pieces count, and the last watermark; written
                                          after each piece
    RAW/<query>.parquet                   all rows, the newest of each key; replaced whole

A killed pull leaves the previous file and the complete pieces. The next pull continues after them.
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
# a temporary column: the position of a row among all rows of a query
POSITION = "__position__"
Mark = datetime | date | int | str


@dataclass(frozen=True)
class PullState:
    """How far the pull of a query has come.

    `query`: hash of the query. `pieces`: number of complete pieces. `has_file`: whether the file
    holds the rows from before these pieces. `mark`: the highest watermark so far.
    """

    query: str
    pieces: int = 0
    has_file: bool = False
    mark: Mark | None = None


class QueryFiles:
    """The pieces and the file of one query."""

    def __init__(self, raw: Path, query: Query, url: str) -> None:
        self.query = query
        self.folder = raw / FOLDER / query.name
        self.file = raw / f"{query.name}.parquet"
        identity = [url, query.sql, query.watermark, query.key]
        self.digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        self.state = PullState(self.digest)

    def open(self, *, anew: bool) -> PullState:
        """The state of earlier pulls of this query. It is empty if `anew` is set, if the query has
        changed, or if it has no watermark."""
        state = None if anew or not self.query.watermark else self._read()
        if state is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            state = PullState(self.digest)
        self.state = state
        return state

    def _read(self) -> PullState | None:
        try:
            stored = read_json(self.folder / STATE)
            state = PullState(**{**stored, "mark": _read_mark(stored["mark"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None
        is_whole = all(path.exists() for path in self._paths(state.pieces)) and (
            self.file.exists() or not state.has_file
        )
        return state if state.query == self.digest and is_whole else None

    def _paths(self, count: int) -> list[Path]:
        return [self.folder / f"{number:05}.parquet" for number in range(count)]

    def add(self, rows: pl.DataFrame, mark: Mark | None) -> None:
        """Add a piece. `mark`: the highest watermark in it, or None if the next pull should not
        start from it."""
        path = self._paths(self.state.pieces + 1)[-1]
        write_bytes_whole(path, rows.write_parquet)
        newest = self.state.mark if mark is None else mark
        self._write(replace(self.state, pieces=self.state.pieces + 1, mark=newest))

    def _write(self, state: PullState) -> None:
        mark = None if state.mark is None else [type(state.mark).__name__, _mark_value(state.mark)]
        write_json(self.folder / STATE, {**asdict(state), "mark": mark})
        self.state = state

    def join(self) -> int:
        """Write all rows to the file and return their number. Keeps only the keys of all rows in
        memory, not the rows."""
        parts = [pl.scan_parquet(path) for path in self._paths(self.state.pieces)]
        if self.state.has_file:
            parts.insert(0, pl.scan_parquet(self.file))
        rows = pl.concat(parts, how="diagonal")
        if self.query.key:
            positioned = rows.with_row_index(POSITION)
            newest = _newest(positioned, self.query.key).lazy()
            rows = positioned.join(newest, on=POSITION, how="semi", maintain_order="left").drop(
                POSITION
            )
        write_bytes_whole(self.file, rows.sink_parquet)
        sync(self.file.parent)
        self._write(replace(self.state, pieces=0, has_file=True))
        for path in self.folder.glob("*.parquet"):
            path.unlink()
        return int(pl.scan_parquet(self.file).select(pl.len()).collect().item())


def _newest(rows: pl.LazyFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """The `POSITION` of the last row of each key. Rows with an incomplete key cannot be matched, so
    all different ones are kept."""
    has_key = pl.all_horizontal(pl.col(name).is_not_null() for name in key)
    keyed = rows.filter(has_key).select(POSITION, *key).collect().unique(key, keep="last")
    keyless = rows.filter(~has_key).collect()
    keyless = keyless.unique([name for name in keyless.columns if name != POSITION])
    return pl.concat([keyed.select(POSITION), keyless.select(POSITION)]).sort(POSITION)


def _mark_value(mark: Mark) -> str | int:
    return mark.isoformat() if isinstance(mark, date) else mark


def _read_mark(stored: list[str | int] | None) -> Mark | None:
    """The watermark from its type name and value in the state file."""
    if stored is None:
        return None
    kind, value = stored
    if kind == "int":
        return int(value)
    text = str(value)
    if kind == "str":
        return text
    return {"datetime": datetime.fromisoformat, "date": date.fromisoformat}[str(kind)](text)


def last_pulled(raw: Path) -> Iterator[tuple[str, datetime]]:
    """The file of each query, and when it was written."""
    for state in sorted((raw / FOLDER).glob(f"*/{STATE}")):
        file = raw / f"{state.parent.name}.parquet"
        if file.exists():
            yield file.name, datetime.fromtimestamp(file.stat().st_mtime).astimezone()
