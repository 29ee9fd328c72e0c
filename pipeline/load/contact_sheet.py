"""Read the contact list that agents filled in, CSV or workbook, as checked rows. Faulty cells go to
quarantine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from features.clock import is_earlier, local_day
from features.stage import STAGES_AND_UNKNOWN
from pipeline.output.contact_list_columns import OUTCOMES
from pipeline.output.safe_text import neutral
from pipeline.settings.errors import BadInput
from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.csv_text import ROW, read_text_table
from pipeline.sources.workbook import read_workbook

REQUIRED, OPTIONAL = ("order_id", "contacted_at"), ("outcome", "as_of", "stage")
SHEET = "contacts"
# ids of contacts from sheets start with this
PREFIX = "sheet:"
MOST_BYTES = 50_000_000
_FAULT = {ROW: pl.Int64, "column": pl.String, "reason": pl.String}


def read_sheet(path: Path) -> CheckedFile:
    """The rows of the sheet as text. Raises `BadInput` if the sheet cannot be read or has a column
    missing."""
    if not path.is_file():
        raise BadInput(
            f"{path}: no such file. Set FILE to the filled-in contact list, .csv or .xlsx."
        )
    table, undecodable = (
        read_workbook(path, SHEET, MOST_BYTES)
        if path.suffix.lower() == ".xlsx"
        else read_text_table(path)
    )
    if missing := [name for name in REQUIRED if name not in table.columns]:
        raise BadInput(
            f"{path.name}: column {', '.join(missing)} is missing. "
            f"Found: {', '.join(table.columns[1:])}. "
            "Use the contact list as it was written, with contacted_at and outcome filled in."
        )
    absent = [pl.lit(None, pl.String).alias(name) for name in OPTIONAL if name not in table.columns]
    file = CheckedFile(
        path.name, table.with_columns(absent).select(ROW, *REQUIRED, *OPTIONAL), table
    )
    for row, column, reason in undecodable:
        file.faults.append(
            pl.DataFrame({ROW: [row], "column": [column], "reason": [reason]}, _FAULT)
        )
    return file


def check_contacts(file: CheckedFile, orders: pl.DataFrame, zone: str) -> pl.DataFrame:
    """The contacts of the sheet: `contact_id, order_id, stage, outcome, occurred_at, known_at`, one
    row per order and list.

    `orders`: `order_id, occurred_at` of all orders. A row with neither `contacted_at` nor `outcome`
    is not a contact. A row in which only the outcome is wrong becomes a contact without an outcome.
    Faults are recorded in `file`.
    """
    texts = [pl.col(name).str.strip_chars() for name in (*REQUIRED, *OPTIONAL)]
    file.rows = file.rows.with_columns(texts).with_columns(
        pl.when(pl.col(name) != "").then(pl.col(name)).alias(name)
        for name in (*REQUIRED, *OPTIONAL)
    )
    file.rows = file.rows.filter(pl.any_horizontal(pl.col("contacted_at", "outcome").is_not_null()))
    _add_orders(file, orders)
    file.require(*REQUIRED)
    file.instant("contacted_at", zone, has_offsets=True)
    file.reject(
        pl.col("order_id").is_not_null() & pl.col("placed_at").is_null(),
        "order_id",
        "unknown order",
    )
    file.not_before("contacted_at", "placed_at", "before the order was placed")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    file.reject(
        is_earlier(pl.lit(tomorrow), pl.col("contacted_at")),
        "contacted_at",
        "is in the future by this machine's clock",
    )
    night = pl.col("as_of").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    file.rows = file.rows.with_columns(
        list_day=pl.coalesce(night, local_day(pl.col("contacted_at"), zone).cast(pl.Date)),
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


def _among(column: str, allowed: tuple[str, ...]) -> pl.Expr:
    return pl.when(pl.col(column).is_in(allowed)).then(pl.col(column))


def _add_orders(file: CheckedFile, orders: pl.DataFrame) -> None:
    """Replace each `order_id` by the id in the tables, which the list may have made harmless, and
    add `placed_at`, when the order was placed."""
    shown = orders.select(
        placed_at="occurred_at", true_id="order_id", order_id=neutral(pl.col("order_id"))
    )
    exact = orders.select("order_id", placed_at="occurred_at", true_id="order_id")
    known = pl.concat([exact, shown.select(exact.columns)]).unique(
        "order_id", keep="first", maintain_order=True
    )
    rows = file.rows.join(known, on="order_id", how="left", maintain_order="left")
    file.rows = rows.with_columns(order_id=pl.coalesce("true_id", "order_id")).drop("true_id")
