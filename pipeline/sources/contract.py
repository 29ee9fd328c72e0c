"""The contract for the canonical tables: types, required values, ranges, keys, references, order
in time and sums.

`features.tables` defines the shape of each table, and pandera checks it row by row. This module
adds the checks across rows and tables. Rows that break the contract are reported with a reason,
and so are the rows that refer to them.
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

# the row's position in its frame during the checks
INDEX = "__index__"
CENT_USD = 0.01
REFERRED = {"orders", "order_lines", "products"}
FAULTS = {INDEX: pl.Int64, "column": pl.String, "reason": pl.String, "is_cascade": pl.Boolean}
Faults = dict[str, pl.DataFrame]


@cache
def _pandera() -> ModuleType:
    """Import pandera on first use.

    The import takes a second, and it loads PySpark, which warns about a pandas version that this
    program never passes to it (see pandas in pyproject.toml).
    """
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "PySpark does not yet fully support pandas", FutureWarning
        )
        import pandera.polars
    return pandera.polars


@cache
def schema(table: Table) -> pandera.polars.DataFrameSchema:
    """The pandera schema of a canonical table; it allows extra columns, such as a row's file."""
    columns = {column.name: _column(column) for column in table.columns}
    table_schema: pandera.polars.DataFrameSchema = _pandera().DataFrameSchema(
        columns, name=table.name
    )
    return table_schema


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
    checked: pandera.polars.Column = pa.Column(
        column.dtype, checks, nullable=not column.is_required
    )
    return checked


def _is_finite(data: Any) -> pl.LazyFrame:
    finite: pl.LazyFrame = data.lazyframe.select(
        pl.col(data.key).is_finite() | pl.col(data.key).is_null()
    )
    return finite


def find_faults(
    frames: Mapping[str, pl.DataFrame],
    refused: Mapping[str, pl.Series] | None = None,
    incomplete: pl.Series | None = None,
) -> Faults:
    """Return the faults by table: `__index__, column, reason, is_cascade`, one row per fault.

    `__index__` is the row's position in its frame. `refused` has, by table, the positions of rows
    that were rejected earlier: rows that refer to them cascade, but they are not reported again.
    `incomplete` has the ids of orders with a line that is in no frame. Raises `ValueError` if a
    frame lacks a column or has another type, which is a defect of the source.
    """
    checks = _FaultCollector(frames, refused or {})
    for name in checks.rows:
        checks.add(name, _row_faults(name, checks.good(name)))
    if {"products", "order_lines"} <= checks.rows.keys():
        checks.add_unknown("order_lines", "product_id", "products")
    refused_lines = checks.refused("order_lines", "order_id")
    incomplete = refused_lines if incomplete is None else pl.concat([refused_lines, incomplete])
    # the other tables refer to these, or their sums are checked, so each key must be there once
    for name in REFERRED & checks.rows.keys():
        checks.add(name, _repeated(checks.good(name), TABLES[name].key))
    if {"orders", "order_lines"} <= checks.rows.keys():
        sums = _wrong_sums(checks.good("orders"), checks.good("order_lines"), incomplete)
        checks.add("orders", sums)
    for name in checks.rows:
        if name != "orders" and "orders" in checks.rows and "order_id" in TABLES[name].schema:
            checks.add_unknown(name, "order_id", "orders")
            checks.add(name, _too_early(checks.good(name), checks.good("orders")))
        if name not in REFERRED:
            checks.add(name, _repeated(checks.good(name), TABLES[name].key))
    if "disputes" in checks.rows:
        checks.add("disputes", _without_opening(checks.good("disputes")))
    return checks.new_faults()


class _FaultCollector:
    """The rows of each table with their positions, and the faults so far."""

    def __init__(
        self, frames: Mapping[str, pl.DataFrame], refused: Mapping[str, pl.Series]
    ) -> None:
        self.rows = {
            name: frame.with_row_index(INDEX).cast({INDEX: pl.Int64})
            for name, frame in frames.items()
        }
        # rows refused earlier have an empty reason
        self.faults = {
            name: _fault_rows(
                pl.DataFrame({INDEX: refused.get(name, [])}, {INDEX: pl.Int64}), "", ""
            )
            for name in frames
        }

    def add(self, name: str, faults: pl.DataFrame) -> None:
        self.faults[name] = pl.concat([self.faults[name], faults.select(*FAULTS)])

    def add_unknown(self, name: str, column: str, other: str) -> None:
        """Add the rows whose `column` is not the id of a good row of table `other`."""
        entity = column.removesuffix("_id")
        unknown = self.good(name).join(
            self.good(other), on=column, how="anti", maintain_order="left"
        )
        rejected = unknown.join(self.rows[other], on=column, how="semi", maintain_order="left")
        absent = unknown.join(self.rows[other], on=column, how="anti", maintain_order="left")
        cascaded = _fault_rows(rejected, column, f"its {entity} is in quarantine", is_cascade=True)
        self.add(name, pl.concat([cascaded, _fault_rows(absent, column, f"unknown {entity}")]))

    def good(self, name: str) -> pl.DataFrame:
        """The rows without a fault so far."""
        return self.rows[name].join(self.faults[name], on=INDEX, how="anti", maintain_order="left")

    def new_faults(self) -> Faults:
        """The faults by table, without the rows that were refused earlier."""
        reported = {
            name: faults.filter(pl.col("reason") != "") for name, faults in self.faults.items()
        }
        return {name: faults for name, faults in reported.items() if faults.height}

    def refused(self, name: str, column: str) -> pl.Series:
        """The values of `column` in rows with a fault."""
        if name not in self.rows:
            return pl.Series(column, [], pl.String)
        return self.rows[name].join(self.faults[name], on=INDEX, how="semi")[column]


def _row_faults(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    faults = [pl.DataFrame(schema=FAULTS)]
    if name == "disputes" and frame.schema.get("amount_usd") == pl.Float64:
        # a refund may be written with a minus, which `enforce_contract` takes off
        frame = frame.with_columns(pl.col("amount_usd").abs())
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
        # pandera counts the rows it gets, which lack the rows refused earlier
        index = frame[INDEX].gather(cases["index"].cast(pl.Int64))
        faults.append(cases.select(index, "column", reason=reason, is_cascade=pl.lit(False)))
    early = pl.col("known_at") < pl.col("occurred_at")
    faults.append(_fault_rows(frame.filter(early), "known_at", "known before it happened"))
    return pl.concat(faults)


def _fault_rows(
    rows: pl.DataFrame, column: str, reason: str | pl.Expr, *, is_cascade: bool = False
) -> pl.DataFrame:
    text = pl.lit(reason) if isinstance(reason, str) else reason
    return rows.select(INDEX, column=pl.lit(column), reason=text, is_cascade=pl.lit(is_cascade))


def _repeated(frame: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    again = frame.filter(pl.int_range(pl.len()).over(*key) > 0)
    return _fault_rows(
        again, key[-1], f"duplicate key ({', '.join(key)}); the first good row is kept"
    )


def _wrong_sums(orders: pl.DataFrame, lines: pl.DataFrame, incomplete: pl.Series) -> pl.DataFrame:
    """Orders whose total is above the sum of their lines, or whose shipping is above their total.

    total = items + shipping - discount, and a discount is never below 0. The tolerance is one cent
    per line, because each line may be rounded. `incomplete` has the orders with a rejected line;
    their sums are not checked.
    """
    line_usd = pl.col("quantity") * pl.col("unit_price_usd") + pl.col("shipping_usd")
    sums = lines.group_by("order_id").agg(lines_usd=line_usd.sum(), count_lines=pl.len())
    rows = orders.join(sums, on="order_id", how="inner", maintain_order="left")
    is_off = pl.col("total_usd") - pl.col("lines_usd") > CENT_USD * pl.col("count_lines") + 1e-6
    is_off = is_off & ~pl.col("order_id").is_in(incomplete.implode())
    reason = pl.format(
        "more than its lines add up to: quantity x price + shipping = {}",
        pl.col("lines_usd").round(2),
    )
    wrong_totals = _fault_rows(rows.filter(is_off), "total_usd", reason)
    too_much = orders.filter(pl.col("shipping_usd") > pl.col("total_usd") + CENT_USD)
    wrong_shipping = _fault_rows(too_much, "shipping_usd", "more than the total it is part of")
    return pl.concat([wrong_totals, wrong_shipping])


def _too_early(frame: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    placed = orders.select("order_id", placed_at="occurred_at")
    rows = frame.join(placed, on="order_id", how="left", maintain_order="left")
    early = rows.filter(pl.col("occurred_at") < pl.col("placed_at"))
    faults = [_fault_rows(early, "occurred_at", "happened before its order was placed")]
    if "promised_at" in frame.columns:
        too_soon = rows.filter(pl.col("promised_at") < pl.col("placed_at"))
        reason = "promised for a time before its order was placed"
        faults.append(_fault_rows(too_soon, "promised_at", reason))
    return pl.concat(faults)


def _without_opening(steps: pl.DataFrame) -> pl.DataFrame:
    """Steps of a dispute without a step 'opened', or before it."""
    by_dispute = steps.filter(step="opened").group_by("dispute_id")
    opened = by_dispute.agg(opened_at=pl.col("occurred_at").min())
    rows = steps.join(opened, on="dispute_id", how="left", maintain_order="left")
    unopened = rows.filter(pl.col("opened_at").is_null())
    early = rows.filter(pl.col("occurred_at") < pl.col("opened_at"))
    return pl.concat(
        [
            _fault_rows(unopened, "dispute_id", "its dispute has no step 'opened'"),
            _fault_rows(early, "occurred_at", "happened before its dispute was opened"),
        ]
    )
