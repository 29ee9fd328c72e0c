"""Hold a source's tables to the contract: what breaks it goes to quarantine, under the row that it
came from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from features.tables import TABLES
from pipeline.sources.checked_file import CheckedFile, quarantined
from pipeline.sources.contract import INDEX, find_faults
from pipeline.sources.csv_text import ROW
from pipeline.sources.store_data import Checked, StoreData

# the file that a row of a frame came from, beside `ROW`, where a source can tell
FILE = "__file__"


@dataclass(frozen=True)
class RefusedFacts:
    """Facts of one table, made from files that hold several tables, that break the contract."""

    table: str
    facts: pl.DataFrame
    faults: pl.DataFrame

    @property
    def name(self) -> str:
        return f"{self.table}.csv"

    @property
    def count_rows(self) -> int:
        return self.facts.height

    @property
    def fault_share(self) -> float:
        own = self.faults.filter(~pl.col("is_cascade"))
        return own[INDEX].n_unique() / max(self.facts.height, 1)

    def quarantine(self) -> pl.DataFrame:
        """`row` is the row of the file, or where none is told the fact's place in its table."""
        rows = self.facts.with_row_index(INDEX).cast({INDEX: pl.Int64})
        rows = self.faults.join(rows, on=INDEX, how="left", maintain_order="left")
        place = pl.coalesce(pl.col(ROW) if ROW in rows.columns else pl.lit(None), pl.col(INDEX) + 1)
        faults = rows.select(place.alias(ROW), "column", "reason")
        told = quarantined(self.name, faults, rows.select(*TABLES[self.table].schema).to_dicts())
        return (
            told.with_columns(rows[FILE].fill_null(self.name).alias("file"))
            if FILE in rows.columns
            else told
        )


def enforce_contract(data: StoreData) -> StoreData:
    """The data without what breaks the contract; its files tell why."""
    files = {
        file.table: file for file in data.files if isinstance(file, CheckedFile) and file.table
    }
    frames = {
        name: files[name].rows if name in files else frame for name, frame in data.frames.items()
    }
    refused = {name: _places(file) for name, file in files.items()}
    faults = find_faults(frames, refused)
    others: list[Checked] = []
    for name, found in faults.items():
        if name in files:
            row = pl.Series(ROW, frames[name][ROW].gather(found[INDEX]))
            files[name].reject_rows(found.with_columns(row))
        else:
            others.append(RefusedFacts(name, frames[name], found))
    good = {
        name: files[name].good_rows() if name in files else _without(frame, faults.get(name))
        for name, frame in frames.items()
    }
    return replace(data, frames=good, files=[*data.files, *others])


def _places(file: CheckedFile) -> pl.Series:
    """Where in the file's frame the rows stand that are refused already."""
    rows = file.rows.select(ROW).with_row_index(INDEX).cast({INDEX: pl.Int64})
    return rows.join(file.bad_rows(), on=ROW, how="semi")[INDEX]


def _without(frame: pl.DataFrame, faults: pl.DataFrame | None) -> pl.DataFrame:
    if faults is None:
        return frame
    rows = frame.with_row_index(INDEX).cast({INDEX: pl.Int64})
    return rows.join(faults, on=INDEX, how="anti", maintain_order="left").drop(INDEX)
