"""Parse the times and numbers in the rows of dumps; faulty rows go to quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pipeline.settings.source_settings import SourceSettings
from pipeline.sources.aliexpress.answer_fields import NESTED
from pipeline.sources.aliexpress.dumps import FILE, SEEN
from pipeline.sources.aliexpress.record_columns import (
    COLUMNS,
    LINES,
    ORDERS,
    REQUIRED,
    STEPS,
    UNREAD,
)
from pipeline.sources.checked_file import INCOMPLETE, CheckedFile
from pipeline.sources.corrections import quarantined
from pipeline.sources.csv_text import ROW
from pipeline.sources.reading.rounded_ids import ROUNDED, ROUNDED_IN_JSON, rounding_faults

# the position of a row's record in its dump
POSITION = "__position__"
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
MOST_STARS = 5.0
Rows = dict[str, pl.DataFrame]


@dataclass
class DumpRows(CheckedFile):
    """Rows of one kind from many dumps.

    `ROW` numbers all of them; `FILE` and `POSITION` say where each row comes from.
    """

    def rounding(self, ids: pl.Series) -> dict[str, pl.Series]:
        """By reason: in an order sheet a spreadsheet rounds, in a dump the program that fetched
        it."""
        faults = rounding_faults(ids, self.rows[FILE])
        return {reason: faults == reason for reason in (ROUNDED, ROUNDED_IN_JSON)}

    def quarantine(self) -> pl.DataFrame:
        faults = super().quarantine()
        locations = self.rows.select(pl.col(ROW).alias("row"), FILE, POSITION)
        located = faults.join(locations, on="row", how="left", maintain_order="left")
        return faults.with_columns(file=located[FILE].cast(pl.String), row=located[POSITION])


@dataclass(frozen=True)
class Unread:
    """Records that are not an order, line, parcel, scan or dispute, and text that is not JSON.

    They are part of no table, so their share of faults is 0.
    """

    rows: pl.DataFrame
    name: str = f"{UNREAD}.csv"
    fault_share: float = 0.0

    @property
    def count_rows(self) -> int:
        return self.rows.height

    def quarantine(self) -> pl.DataFrame:
        faults = self.rows.select(ROW, column=pl.lit("what"), reason=pl.col("reason"))
        rejected = quarantined(self.name, faults, self.rows.select("what").to_dicts())
        return rejected.with_columns(self.rows[FILE].cast(pl.String).alias("file"))


def check(
    frames: Mapping[str, pl.DataFrame], settings: SourceSettings, usd_per: Mapping[str, float]
) -> list[DumpRows]:
    """Parse and check the rows of each kind except `UNREAD`; `SEEN` becomes an instant."""
    files = {
        kind: _check(kind, frames[kind], settings, usd_per) for kind in REQUIRED if kind != UNREAD
    }
    _reject_incomplete(files[ORDERS], files[LINES])
    return list(files.values())


def _reject_incomplete(orders: DumpRows, lines: DumpRows) -> None:
    """Reject the orders whose amount is in no dump, if a line has no dump in which it is sound:
    without this line their sum would be too low."""
    each = lines.rows.with_columns(
        is_bad=pl.col(ROW).is_in(lines.bad_rows()[ROW].implode()),
        has_price=pl.col("unit_price").is_not_null() | pl.col("line_total").is_not_null(),
    )
    is_sound = ~pl.col("is_bad") & pl.col("has_price")
    broken = (
        each.filter(pl.col("line_id").is_not_null())
        .group_by("order_id", "line_id")
        .agg(is_sound=is_sound.any())
        .filter(~pl.col("is_sound"))["order_id"]
    )
    lacking = pl.concat([broken, _with_unnamed_lines(each.with_columns(is_sound=is_sound))])
    has_no_total = pl.col("total").is_null().all().over("order_id")
    is_broken = pl.col("order_id").is_in(lacking.implode())
    orders.reject(has_no_total & is_broken, "order_id", INCOMPLETE, is_cascade=True)


def _with_unnamed_lines(lines: pl.DataFrame) -> pl.Series:
    """The orders with lines without `line_id`, if fewer sound lines are known in all than the dump
    had with these: an unnamed line may be one that another dump names."""
    of_record = lines.group_by("order_id", FILE, POSITION).agg(
        unnamed=pl.col("line_id").is_null().sum(), count=pl.len()
    )
    known = lines.filter("is_sound").group_by("order_id").agg(known=pl.col("line_id").n_unique())
    compared = of_record.filter(pl.col("unnamed") > 0).join(known, on="order_id", how="left")
    return compared.filter(pl.col("known").fill_null(0) < pl.col("count"))["order_id"]


def _check(
    kind: str, frame: pl.DataFrame, settings: SourceSettings, usd_per: Mapping[str, float]
) -> DumpRows:
    seen = pl.from_epoch(pl.col(SEEN), time_unit="us").dt.replace_time_zone("UTC")
    rows = (
        frame.rename({ROW: POSITION}).with_columns(seen).with_row_index(ROW).cast({ROW: pl.Int64})
    )
    file = DumpRows(f"{kind}.csv", rows, rows.select(ROW, *COLUMNS[kind]))
    for column in COLUMNS[kind]:
        nested = pl.col(column).str.starts_with(NESTED)
        file.reject(nested, column, "an object or a list where a single value is expected")
        zone = settings.tracking_zone if column == "scanned_at" else settings.platform_zone
        if column.endswith("_at"):
            file.instant(column, zone, has_offsets=True, has_epochs=True)
        elif column == "score":
            file.number(column, minimum=1.0, maximum=MOST_STARS)
        elif column in NUMBERS:
            file.number(column, minimum=float(column == "quantity"), maximum=LARGEST)
        elif column == "currency" and kind != STEPS:
            # a step of a dispute keeps its row: without a rate, only its amount is unknown
            unpriced = ~pl.col(column).is_in(list(usd_per))
            file.reject(unpriced, column, "no exchange rate; add it to usd_per in config.toml")
        elif column.endswith("_id") or column == "number":
            file.refuse_wrong_ids(column)
    file.require(*REQUIRED[kind])
    return file


def good(files: list[DumpRows]) -> Rows:
    """The good rows by kind."""
    return {file.name.removesuffix(".csv"): file.good_rows() for file in files}
