"""Order and dispute numbers in the platform's format, made from the ids of a simulated store and
convertible back (docs/reference/simulated-exports.md).

A number has 16 digits: two for the kind, 13 for the store's own number and one for the line, or 9.
No number ends in 0, because ids of a sheet that all end in 0 look as if a spreadsheet had rounded
them. For example, `o-000123` is 8000000000001239 and its second line is 8100000000001232.
`number % 10**14 // 10` is the store's own number again.
"""

from __future__ import annotations

import polars as pl

NO_LINE = 9
# the kinds: the first two of the 16 digits
PRODUCT, SOLUTION, ISSUE, ISSUE_DETAIL, OPERATION, ORDER, LINE = 10, 60, 63, 64, 70, 80, 81
PERSON, MESSAGE = 20, 71


def number(kind: int, column: str, line: int = NO_LINE) -> pl.Expr:
    """`o-000123` -> kind, 0000000000123, 9; the line `o-000123-2` -> kind, 0000000000123, 2.
    `line`: for ids without a line."""
    parts = pl.col(column).str.extract_groups(r"^[a-z]+-(\d+)(?:-(\d+))?$")
    own, own_line = (parts.struct.field(name).cast(pl.Int64) for name in ("1", "2"))
    return kind * 10**14 + own * 10 + own_line.fill_null(line)
