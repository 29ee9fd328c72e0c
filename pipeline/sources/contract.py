"""The contract that every source's tables keep: types, required values, ranges, keys, references,
order in time, sums.

The shape of each table stands in `features.tables`; pandera checks it row by row. What goes across
rows or tables stands here. A row that breaks the contract leaves the tables with its reason; rows
that referred to it follow.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import polars as pl

from features.tables import TABLES, Column, Table

if TYPE_CHECKING:
    import pandera.polars

# the row's place in its frame while it is checked
INDEX = "__index__"
CENT_USD = 0.01
FAULTS = {INDEX: pl.Int64, "column": pl.String, "reason": pl.String, "is_cascade": pl.Boolean}
Faults = dict[str, pl.DataFrame]


@cache
def _pandera() -> ModuleType:
    """Imported when it is used: it takes a second, and looks at PySpark, which warns of a pandas
    that nothing here hands to it (pyproject.toml, at pandas)."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "PySpark does not yet fully support pandas", FutureWarning
        )
        import pandera.polars
    return pandera.polars


@cache
def schema(table: Table) -> pandera.polars.DataFrameSchema:
    """The pandera schema of a canonical table; other columns, such as a row's origin, may stand
    beside."""
    pa = _pandera()
    return pa.DataFrameSchema(
        {column.name: _column(column) for column in table.columns}, name=table.name
    )


def _column(column: Column) -> pandera.polars.Column:
    pa, checks = _pandera(), []
    if column.minimum is not None:
        checks.append(
            pa.Check.ge(
                column.minimum, error=f"below {column.minimum:g}, the smallest value allowed"
            )
        )
    if column.dtype == pl.Float64:
        checks.append(pa.Check(_is_finite, error="not a number; write it like 1234.50"))
    if column.choices:
        choices = list(column.choices)
        checks.append(pa.Check.isin(choices, error=f"unknown value; allowed: {', '.join(choices)}"))
    return pa.Column(column.dtype, checks, nullable=not column.is_required)


def _is_finite(data: Any) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key).is_finite() | pl.col(data.key).is_null())


def find_faults(
    frames: Mapping[str, pl.DataFrame], refused: Mapping[str, pl.Series] | None = None
) -> Faults:
    """What breaks the contract, by table: `__index__` (the row's place), `column, reason,
    is_cascade`; one row a fault.

    `refused`: the places of rows that were found faulty before; they count as there, and no more is
    said of them. The columns must be there with their types: that is the source's duty, and a
    defect of it otherwise.
    """
    told = _Findings(frames, refused or {})
    for name in told.rows:
        told.add(name, _row_faults(name, told.good(name)))
    if {"products", "order_lines"} <= told.rows.keys():
        told.add("order_lines", _strangers(told, "order_lines", "product_id", "products"))
    spoilt = told.refused("order_lines", "order_id")
    for name in told.rows:
        told.add(name, _repeated(told.good(name), TABLES[name].key))
    if {"orders", "order_lines"} <= told.rows.keys():
        told.add("orders", _wrong_sums(told.good("orders"), told.good("order_lines"), spoilt))
    for name in told.rows:
        if name != "orders" and "orders" in told.rows and "order_id" in TABLES[name].schema:
            told.add(name, _strangers(told, name, "order_id", "orders"))
            told.add(name, _too_early(told.good(name), told.good("orders")))
    if "disputes" in told.rows:
        told.add("disputes", _without_opening(told.good("disputes")))
    return told.news()


class _Findings:
    """The rows of each table by their place, and what was found against them so far."""

    def __init__(
        self, frames: Mapping[str, pl.DataFrame], refused: Mapping[str, pl.Series]
    ) -> None:
        self.rows = {
            name: frame.with_row_index(INDEX).cast({INDEX: pl.Int64})
            for name, frame in frames.items()
        }
        self.faults = {
            name: pl.DataFrame({INDEX: refused.get(name, [])}, schema={INDEX: pl.Int64})
            for name in frames
        }
        self.faults = {name: _told(found, "", "") for name, found in self.faults.items()}

    def add(self, name: str, found: pl.DataFrame) -> None:
        self.faults[name] = pl.concat([self.faults[name], found.select(*FAULTS)])

    def good(self, name: str) -> pl.DataFrame:
        return self.rows[name].join(self.faults[name], on=INDEX, how="anti", maintain_order="left")

    def news(self) -> Faults:
        """What was found, by table; the rows refused before are not told again."""
        found = {
            name: faults.filter(pl.col("reason") != "") for name, faults in self.faults.items()
        }
        return {name: faults for name, faults in found.items() if faults.height}

    def refused(self, name: str, column: str) -> pl.Series:
        if name not in self.rows:
            return pl.Series(column, [], pl.String)
        return self.rows[name].join(self.faults[name], on=INDEX, how="semi")[column]


def _row_faults(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    found = [pl.DataFrame(schema=FAULTS)]
    try:
        schema(TABLES[name]).validate(frame, lazy=True)
    except _pandera().errors.SchemaErrors as broken:
        cases = broken.failure_cases
        if cases["index"].has_nulls():
            raise ValueError(f"{name}: not the columns of the table: {cases.rows()}") from None
        reason = (
            pl.when(check="not_nullable")
            .then(pl.lit("empty; a value is required"))
            .otherwise(pl.col("check"))
        )
        found.append(
            cases.select(
                pl.col("index").cast(pl.Int64).alias(INDEX),
                "column",
                reason=reason,
                is_cascade=pl.lit(False),
            )
        )
    early = pl.col("known_at") < pl.col("occurred_at")
    found.append(_told(frame.filter(early), "known_at", "known before it happened"))
    return pl.concat(found)


def _told(
    rows: pl.DataFrame, column: str, reason: str | pl.Expr, *, is_cascade: bool = False
) -> pl.DataFrame:
    words = pl.lit(reason) if isinstance(reason, str) else reason
    return rows.select(INDEX, column=pl.lit(column), reason=words, is_cascade=pl.lit(is_cascade))


def _repeated(frame: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    again = frame.filter(pl.int_range(pl.len()).over(*key) > 0)
    return _told(again, key[-1], f"duplicate key ({', '.join(key)}); the first good row is kept")


def _wrong_sums(orders: pl.DataFrame, lines: pl.DataFrame, spoilt: pl.Series) -> pl.DataFrame:
    """total = items + shipping - discount, and no discount is below 0: within a cent a line, each
    may be rounded.

    Of the `spoilt` orders some line was refused: nothing can be said about their sum.
    """
    worth = pl.col("quantity") * pl.col("unit_price_usd") + pl.col("shipping_usd")
    sums = lines.group_by("order_id").agg(lines_usd=worth.sum(), count_lines=pl.len())
    rows = orders.join(sums, on="order_id", how="inner", maintain_order="left")
    is_off = pl.col("total_usd") - pl.col("lines_usd") > CENT_USD * pl.col("count_lines") + 1e-6
    is_off = is_off & ~pl.col("order_id").is_in(spoilt.implode())
    words = pl.format(
        "more than its lines add up to: quantity x price + shipping = {}",
        pl.col("lines_usd").round(2),
    )
    too_much = pl.col("shipping_usd") > pl.col("total_usd") + CENT_USD
    return pl.concat(
        [
            _told(rows.filter(is_off), "total_usd", words),
            _told(
                orders.filter(too_much), "shipping_usd", "more than the total that it is a part of"
            ),
        ]
    )


def _strangers(told: _Findings, name: str, column: str, others: str) -> pl.DataFrame:
    """Rows whose order or product is nowhere, or was itself refused."""
    what = column.removesuffix("_id")
    unknown = told.good(name).join(told.good(others), on=column, how="anti", maintain_order="left")
    refused = unknown.join(told.rows[others], on=column, how="semi", maintain_order="left")
    nowhere = unknown.join(told.rows[others], on=column, how="anti", maintain_order="left")
    return pl.concat(
        [
            _told(refused, column, f"its {what} is in quarantine", is_cascade=True),
            _told(nowhere, column, f"unknown {what}"),
        ]
    )


def _too_early(frame: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    placed = orders.select("order_id", placed_at="occurred_at")
    rows = frame.join(placed, on="order_id", how="left", maintain_order="left")
    early = rows.filter(pl.col("occurred_at") < pl.col("placed_at"))
    found = [_told(early, "occurred_at", "happened before its order was placed")]
    if "promised_at" in frame.columns:
        for_before = rows.filter(pl.col("promised_at") < pl.col("placed_at"))
        found.append(
            _told(for_before, "promised_at", "promised for a time before its order was placed")
        )
    return pl.concat(found)


def _without_opening(steps: pl.DataFrame) -> pl.DataFrame:
    opened = (
        steps.filter(step="opened")
        .group_by("dispute_id")
        .agg(opened_at=pl.col("occurred_at").min())
    )
    rows = steps.join(opened, on="dispute_id", how="left", maintain_order="left")
    early = rows.filter(pl.col("occurred_at") < pl.col("opened_at"))
    return pl.concat(
        [
            _told(
                rows.filter(pl.col("opened_at").is_null()),
                "dispute_id",
                "its dispute has no step 'opened'",
            ),
            _told(early, "occurred_at", "happened before its dispute was opened"),
        ]
    )
