"""Small tables drawn as text, for tests that read like documentation."""

from __future__ import annotations

import polars as pl


def read_table(drawing: str) -> pl.DataFrame:
    """A table drawn with bars and a header line; `-` is null. All cells are text."""
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    return pl.DataFrame(
        [[None if c == "-" else c for c in row] for row in rows[1:]], schema=rows[0], orient="row"
    )
