"""Numbers of the platform's kind for what a simulated store calls `o-000123`, and back
(docs/sources.md)."""

from __future__ import annotations

import polars as pl

# the first two of 16 digits say what a number is of
PRODUCT, SOLUTION, ISSUE, ISSUE_DETAIL, OPERATION, ORDER, LINE = 10, 60, 63, 64, 70, 80, 81


def number(kind: int, column: str) -> pl.Expr:
    """`o-000123` -> kind, 0000000000123, 0; the line `o-000123-2` -> kind, 0000000000123, 2."""
    parts = pl.col(column).str.extract_groups(r"^[a-z]+-(\d+)(?:-(\d+))?$")
    own, place = (parts.struct.field(name).cast(pl.Int64) for name in ("1", "2"))
    return kind * 10**14 + own * 10 + place.fill_null(0)
