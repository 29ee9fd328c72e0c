"""How a canonical table is described: its grain, its key and its columns."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Column:
    """A column: its type, whether it must have a value, and its minimum or allowed values.

    `longest`: how many characters of a text are stored; None: all.
    """

    name: str
    dtype: pl.DataType
    is_required: bool = True
    minimum: float | None = None
    choices: tuple[str, ...] = ()
    longest: int | None = None


@dataclass(frozen=True)
class Table:
    """A canonical table: its grain, its key, and its columns apart from the two times."""

    name: str
    grain: str
    key: tuple[str, ...]
    own_columns: tuple[Column, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, with `occurred_at` and `known_at` at the end."""
        return (*self.own_columns, Column("occurred_at", INSTANT), Column("known_at", INSTANT))

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column name -> type."""
        return {column.name: column.dtype for column in self.columns}

    def completed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with the optional columns that it lacks, as nulls."""
        return frame.with_columns(
            pl.lit(None, column.dtype).alias(column.name)
            for column in self.columns
            if not column.is_required and column.name not in frame.columns
        )

    def empty(self) -> pl.DataFrame:
        """The table without rows."""
        return pl.DataFrame(schema=self.schema)


def text(name: str, *choices: str, is_required: bool = True, longest: int | None = None) -> Column:
    """A text column; with `choices`, only these values are allowed."""
    return Column(name, pl.String(), is_required, choices=choices, longest=longest)


def number(name: str, *, is_required: bool = True, minimum: float | None = 0.0) -> Column:
    """A float64 column with values of at least `minimum`; None: no minimum."""
    return Column(name, pl.Float64(), is_required, minimum)


def instant(name: str, *, is_required: bool = True) -> Column:
    """A UTC timestamp column."""
    return Column(name, INSTANT, is_required)
