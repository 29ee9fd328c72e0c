"""Rows of dumps with their texts as times and numbers; what is none of these goes to quarantine,
its dump told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pipeline.settings.source_settings import SourceSettings
from pipeline.sources.aliexpress import record_tables
from pipeline.sources.aliexpress.answer_shapes import NESTED
from pipeline.sources.aliexpress.dumps import COLUMNS, FILE, REQUIRED, SEEN
from pipeline.sources.checked_file import CheckedFile, quarantined
from pipeline.sources.csv_text import ROW

PLACE = "__place__"
NUMBERS = (
    "total",
    "shipping",
    "quantity",
    "unit_price",
    "line_total",
    "prepare_days",
    "commit_days",
    "amount",
)
LARGEST = 1e9
Rows = dict[str, pl.DataFrame]


@dataclass
class DumpRows(CheckedFile):
    """Rows of one kind out of many dumps: `ROW` numbers them all, `FILE` and `PLACE` say where each
    came from."""

    def quarantine(self) -> pl.DataFrame:
        found = super().quarantine()
        places = self.rows.select(pl.col(ROW).alias("row"), FILE, PLACE)
        told = found.join(places, on="row", how="left", maintain_order="left")
        return found.with_columns(file=told[FILE].cast(pl.String), row=told[PLACE])


@dataclass(frozen=True)
class Unread:
    """Records that are no order, line, parcel, scan or dispute, and text that is no JSON: no share
    of anything."""

    rows: pl.DataFrame
    name: str = f"{record_tables.UNREAD}.csv"
    fault_share: float = 0.0

    @property
    def count_rows(self) -> int:
        return self.rows.height

    def quarantine(self) -> pl.DataFrame:
        faults = self.rows.select(ROW, column=pl.lit("what"), reason=pl.col("reason"))
        told = quarantined(self.name, faults, self.rows.select("what").to_dicts())
        return told.with_columns(self.rows[FILE].cast(pl.String).alias("file"))


def check(
    frames: Mapping[str, pl.DataFrame], settings: SourceSettings, usd_per: Mapping[str, float]
) -> list[DumpRows]:
    """The rows of each kind but the unread ones, parsed; `SEEN` is an instant."""
    return [
        _check(kind, frames[kind], settings, usd_per)
        for kind in REQUIRED
        if kind != record_tables.UNREAD
    ]


def _check(
    kind: str, frame: pl.DataFrame, settings: SourceSettings, usd_per: Mapping[str, float]
) -> DumpRows:
    seen = pl.from_epoch(pl.col(SEEN), time_unit="us").dt.replace_time_zone("UTC")
    rows = frame.rename({ROW: PLACE}).with_columns(seen).with_row_index(ROW).cast({ROW: pl.Int64})
    file = DumpRows(f"{kind}.csv", rows, rows.select(ROW, *COLUMNS[kind]))
    for column in COLUMNS[kind]:
        nested = pl.col(column).str.starts_with(NESTED)
        file.reject(nested, column, "an object or a list where a single value is expected")
        zone = settings.tracking_zone if column == "scanned_at" else settings.platform_zone
        if column.endswith("_at"):
            file.instant(column, zone, has_offsets=True, has_epochs=True)
        elif column in NUMBERS:
            file.number(column, minimum=0.0, maximum=LARGEST)
        elif column == "currency" and kind != record_tables.STEPS:
            # of a dispute's step the amount is left out then: that it is above nothing is still
            # known
            unpriced = ~pl.col(column).is_in(list(usd_per))
            file.reject(unpriced, column, "no exchange rate; add it to usd_per in config.toml")
    file.require(*REQUIRED[kind])
    return file


def good(files: list[DumpRows]) -> Rows:
    return {file.name.removesuffix(".csv"): file.good_rows() for file in files}
