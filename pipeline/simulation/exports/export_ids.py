"""Order and dispute numbers in the platform's format, made from the ids of a simulated store and
convertible back (docs/reference/simulated-exports.md).

A number has 16 digits: two for the kind, 13 for the store's own number and one for the line. For
example, `o-000123` is 8000000000001230 and its second line is 8100000000001232.
`number % 10**14 // 10` is the store's own number again.
"""

from __future__ import annotations

import polars as pl

# the kinds: the first two of the 16 digits
PRODUCT, SOLUTION, ISSUE, ISSUE_DETAIL, OPERATION, ORDER, LINE = 10, 60, 63, 64, 70, 80, 81


def number(kind: int, column: str) -> pl.Expr:
    """`o-000123` -> kind, 0000000000123, 0; the line `o-000123-2` -> kind, 0000000000123, 2."""
    parts = pl.col(column).str.extract_groups(r"^[a-z]+-(\d+)(?:-(\d+))?$")
    own, line = (parts.struct.field(name).cast(pl.Int64) for name in ("1", "2"))
    return kind * 10**14 + own * 10 + line.fill_null(0)
