"""The facts of one `[[fact]]`: a frame of its table's own columns out of the rows of a file, and
what is wrong."""

from __future__ import annotations

from collections.abc import Mapping as Names
from dataclasses import dataclass

import polars as pl

from features.tables import INSTANT, TABLES
from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.cells import (
    BROKEN_ID,
    NOT_A_NUMBER,
    NOT_A_TIME,
    in_words,
    moment,
    number,
)
from pipeline.sources.mapped.mapping import MONEY, Cell, Fact, Mapping

NEEDS_RATE = "no exchange rate for this currency; add it to usd_per in config.toml"
PASSED, FIRST = "__passed__", "__first__"
# where one of these is empty it has not happened, and there is no fact
DECIDING: Names[str, tuple[str, ...]] = {
    "promises": ("promised_at",),
    "order_events": ("event", "occurred_at"),
    "shipments": ("occurred_at",),
    "tracking": ("status", "occurred_at"),
    "disputes": ("step", "occurred_at"),
    "messages": ("occurred_at",),
    "contacts": ("occurred_at",),
    "reviews": ("score", "occurred_at"),
}


@dataclass(frozen=True)
class Made:
    """Facts of a table with `FILE` and `ROW`, each column as far as the mapping tells it.

    `members`: the rows that these facts were made from (`FILE, ROW`, and `FIRST`, the row that
    stands for them). `left_out`: those that `where` leaves out.
    """

    table: str
    facts: pl.DataFrame
    members: pl.DataFrame
    left_out: pl.Series


def make_facts(file: CheckedFile, fact: Fact, mapping: Mapping, usd_per: Names[str, float]) -> Made:
    """Reject in `file` the rows whose filled cells are no number, time or word of ours."""
    rows, left_out = _chosen(file.rows, fact)
    members = rows.select(ROW, pl.col(ROW).alias(FIRST))
    if fact.per:
        is_keyed = pl.all_horizontal(pl.col(fact.per).is_not_null())
        first = pl.when(is_keyed).then(pl.col(ROW).first().over(fact.per)).otherwise(ROW)
        members = rows.select(ROW, first.alias(FIRST))
        rows = _grouped(rows, fact.per)
    found = rows.select(pl.lit(file.name).alias(FILE), ROW, *_columns(fact, mapping))
    _reject(file, rows, found, fact)
    found = _priced(file, found, fact, mapping, usd_per)
    deciding = [name for name in DECIDING.get(fact.table, ()) if name in fact.columns]
    if deciding:
        found = found.filter(pl.all_horizontal(pl.col(deciding).is_not_null()))
    members = members.join(
        found.select(FILE, pl.col(ROW).alias(FIRST)), on=FIRST, how="inner", maintain_order="left"
    )
    if fact.known_after_hours or "known_at" in found.columns:
        late = pl.duration(seconds=round(fact.known_after_hours * 3600))
        told = [pl.col("known_at")] if "known_at" in found.columns else []
        found = found.with_columns(known_at=pl.coalesce(*told, pl.col("occurred_at") + late))
    return Made(fact.table, found, members.select(FILE, ROW, FIRST), left_out)


def _chosen(rows: pl.DataFrame, fact: Fact) -> tuple[pl.DataFrame, pl.Series]:
    is_chosen = pl.lit(True)
    for column, values in fact.where.items():
        told = pl.col(column).str.strip_chars().str.to_lowercase().fill_null("")
        is_chosen = is_chosen & told.is_in([value.strip().lower() for value in values])
    marked = rows.with_columns(is_chosen.alias(PASSED))
    return marked.filter(PASSED).drop(PASSED), marked.filter(~pl.col(PASSED))[ROW]


def _grouped(rows: pl.DataFrame, per: tuple[str, ...]) -> pl.DataFrame:
    """One row per group: its first row's number, of each column the first filled cell. Rows without
    the key are by themselves, and wrong."""
    keyed = rows.filter(pl.all_horizontal(pl.col(per).is_not_null()))
    others = rows.filter(pl.any_horizontal(pl.col(per).is_null()))
    rest = [column for column in rows.columns if column not in (*per, ROW)]
    groups = keyed.group_by(per, maintain_order=True).agg(
        pl.col(ROW).first(), *[pl.col(column).drop_nulls().first() for column in rest]
    )
    return pl.concat([groups.select(rows.columns), others])


def _columns(fact: Fact, mapping: Mapping) -> list[pl.Expr]:
    kinds = {column.name: column.dtype for column in TABLES[fact.table].columns}
    money = MONEY.get(fact.table, {})
    zone = mapping.store.times_in or mapping.store.zone
    made = []
    for name, cell in fact.columns.items():
        if kinds.get(name) == INSTANT:
            made.append(moment(cell, zone).alias(name))
        elif name in money or kinds.get(name) == pl.Float64:
            made.append(number(cell, mapping.store.decimal).alias(name))
        else:
            made.append(in_words(cell).alias(name))
    return made


def _reject(file: CheckedFile, rows: pl.DataFrame, found: pl.DataFrame, fact: Fact) -> None:
    for name, cell in fact.columns.items():
        kind, column = found.schema[name], shown(cell, name)
        filled = [pl.col(each).str.strip_chars().fill_null("") != "" for each in cell.column]
        is_filled = rows.select(pl.any_horizontal(filled) if filled else pl.lit(False)).to_series()
        if kind == INSTANT:
            reject(file, found, is_filled & found[name].is_null(), column, NOT_A_TIME)
        elif kind == pl.Float64:
            reject(file, found, found[name].is_nan().fill_null(False), column, NOT_A_NUMBER)
        elif name.endswith("_id"):
            told = "a long number that a spreadsheet has rounded; export it anew with the column as text"
            reject(file, found, found[name].str.contains(BROKEN_ID).fill_null(False), column, told)
    for name in fact.per:
        reject(file, rows, rows[name].is_null(), name, "empty; a value is required")


def _priced(
    file: CheckedFile, found: pl.DataFrame, fact: Fact, mapping: Mapping, usd_per: Names[str, float]
) -> pl.DataFrame:
    """`rate`: USD per unit of the row's own currency, null where its table tells none."""
    if fact.table == "orders":
        told = pl.col("currency") if "currency" in found.columns else pl.lit(None, pl.String)
        found = found.with_columns(
            currency=told.str.to_uppercase().fill_null(mapping.store.currency)
        )
        rate = pl.col("currency").replace_strict(
            dict(usd_per), default=None, return_dtype=pl.Float64
        )
        found = found.with_columns(rate=rate)
        cell = fact.columns.get("currency", Cell(value=""))
        reject(file, found, found["rate"].is_null(), shown(cell, "currency"), NEEDS_RATE)
    return found


def reject(
    file: CheckedFile, rows: pl.DataFrame, is_bad: pl.Series, column: str, reason: str
) -> None:
    bad = rows.filter(is_bad)
    words = [pl.lit(column).alias("column"), pl.lit(reason).alias("reason")]
    file.faults.append(bad.select(pl.col(ROW), *words))


def shown(cell: Cell | None, name: str) -> str:
    """The file's column behind one of ours."""
    return cell.names[0] if cell and cell.names else name
