"""Sums of a night's features that do not depend on how its rows are divided among machines.

A sum of floats depends on the order in which they are added. Here each value is rounded to a
multiple of 2**-60 and written as three whole numbers; their sums are exact, so any partition of the
rows gives the same means to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

# a value is `whole + middle * 2**-30 + last * 2**-60`
_DIGITS = 30
_STEP = float(2**_DIGITS)
_PARTS = ("whole", "middle", "last", "count")


@dataclass(frozen=True)
class FeatureSums:
    """The sums of some columns over `height` rows.

    `parts` is an int64 array of shape (names, 4): the sums of the three parts of each value, and
    the number of values that are not missing. Exact while the sum of a column's absolute values is
    below 2**63.
    """

    names: tuple[str, ...]
    parts: np.ndarray
    height: int

    def total(self, name: str) -> float:
        """The sum of a column; 0 without values."""
        return self._exact(name) / (1 << (2 * _DIGITS))

    def mean(self, name: str) -> float | None:
        """The mean of a column's values; None without values."""
        count = int(self.parts[self.names.index(name)][3])
        return self._exact(name) / (count << (2 * _DIGITS)) if count else None

    def missing(self, name: str) -> float:
        """The share of rows without a value, in [0, 1]."""
        return 1.0 - int(self.parts[self.names.index(name)][3]) / self.height

    def to_numbers(self) -> list[int]:
        """All numbers in a row, the height last; `sums_of_numbers` reads them back."""
        return [*self.parts.ravel().tolist(), self.height]

    def _exact(self, name: str) -> int:
        whole, middle, last, _ = (int(part) for part in self.parts[self.names.index(name)])
        return (whole << (2 * _DIGITS)) + (middle << _DIGITS) + last


def sum_features(rows: pl.DataFrame, names: Sequence[str]) -> FeatureSums:
    """The sums of the columns `names`; null and non-finite values count as missing."""
    sums = [sum_ for name in names for sum_ in _sums_of(name)]
    row = rows.select(sums).row(0) if names else ()
    parts = np.array(row, dtype=np.int64).reshape(len(names), len(_PARTS))
    return FeatureSums(tuple(names), parts, rows.height)


def sums_of_numbers(names: Sequence[str], numbers: Sequence[int]) -> FeatureSums:
    """The inverse of `FeatureSums.to_numbers`."""
    parts = np.array(numbers[:-1], dtype=np.int64).reshape(len(names), len(_PARTS))
    return FeatureSums(tuple(names), parts, numbers[-1])


def add_sums(sums: Iterable[FeatureSums]) -> FeatureSums:
    """The sums over the rows of all. Raises ValueError without any, or if their columns differ."""
    every = list(sums)
    if not every or any(each.names != every[0].names for each in every):
        raise ValueError("sums can be added if there are any, all of the same columns")
    parts = np.sum([each.parts for each in every], axis=0)
    return FeatureSums(every[0].names, parts, sum(each.height for each in every))


def _sums_of(name: str) -> list[pl.Expr]:
    value = pl.col(name).cast(pl.Float64)
    value = pl.when(value.is_finite()).then(value)
    whole = value.floor()
    rest = (value - whole) * _STEP
    middle = rest.floor()
    last = ((rest - middle) * _STEP).round()
    numbers = tuple(part.cast(pl.Int64).sum() for part in (whole, middle, last))
    every = (*numbers, value.count().cast(pl.Int64))
    return [number.alias(f"{name} {part}") for number, part in zip(every, _PARTS, strict=True)]
