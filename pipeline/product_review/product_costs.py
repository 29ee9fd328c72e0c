"""Reads costs.csv, the seller's cost per unit: `product_id, cost, currency`."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.csv_text import ROW, read_text_table
from pipeline.sources.reading.rounded_ids import ROUNDED, is_rounded
from pipeline.workspace.progress import warn


def read_costs(path: Path, config: Config) -> pl.DataFrame:
    """One row per product: `product_id`, `cost_usd` (null if unknown) and `cost_note` (why).

    Rows that cannot be read are reported and left out. Raises `BadInput` for a missing file or
    column.
    """
    table, faults = read_text_table(path)
    missing = [name for name in ("product_id", "cost", "currency") if name not in table.columns]
    if missing:
        raise BadInput(
            f"{path.name}: has no column {', '.join(missing)}. "
            "It needs product_id, cost and currency."
        )
    for row, column, reason in faults:
        warn(f"{path.name}, row {row}, {column}: {reason}. The row is left out.")
    is_bad = is_rounded(table["product_id"])
    for row in table.filter(is_bad)[ROW]:
        warn(f"{path.name}, row {row}, product_id: {ROUNDED}. The row is left out.")
    cost, rate = _cost(), _rate(config)
    rows = table.filter(~is_bad & pl.col("product_id").is_not_null()).with_columns(
        cost_note=_cost_note(cost, rate)
    )
    duplicates = rows.filter(pl.col("product_id").is_duplicated())["product_id"].unique().sort()
    if len(duplicates):
        names = ", ".join(duplicates.head(5))
        warn(f"{path.name}: more than one row for {names}; the last row counts")
    rows = rows.with_columns(cost_usd=pl.when(pl.col("cost_note").is_null()).then(cost * rate))
    return (
        rows.sort(ROW)
        .unique("product_id", keep="last")
        .select("product_id", "cost_usd", "cost_note")
    )


def _cost() -> pl.Expr:
    return pl.col("cost").cast(pl.Float64, strict=False)


def _rate(config: Config) -> pl.Expr:
    """USD per unit of the row's currency; null if it is not in the settings."""
    return pl.col("currency").replace_strict(config.usd_per, default=None, return_dtype=pl.Float64)


def _cost_note(cost: pl.Expr, rate: pl.Expr) -> pl.Expr:
    """Why a row gives no margin; null if it gives one."""
    is_number = cost.is_not_null() & cost.is_finite() & (cost >= 0)
    bad_cost = pl.format(
        "cost '{}' is not a number of at least 0: no margin", pl.col("cost").fill_null("")
    )
    no_rate = pl.format(
        "no exchange rate for '{}' in usd_per: no margin", pl.col("currency").fill_null("")
    )
    return (
        pl.when(~is_number.fill_null(False))
        .then(bad_cost)
        .when(pl.col("currency").is_null())
        .then(pl.lit("cost without a currency: no margin"))
        .when(rate.is_null())
        .then(no_rate)
    )
