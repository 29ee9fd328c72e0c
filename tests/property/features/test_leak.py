"""No leak: facts with `known_at >= as_of` may change; the features of that night stay the same."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.build.registry import FEATURE_NAMES, build_features
from features.clock import start_of_day
from features.spine import build_spine
from tests.conftest import day
from tests.property.worlds import DAYS, ZONE, as_tables, disturb, small_store

FIRST = day("2025-01-01")
SLOW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def start(as_of_day: int):
    return pl.select(start_of_day(pl.lit(as_of_day, pl.Int32), ZONE)).item()


@SLOW
@given(after=st.integers(20, DAYS - 5), seed=st.integers(0, 2**20), is_partial=st.booleans())
def test_the_future_changes_no_feature(after: int, seed: int, is_partial: bool) -> None:
    night = FIRST + after
    tables = as_tables(small_store(), has_partial_outcomes=is_partial)
    other = as_tables(disturb(small_store(), start(night), seed), has_partial_outcomes=is_partial)
    spine = build_spine(tables, [night])
    assert_frame_equal(build_spine(other, [night]), spine)
    assert spine.height > 0
    assert_frame_equal(
        build_features(other, spine), build_features(tables, spine), check_exact=True
    )


def test_a_fact_just_before_the_night_changes_features() -> None:
    """The test above can fail: the same facts, known earlier, change the features they should."""
    night = FIRST + 100
    tables = as_tables(small_store())
    spine = build_spine(tables, [night])
    disturbed = disturb(small_store(), start(night), 1)
    earlier = {
        name: frame.with_columns(pl.col("known_at") - pl.duration(days=41))
        for name, frame in disturbed.items()
    }
    moved = build_features(as_tables(earlier), spine)
    before = build_features(tables, spine)
    changed = [
        name for name in FEATURE_NAMES if not moved[name].equals(before[name], null_equal=True)
    ]
    assert len(changed) > len(FEATURE_NAMES) / 2


@pytest.mark.parametrize("chunks", [2, 7])
def test_chunks_row_order_and_other_nights_change_nothing(chunks: int) -> None:
    """Scoring a night gives the same rows as training on that night: only the spine differs."""
    tables = as_tables(small_store())
    nights = [FIRST + n for n in (60, 61, 90, 120)]
    together = build_features(tables, build_spine(tables, nights))
    shuffled = {
        name: frame.sample(fraction=1.0, shuffle=True, seed=3)
        for name, frame in small_store().items()
    }
    for night in nights:
        alone = build_features(as_tables(shuffled), build_spine(tables, [night]))
        assert_frame_equal(alone, together.filter(pl.col("as_of_day") == night), check_exact=True)
    spine = build_spine(tables, nights).sample(fraction=1.0, shuffle=True, seed=4)
    size = -(-spine.height // chunks)
    parts = pl.concat(build_features(tables, part) for part in spine.iter_slices(size))
    assert_frame_equal(parts.sort("order_id", "as_of_day"), together, check_exact=True)


def test_a_row_alone_is_the_same_to_the_bit() -> None:
    """A single row is rounded in the same way as one of many rows."""
    tables = as_tables(small_store())
    spine = build_spine(tables, [FIRST + 60, FIRST + 120])
    together = build_features(tables, spine)
    assert spine.height > 60
    for number in range(0, spine.height, spine.height // 8):
        alone = build_features(tables, spine[number])
        assert_frame_equal(alone, together[number], check_exact=True)
