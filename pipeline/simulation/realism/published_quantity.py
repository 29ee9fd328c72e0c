"""A quantity with the range that is published for it, and what the tables of ranges share.

Ranges are copied from their source. If no source publishes a range, it is the assumption that the
simulator was built on. Both are fixed: they are not adjusted to a store outside them. Quality of a
source: A paper or official figure, B press or survey, C claim of a vendor, an agent or a blog.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

# Where a single figure is published instead of a range, values up to this many points away count as
# inside: our choice
TOLERANCE_POINTS = 8.0
OWN = "assumption; no one publishes it"
AGENT = "freight agent's table"
SURVEY = "postal operators' survey, about 2017"
ANY = pl.lit(True)


@dataclass(frozen=True)
class Published:
    """A quantity and its range. `value` is computed over the matured orders for which `among` is
    true."""

    quantity: str
    low: float
    high: float
    unit: str
    quality: str
    source: str
    value: pl.Expr
    among: pl.Expr = ANY


def percent(condition: pl.Expr) -> pl.Expr:
    """Share of the rows for which the condition is true, in percent."""
    return 100.0 * condition.cast(pl.Float64).mean()


def near(value: float) -> tuple[float, float]:
    """The range of a single published figure, in percent."""
    return value - TOLERANCE_POINTS, value + TOLERANCE_POINTS


def is_one_of(column: str, *names: str) -> pl.Expr:
    return pl.col(column).is_in(names)
