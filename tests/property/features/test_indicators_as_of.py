"""The indicators and dispute deadlines of a past day depend only on what was known then.

They are the same for a store whose data ends on that day and for one that continues, whatever
happens later and whatever the order of the rows.
"""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.clock import day_number, in_days, start_of_day
from features.indicators.dispute_timeline import clock_disputes
from features.indicators.indicator_rules import policy_rates
from features.indicators.measured_rates import measure_rates
from features.indicators.order_groups import DIMENSIONS
from features.indicators.order_outcomes import DAYS as DAY_COLUMNS
from features.indicators.order_outcomes import FOREVER, order_outcomes
from features.tables import Tables, create_tables
from pipeline.settings.policy_files import load_policy, policy_names
from tests.property.random_worlds import DAYS, START, draw_worlds

ZONES = ("UTC", "Asia/Shanghai", "America/Sao_Paulo", "Pacific/Kiritimati")
STEPS = pl.Series(["opened", "opened", "answered", "refunded", "withdrawn", "escalated", "ruled"])
POLICIES = [load_policy(name) for name in policy_names()]


def draw_store(seed: int) -> dict[str, pl.DataFrame]:
    """Worlds in which disputes are also answered and ruled, for either side."""
    frames = draw_worlds(12, seed)
    disputes = frames["disputes"]
    drawn = pl.Series((disputes["step_id"] + f"{seed}").hash(seed=seed))
    step = STEPS.gather(drawn % len(STEPS))
    liable = pl.when(pl.Series(drawn % 2 == 0)).then(pl.lit("seller")).otherwise(pl.lit("buyer"))
    dispute = pl.concat_str(pl.lit("d"), pl.Series((drawn // 7) % 2).cast(pl.String))
    return frames | {
        "disputes": disputes.with_columns(step=step, liable=liable, dispute_id=dispute)
    }


def measure(tables: Tables, day: int) -> list[pl.DataFrame]:
    frames = [clock_disputes(tables, day, policy) for policy in POLICIES[:3]]
    for policy in POLICIES:
        rates = policy_rates(policy, day, bases=["event_day", "order_day"])
        frames.append(measure_rates(tables, day, rates, dimensions=DIMENSIONS))
    return frames


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(10, DAYS), st.sampled_from(ZONES), st.integers(0, 2**31))
def test_a_past_day_is_the_same_whether_the_data_ends_then_or_continues(
    seed: int, after: int, zone: str, shuffle: int
) -> None:
    frames, day = draw_store(seed), day_number(START.date()) + after
    cutoff = pl.select(start_of_day(pl.lit(day, pl.Int32), zone)).item()
    ending = create_tables(
        {n: f.filter(pl.col("known_at") < cutoff) for n, f in frames.items()}, zone=zone
    )
    continuing = create_tables(
        {n: f.sample(fraction=1.0, shuffle=True, seed=shuffle) for n, f in frames.items()},
        zone=zone,
    )
    for a, b in zip(measure(ending, day), measure(continuing, day), strict=True):
        assert_frame_equal(a, b, check_exact=True)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(10, DAYS), st.integers(0, 60), st.booleans())
def test_leaving_out_old_orders_changes_nothing(
    seed: int, after: int, back: int, is_partial: bool
) -> None:
    day = day_number(START.date()) + after
    tables = create_tables(draw_store(seed), zone="UTC", has_partial_outcomes=is_partial)
    happened = in_days(pl.max_horizontal("ordered_day", *DAY_COLUMNS), day - back, FOREVER)
    matters = happened | pl.col("is_open") | pl.col("is_in_dispute")
    whole, part = (
        order_outcomes(tables, day, since_day=since).filter(matters).sort("order_id")
        for since in (None, day - back)
    )
    assert_frame_equal(whole, part)


def test_the_worlds_have_all_kinds_of_disputes() -> None:
    """Otherwise the tests above would compare empty tables."""
    tables = create_tables(draw_store(17), zone="UTC")
    day = day_number(START.date()) + 40
    rows = pl.concat(measure(tables, day)[3:])
    for indicator in (
        "dispute_rate",
        "adjudication_filing_rate",
        "seller_liability_rate",
        "claim_amount_rate",
    ):
        assert rows.filter((pl.col("indicator") == indicator) & (pl.col("numerator") > 0)).height
    assert (
        clock_disputes(tables, day, load_policy("aliexpress-classic"))["escalated_at"].null_count()
        > 0
    )


def test_looking_one_day_ahead_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same comparison fails if facts of the day itself are visible."""
    monkeypatch.setattr(
        "features.asof.is_visible", lambda known_day, as_of_day: known_day <= as_of_day
    )
    frames, day = draw_store(3), day_number(START.date()) + 30
    cutoff = pl.select(start_of_day(pl.lit(day, pl.Int32), "UTC")).item()
    ending = create_tables(
        {n: f.filter(pl.col("known_at") < cutoff) for n, f in frames.items()}, zone="UTC"
    )
    continuing = create_tables(frames, zone="UTC")
    assert any(
        not a.equals(b) for a, b in zip(measure(ending, day), measure(continuing, day), strict=True)
    )
