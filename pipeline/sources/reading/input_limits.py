"""Caps on what is read from one input file: a damaged or hostile file must end with a message, not
take the memory or the night.

The caps are far above the largest exports known, a million orders of one store.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from pipeline.settings.errors import BadInput

SPLIT = "Split it, or check whether it is damaged."


@dataclass(frozen=True)
class InputLimits:
    """The most `rows`, `columns`, `cells`, `bytes` and `seconds` of one file."""

    rows: int = 20_000_000
    columns: int = 16_384
    cells: int = 400_000_000
    bytes: int = 2_000_000_000
    seconds: float = 1_800.0


TEXT = InputLimits()
# the most rows that a sheet can have; a workbook of a million orders unpacks to about 700 MB
SHEET = InputLimits(rows=1_048_576, cells=100_000_000, bytes=300_000_000)
# the bytes of a packed file when it is unpacked
UNPACKED = InputLimits(bytes=3_000_000_000)


def check_bytes(name: str, count: int, most: InputLimits = TEXT) -> None:
    """Raise `BadInput` if a file called `name` has too many bytes."""
    if count > most.bytes:
        raise BadInput(
            f"{name}: is larger than {most.bytes // 1_000_000:,} MB: {count:,} bytes. {SPLIT}"
        )


def check_table(name: str, rows: int, columns: int, most: InputLimits = TEXT) -> None:
    """Raise `BadInput` if a table in the file `name` has too many rows, columns or cells."""
    for count, allowed, things in (
        (rows, most.rows, "rows"),
        (columns, most.columns, "columns"),
        (rows * columns, most.cells, "cells"),
    ):
        if count > allowed:
            raise BadInput(f"{name}: has {count:,} {things}; at most {allowed:,} are read. {SPLIT}")


class Meter:
    """Count what is read from one file, row by row."""

    def __init__(self, name: str, most: InputLimits = TEXT) -> None:
        self.name, self.most = name, most
        self.rows = self.cells = 0
        self.started = time.monotonic()

    def add_row(self, count_cells: int = 1) -> None:
        """Count a row. Raises `BadInput` above a cap."""
        self.rows += 1
        self.cells += count_cells
        if self.rows > self.most.rows:
            raise self.too_much(f"more than {self.most.rows:,} rows")
        if self.cells > self.most.cells:
            raise self.too_much(f"more than {self.most.cells:,} cells")
        if self.rows % 1_000 == 0:
            self.check_time()

    def check_time(self) -> None:
        """Raise `BadInput` if reading takes too long."""
        if time.monotonic() - self.started > self.most.seconds:
            raise self.too_much(f"taken more than {self.most.seconds:,.0f} seconds to read")

    def too_much(self, what: str) -> BadInput:
        return BadInput(f"{self.name}: has {what}, the most that is allowed. {SPLIT}")
