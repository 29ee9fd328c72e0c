"""The facts of one `[[fact]]` of a mapping: the columns of its table, made from the rows of a file,
and the faults of these rows."""

from __future__ import annotations

from collections.abc import Mapping as Names
from dataclasses import dataclass

import polars as pl

from features.tables import INSTANT, TABLES
from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.cells import (
    NOT_A_NUMBER,
    has_time,
    moment,
    not_a_time,
    number,
    translated,
)
from pipeline.sources.mapped.chosen_rows import chosen_rows
from pipeline.sources.mapped.incomplete_orders import reject_damaged
from pipeline.sources.mapped.mapping import MONEY, Fact, Mapping
from pipeline.sources.mapped.mapping_cells import Cell
from pipeline.sources.mapped.order_amounts import FIRST, with_ways
from pipeline.sources.mapped.overlaps import IDENTITY, identity
from pipeline.sources.reading.long_ids import TOO_LONG, is_too_long
from pipeline.sources.reading.rounded_ids import NO_ID, ROUNDED, is_error, is_rounded

NEEDS_RATE = "no exchange rate for this currency; add it to usd_per in config.toml"
# if one of these is empty, the event has not happened, and there is no fact
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
class MappedFacts:
    """Facts of a table with `FILE` and `ROW`, and the columns that the mapping gives.

    `members`: the rows from which these facts were made (`FILE`, `ROW`, and `FIRST`, the row that
    represents them). `left_out`: the rows that `where` leaves out, or whose order it leaves out.
    """

    table: str
    facts: pl.DataFrame
    members: pl.DataFrame
    left_out: pl.Series


def make_facts(
    file: CheckedFile,
    source: pl.DataFrame,
    fact: Fact,
    mapping: Mapping,
    usd_per: Names[str, float],
    *,
    of_orders: Fact | None,
    left_out: pl.Series,
) -> MappedFacts:
    """The facts of `fact` in `source`, the rows of `file` as by `source_rows`. Rejects the rows of
    `file` with filled cells that are not a number, a time or an allowed word. `of_orders`: the
    orders of the file, if it lists them; `left_out`: the ids of orders that `where` leaves out."""
    rows, left_out_rows = chosen_rows(source, fact, of_orders, left_out)
    every = rows.with_columns(pl.col(ROW).alias(FIRST))
    if fact.per:
        is_keyed = pl.all_horizontal(pl.col(fact.per).is_not_null())
        first = pl.when(is_keyed).then(pl.col(ROW).first().over(fact.per)).otherwise(ROW)
        every = rows.with_columns(first.alias(FIRST))
        if fact.table == "orders" and "total" not in fact.columns:
            members = every.select(ROW, FIRST)
            reject_damaged(file, rows.filter(is_keyed), members, fact)
        rows = _grouped(rows, fact.per)
    members = every.select(ROW, FIRST)
    facts = rows.select(pl.lit(file.name).alias(FILE), ROW, *_columns(fact, mapping))
    if fact.table == "orders":
        _reject_amounts(file, every, fact, mapping)
        facts = with_ways(facts, every, fact, fact.decimal or mapping.store.decimal)
    _reject_unreadable(file, rows, facts, fact)
    _reject_without_rate(file, facts, fact, mapping, usd_per)
    deciding = [name for name in DECIDING.get(fact.table, ()) if name in fact.columns]
    if deciding:
        facts = facts.filter(pl.all_horizontal(pl.col(deciding).is_not_null()))
    members = members.join(
        facts.select(FILE, pl.col(ROW).alias(FIRST)), on=FIRST, how="inner", maintain_order="left"
    )
    if fact.known_after_hours or "known_at" in facts.columns:
        delay = pl.duration(seconds=round(fact.known_after_hours * 3600))
        own_times = [pl.col("known_at")] if "known_at" in facts.columns else []
        facts = facts.with_columns(known_at=pl.coalesce(*own_times, pl.col("occurred_at") + delay))
    same = identity(fact, list(fact.columns), is_of_orders=of_orders is not None)
    facts = facts.with_columns(same.alias(IDENTITY))
    return MappedFacts(fact.table, facts, members.select(FILE, ROW, FIRST), left_out_rows)


def _grouped(rows: pl.DataFrame, per: tuple[str, ...]) -> pl.DataFrame:
    """One row per group: the number of its first row, and the first filled cell of each column.
    Rows without the key are not grouped; they are faulty."""
    keyed = rows.filter(pl.all_horizontal(pl.col(per).is_not_null()))
    keyless = rows.filter(pl.any_horizontal(pl.col(per).is_null()))
    rest = [column for column in rows.columns if column not in (*per, ROW)]
    groups = keyed.group_by(per, maintain_order=True).agg(
        pl.col(ROW).first(), *[pl.col(column).drop_nulls().first() for column in rest]
    )
    return pl.concat([groups.select(rows.columns), keyless])


def _columns(fact: Fact, mapping: Mapping) -> list[pl.Expr]:
    """The columns of the fact, each by the type of its column in the table."""
    kinds = {column.name: column.dtype for column in TABLES[fact.table].columns}
    money = MONEY.get(fact.table, {})
    zone = mapping.store.times_in or mapping.store.zone
    columns = []
    for name, cell in fact.columns.items():
        if kinds.get(name) == INSTANT:
            columns.append(moment(cell, zone).alias(name))
        elif name in money or kinds.get(name) == pl.Float64:
            columns.append(number(cell, fact.decimal or mapping.store.decimal).alias(name))
        else:
            columns.append(translated(cell).alias(name))
    return columns


def _reject_unreadable(
    file: CheckedFile, rows: pl.DataFrame, facts: pl.DataFrame, fact: Fact
) -> None:
    for name, cell in fact.columns.items():
        kind, column = facts.schema[name], source_column(cell, name)
        if kind == INSTANT:
            is_filled = rows.select(has_time(cell)).to_series()
            reject(file, facts, is_filled & facts[name].is_null(), column, not_a_time(cell))
        elif kind == pl.Float64:
            reject(file, facts, facts[name].is_nan().fill_null(False), column, NOT_A_NUMBER)
        elif name.endswith("_id"):
            reject(file, facts, is_rounded(facts[name]), column, ROUNDED)
            reject(file, facts, is_error(facts[name]), column, NO_ID)
            reject(file, facts, is_too_long(facts[name]), column, TOO_LONG)
    for name in fact.per:
        reject(file, rows, rows[name].is_null(), name, "empty; a value is required")


def _reject_amounts(file: CheckedFile, rows: pl.DataFrame, fact: Fact, mapping: Mapping) -> None:
    """Reject each row of an order with an amount that is not a number, not only its first."""
    for name, cell in fact.columns.items():
        if name in MONEY["orders"]:
            is_bad = rows.select(
                number(cell, fact.decimal or mapping.store.decimal).is_nan().fill_null(False)
            )
            reject(file, rows, is_bad.to_series(), source_column(cell, name), NOT_A_NUMBER)


def _reject_without_rate(
    file: CheckedFile, facts: pl.DataFrame, fact: Fact, mapping: Mapping, usd_per: Names[str, float]
) -> None:
    if fact.table == "orders" or "currency" in fact.columns:
        currency = facts["currency"] if "currency" in facts.columns else None
        rates = pl.select(rate_of(pl.lit(currency, pl.String), mapping, usd_per)).to_series()
        cell = fact.columns.get("currency", Cell(value=""))
        reject(file, facts, rates.is_null(), source_column(cell, "currency"), NEEDS_RATE)


def rate_of(currency: pl.Expr, mapping: Mapping, usd_per: Names[str, float]) -> pl.Expr:
    """USD per unit of the currency, that of the store if there is none; null without a rate."""
    own = currency.str.to_uppercase().fill_null(mapping.store.currency)
    return own.replace_strict(dict(usd_per), default=None, return_dtype=pl.Float64)


def reject(
    file: CheckedFile, rows: pl.DataFrame, is_bad: pl.Series, column: str, reason: str
) -> None:
    """Record a fault in `file` for the rows where `is_bad` is true."""
    bad = rows.filter(is_bad)
    words = [pl.lit(column).alias("column"), pl.lit(reason).alias("reason")]
    file.faults.append(bad.select(pl.col(ROW), *words))


def source_column(cell: Cell | None, name: str) -> str:
    """The first column of the file from which our column `name` comes, or `name` itself."""
    return cell.names[0] if cell and cell.names else name
