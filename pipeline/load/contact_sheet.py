"""Check the rows of a filled-in contact list. Faulty cells go to quarantine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from features.clock import is_earlier, local_day
from features.stage import STAGES_AND_UNKNOWN
from pipeline.load.contact_file import OPTIONAL, REQUIRED, read_contact_file
from pipeline.load.local_times import AMBIGUOUS, Readings, orders_of, readings
from pipeline.load.rounded_contact_ids import OTHER_BUYER, ROUNDED_ID
from pipeline.load.sheet_orders import resolve_orders
from pipeline.output.contact_list_columns import OUTCOMES
from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.csv_text import ROW, Fault

# ids of contacts from sheets start with this
PREFIX = "sheet:"
_COLUMNS = (*REQUIRED, *OPTIONAL)
_FAULT = {ROW: pl.Int64, "column": pl.String, "reason": pl.String}
NO_DAY = "not a date; write it like 2026-05-03, as the contact list has it"


def read_sheet(path: Path) -> CheckedFile:
    """The rows of the sheet as text. Raises `BadInput` if the sheet cannot be read or has a column
    missing."""
    return checked_sheet(path.name, *read_contact_file(path))


def checked_sheet(name: str, table: pl.DataFrame, unreadable: list[Fault]) -> CheckedFile:
    """The rows of a sheet that was read as text, `ROW` and the sheet's columns."""
    absent = [pl.lit(None, pl.String).alias(name) for name in OPTIONAL if name not in table.columns]
    file = CheckedFile(name, table.with_columns(absent).select(ROW, *_COLUMNS), table)
    for fault in unreadable:
        file.faults.append(pl.DataFrame([fault], _FAULT, orient="row"))
    stripped = [pl.col(column).str.strip_chars() for column in _COLUMNS]
    file.rows = file.rows.with_columns(stripped).with_columns(
        pl.when(pl.col(column) != "").then(pl.col(column)).alias(column) for column in _COLUMNS
    )
    return file


def check_contacts(
    file: CheckedFile, orders: pl.DataFrame, lists: pl.DataFrame, zone: str
) -> pl.DataFrame:
    """The contacts of the sheet: `contact_id, order_id, stage, outcome, occurred_at, known_at`, one
    row per order and list.

    `orders`: `order_id, buyer_id, occurred_at` of all orders. `lists`: `as_of, rank, order_id,
    buyer_id` of the published lists. A row with neither `contacted_at` nor `outcome` is not a
    contact. A row in which only the outcome is wrong becomes a contact without an outcome. Faults
    are recorded in `file`.
    """
    file.rows = file.rows.filter(pl.any_horizontal(pl.col("contacted_at", "outcome").is_not_null()))
    _read_local_dates(file, {str(day) for day in lists["as_of"].unique()})
    file.rows = resolve_orders(file.rows, orders, lists)
    _check_cells(file, zone)
    file.rows = file.rows.with_columns(
        list_day=pl.coalesce(
            pl.col("as_of").str.to_date("%Y-%m-%d", strict=False),
            local_day(pl.col("contacted_at"), zone).cast(pl.Date),
        ),
        outcome=pl.col("outcome").str.to_lowercase(),
    )
    file.unique("list_day", "order_id")
    good = file.good_rows()
    file.choose("outcome", OUTCOMES)
    return good.select(
        pl.format(PREFIX + "{}:{}", pl.col("list_day").cast(pl.String), "order_id").alias(
            "contact_id"
        ),
        "order_id",
        stage=_among("stage", STAGES_AND_UNKNOWN),
        outcome=_among("outcome", OUTCOMES),
        occurred_at="contacted_at",
        # the store wrote the message itself, so it knew at once
        known_at="contacted_at",
    )


def _check_cells(file: CheckedFile, zone: str) -> None:
    file.require(*REQUIRED)
    file.instant("contacted_at", zone, has_offsets=True)
    for reason in (ROUNDED_ID, OTHER_BUYER, "unknown order"):
        file.reject(pl.col("order_fault") == reason, "order_id", reason)
    file.not_before("contacted_at", "placed_at", "before the order was placed")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    file.reject(
        is_earlier(pl.lit(tomorrow), pl.col("contacted_at")),
        "contacted_at",
        "is in the future by this machine's clock",
    )


def _among(column: str, allowed: tuple[str, ...]) -> pl.Expr:
    return pl.when(pl.col(column).is_in(allowed)).then(pl.col(column))


def _read_local_dates(file: CheckedFile, nights: set[str]) -> None:
    """Replace the dates that a spreadsheet rewrote by ISO text, and reject a night that cannot be
    read: without it, a contact given back twice would count twice.

    `nights`: the published nights. If only one reading of a rewritten night is one of them, it is
    that one, and the other dates of the file are read in the same order.
    """
    cells_of = {
        column: [readings(text or "") for text in file.rows[column]]
        for column in ("as_of", "contacted_at", "contact_by")
    }
    votes = orders_of(cell for cells in cells_of.values() for cell in cells)
    of_nights = _order_of_nights(cells_of["as_of"], nights)
    order = votes.pop() if len(votes) == 1 else of_nights if not votes else None
    used = {"as_of": order if of_nights is None else of_nights, "contacted_at": order}
    for column, chosen in used.items():
        texts, cells = file.rows[column], cells_of[column]
        read = pl.Series(column, [cell.chosen(chosen) for cell in cells], dtype=pl.String)
        unclear = pl.Series([cell.is_ambiguous for cell in cells], dtype=pl.Boolean)
        unclear = unclear & read.is_null()
        file.reject(pl.lit(unclear), column, AMBIGUOUS)
        if column == "as_of":
            read = read.str.slice(0, 10)
            file.reject(pl.lit(texts.is_not_null() & read.is_null() & ~unclear), column, NO_DAY)
        file.rows = file.rows.with_columns(pl.coalesce(read, texts).alias(column))


def _order_of_nights(cells: list[Readings], nights: set[str]) -> bool | None:
    """Whether the ambiguous nights have the day first, judged by which of them were published."""
    unclear = [cell for cell in cells if cell.is_ambiguous]
    fits = [all(str(cell[order])[:10] in nights for cell in unclear) for order in (0, 1)]
    return fits[0] if unclear and fits[0] != fits[1] else None
