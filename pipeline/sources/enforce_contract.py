"""Apply the contract to a source's tables; rows that break it go to quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from features.tables import TABLES
from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.contract import CENT_USD, find_faults
from pipeline.sources.corrections import quarantined
from pipeline.sources.csv_text import ROW
from pipeline.sources.row_contract import INDEX
from pipeline.sources.store_data import Checked, StoreData

# the file that a frame's row comes from, next to `ROW`, if the source knows it
FILE = "__file__"


@dataclass(frozen=True)
class RefusedFacts:
    """Facts of one table that break the contract, read from files that hold several tables."""

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
        """Return the faults; `row` is the file's row, or else the fact's position from 1."""
        rows = self.facts.with_row_index(INDEX).cast({INDEX: pl.Int64})
        rows = self.faults.join(rows, on=INDEX, how="left", maintain_order="left")
        row_number = pl.coalesce(
            pl.col(ROW) if ROW in rows.columns else pl.lit(None), pl.col(INDEX) + 1
        )
        faults = rows.select(row_number.alias(ROW), "column", "reason")
        records = rows.select(*TABLES[self.table].schema).to_dicts()
        rejected = quarantined(self.name, faults, records)
        if FILE not in rows.columns:
            return rejected
        return rejected.with_columns(rows[FILE].fill_null(self.name).alias("file"))


def _refunds_without_minus(
    frames: Mapping[str, pl.DataFrame],
) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Return the frames with the amounts of disputes above 0, and a note if some were below.

    Payment providers write money that leaves the store with a minus.
    """
    changed = dict(frames)
    if "disputes" not in changed:
        return changed, []
    amounts = changed["disputes"]["amount_usd"]
    below = amounts.filter(amounts < 0)
    if below.is_empty():
        return changed, []
    changed["disputes"] = changed["disputes"].with_columns(pl.col("amount_usd").abs())
    return changed, [
        f"{below.len():,} amounts of disputes have a minus, such as {below[0]:.2f} USD; "
        f"read without it, as {-below[0]:.2f} USD"
    ]


def enforce_contract(data: StoreData) -> StoreData:
    """Return the data without the rows that break the contract; its `files` report the reasons.

    Optional columns that the source does not have are null. A dispute that names a line its order
    does not have is kept, as one of the whole order: a lost dispute would make the order look
    undisputed.
    """
    files = {
        file.table: file for file in data.files if isinstance(file, CheckedFile) and file.table
    }
    frames = {
        name: TABLES[name].completed(files[name].rows if name in files else frame)
        for name, frame in data.frames.items()
    }
    frames, notes = _refunds_without_minus(frames)
    for name, file in files.items():
        file.rows = frames[name]
    refused = {name: _rejected_positions(file) for name, file in files.items()}
    faults = find_faults(frames, refused, data.incomplete)
    others: list[Checked] = []
    for name, table_faults in faults.items():
        if name in files:
            row = pl.Series(ROW, frames[name][ROW].gather(table_faults[INDEX]))
            files[name].reject_rows(table_faults.with_columns(row))
        else:
            others.append(RefusedFacts(name, frames[name], table_faults))
    good = {
        name: files[name].good_rows() if name in files else _without(frame, faults.get(name))
        for name, frame in frames.items()
    }
    good, line_notes = _with_own_lines(good)
    notes = [*notes, *line_notes, *_totals_below_lines(good)]
    return replace(data, frames=good, files=[*data.files, *others], notes=(*data.notes, *notes))


def _with_own_lines(frames: dict[str, pl.DataFrame]) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """The frames with `line_id` only in disputes whose order has that line, and notes."""
    if not {"disputes", "order_lines"} <= frames.keys():
        return frames, []
    disputes = frames["disputes"]
    own = frames["order_lines"].select("order_id", "line_id", is_own=True)
    named = disputes.join(own, on=["order_id", "line_id"], how="left", maintain_order="left")
    is_other = disputes["line_id"].is_not_null() & named["is_own"].is_null()
    if not is_other.any():
        return frames, []
    line = pl.when(~is_other).then(pl.col("line_id"))
    count = disputes.filter(is_other)["dispute_id"].n_unique()
    note = (
        f"{count:,} disputes name a line that their order does not have (line_id); they count for "
        "the whole order"
    )
    return {**frames, "disputes": disputes.with_columns(line_id=line)}, [note]


def _totals_below_lines(frames: Mapping[str, pl.DataFrame]) -> list[str]:
    """A note if orders have a total below the sum of their lines: a discount, or a wrong column."""
    if not {"orders", "order_lines"} <= frames.keys():
        return []
    line_usd = pl.col("quantity") * pl.col("unit_price_usd") + pl.col("shipping_usd")
    sums = frames["order_lines"].group_by("order_id").agg(lines=line_usd.sum(), count=pl.len())
    orders = frames["orders"].join(sums, on="order_id", how="inner", maintain_order="left")
    low = orders.filter(pl.col("lines") - pl.col("total_usd") > CENT_USD * pl.col("count") + 1e-6)
    if low.is_empty():
        return []
    first = low.row(0, named=True)
    file = first.get(FILE) or "orders"
    row = f"{file}, row {first[ROW]}" if first.get(ROW) else f"order {first['order_id']}"
    missing = float((low["lines"] - low["total_usd"]).sum())
    return [
        f"{low.height:,} orders have a total below quantity x price + shipping of their lines, by "
        f"{missing:,.2f} USD in all: a discount, or a wrong column. First: {row}, "
        f"{first['total_usd']:.2f} of {first['lines']:.2f} USD"
    ]


def _rejected_positions(file: CheckedFile) -> pl.Series:
    """The positions, in the file's frame, of rows that are already rejected."""
    rows = file.rows.select(ROW).with_row_index(INDEX).cast({INDEX: pl.Int64})
    return rows.join(file.bad_rows(), on=ROW, how="semi")[INDEX]


def _without(frame: pl.DataFrame, faults: pl.DataFrame | None) -> pl.DataFrame:
    if faults is None:
        return frame
    rows = frame.with_row_index(INDEX).cast({INDEX: pl.Int64})
    return rows.join(faults, on=INDEX, how="anti", maintain_order="left").drop(INDEX)
