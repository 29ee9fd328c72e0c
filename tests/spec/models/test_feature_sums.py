"""Means of a night's features: exact sums, the same for any division of the rows."""

from __future__ import annotations

import math
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.monitoring.feature_sums import add_sums, sum_features, sums_of_numbers

VALUES = st.one_of(
    st.none(), st.floats(-1e9, 1e9, allow_nan=False), st.sampled_from([0.1, 1 / 3, math.nan])
)


def test_a_mean_leaves_out_missing_values() -> None:
    rows = pl.DataFrame({"days": [1.5, None, -4.0, math.inf], "none": [None] * 4}).cast(pl.Float64)
    sums = sum_features(rows, ["days", "none"])
    assert (sums.total("days"), sums.mean("days"), sums.missing("days")) == (-2.5, -1.25, 0.5)
    assert (sums.total("none"), sums.mean("none"), sums.missing("none")) == (0.0, None, 1.0)


@given(st.lists(VALUES, min_size=1, max_size=60), st.integers(1, 9))
def test_any_division_of_the_rows_gives_the_same_sums(
    values: list[float | None], size: int
) -> None:
    rows = pl.DataFrame({"x": values}, schema={"x": pl.Float64})
    whole = sum_features(rows, ["x"])
    parts = [sum_features(part, ["x"]) for part in rows.iter_slices(size)]
    assert add_sums(reversed(parts)).to_numbers() == whole.to_numbers()
    assert sums_of_numbers(["x"], whole.to_numbers()).to_numbers() == whole.to_numbers()
    known = [Fraction(x) for x in values if x is not None and math.isfinite(x)]
    if known:
        # each value is rounded to a multiple of 2**-60, the mean to the nearest float
        assert whole.mean("x") == pytest.approx(
            float(sum(known) / len(known)), rel=1e-15, abs=1e-15
        )


def test_sums_of_different_columns_are_not_added() -> None:
    rows = pl.DataFrame({"x": [1.0], "y": [2.0]})
    with pytest.raises(ValueError, match="all of the same columns"):
        add_sums([sum_features(rows, ["x"]), sum_features(rows, ["y"])])
    with pytest.raises(ValueError, match="if there are any"):
        add_sums([])
