"""The contract for one row of a canonical table: types, required values, ranges and allowed
values, as `features.tables` defines them, and its two times in order."""

from __future__ import annotations

import warnings
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import polars as pl

from features.tables import TABLES, Column, Table

if TYPE_CHECKING:
    import pandera.polars

# the row's position in its frame during the checks
INDEX = "__index__"
FAULTS = {INDEX: pl.Int64, "column": pl.String, "reason": pl.String, "is_cascade": pl.Boolean}


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


def row_faults(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The faults of each row by itself. Raises `ValueError` if the frame lacks a column or has
    another type."""
    faults = [pl.DataFrame(schema=FAULTS)]
    if name == "disputes" and frame.schema.get("amount_usd") == pl.Float64:
        # a refund may be written with a minus, which `enforce_contract` takes off
        frame = frame.with_columns(pl.col("amount_usd").abs())
    if not is_clean(TABLES[name], frame):
        faults.append(_broken_rules(name, frame))
    early = pl.col("known_at") < pl.col("occurred_at")
    faults.append(fault_rows(frame.filter(early), "known_at", "known before it happened"))
    return pl.concat(faults)


def is_clean(table: Table, frame: pl.DataFrame) -> bool:
    """Whether pandera would accept the frame; it need not be imported and called to accept it."""
    if any(frame.schema.get(column.name) != column.dtype for column in table.columns):
        return False
    is_bad = [rule.any() for column in table.columns for rule in _broken(column)]
    return not frame.lazy().select(pl.any_horizontal(is_bad)).collect().item()


def _broken(column: Column) -> list[pl.Expr]:
    """For each rule of a column, whether a row breaks it."""
    value, rules = pl.col(column.name), []
    if column.is_required:
        rules.append(value.is_null())
    if column.minimum is not None:
        rules.append(value < column.minimum)
    if column.dtype == pl.Float64:
        rules.append(~value.is_finite())
    if column.choices:
        rules.append(~value.is_in(column.choices))
    return rules


def _broken_rules(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    faults = [pl.DataFrame(schema=FAULTS)]
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
    return pl.concat(faults)


def fault_rows(
    rows: pl.DataFrame, column: str, reason: str | pl.Expr, *, is_cascade: bool = False
) -> pl.DataFrame:
    """The faults of `rows`, all in one `column`."""
    text = pl.lit(reason) if isinstance(reason, str) else reason
    return rows.select(INDEX, column=pl.lit(column), reason=text, is_cascade=pl.lit(is_cascade))
