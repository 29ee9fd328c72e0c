"""The data checks: what is out of range, and what chance or a small store explains."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.feature import Feature
from models.monitoring import input_checks as checks
from models.monitoring.feature_sums import sum_features

NEWEST = 1000


def by_day(per_day: dict[range, float]) -> pl.DataFrame:
    """The same count on each day of a range; days are counted back from the newest day (0)."""
    rows = [(NEWEST - ago, int(count)) for days, count in per_day.items() for ago in days]
    return pl.DataFrame(rows, {"known_day": pl.Int32, "count": pl.Int64}, orient="row")


LAST_WEEK, WEEKS_BEFORE = range(7), range(7, 63)
LAST_MONTH, MONTHS_BEFORE = range(28), range(28, 196)


@pytest.mark.parametrize(
    ("usual", "now", "is_out"),
    [
        (100, 100, False),
        (100, 30, False),
        (100, 20, True),
        (100, 390, False),
        (100, 410, True),
        (100, 0, True),
    ],
)
def test_a_week_is_out_at_four_times_the_usual_or_a_quarter_of_it(
    usual: int, now: int, is_out: bool
) -> None:
    reading = checks.row_counts(
        "orders", by_day({LAST_WEEK: now, WEEKS_BEFORE: usual}), NEWEST, 4.0
    )
    assert reading is not None
    assert (reading.gate, reading.is_out) == ("row_counts", is_out)
    assert reading.says == f"orders: {now * 7:,} rows in the last 7 days (usually 175 to 2,800)"


def test_one_unusual_week_does_not_change_the_usual_count() -> None:
    counts = by_day({LAST_WEEK: 100, range(7, 14): 5000, range(14, 63): 100})
    assert not checks.row_counts("orders", counts, NEWEST, 4.0).is_out  # type: ignore[union-attr]


def test_few_rows_of_a_small_store_are_not_judged() -> None:
    assert checks.row_counts("reviews", by_day({WEEKS_BEFORE: 2}), NEWEST, 4.0) is None
    # far by the ratio, but chance explains it: 21 usual, 4 seen
    few = checks.row_counts("reviews", by_day({range(4): 1, WEEKS_BEFORE: 3}), NEWEST, 4.0)
    assert few is not None
    assert not few.is_out


def test_a_store_without_history_is_not_judged() -> None:
    assert checks.row_counts("orders", by_day({LAST_WEEK: 100}), NEWEST, 4.0) is None
    assert checks.base_rate(by_day({}), by_day({LAST_MONTH: 100}), NEWEST, 2.5) is None


def test_weeks_before_the_data_began_are_not_usual() -> None:
    """The first nights of a store were compared with weeks of 0 rows."""
    # four whole weeks of 100 a day: without the empty weeks the usual count is 700, not 350
    young = checks.row_counts("orders", by_day({range(35): 100}), NEWEST, 4.0)
    assert young is not None
    assert young.says == "orders: 700 rows in the last 7 days (usually 175 to 2,800)"
    silent = checks.row_counts("orders", by_day({range(7, 35): 100}), NEWEST, 4.0)
    assert silent is not None
    assert silent.is_out
    # a week and a half before the last one says nothing about what is usual
    assert checks.row_counts("orders", by_day({range(17): 100}), NEWEST, 4.0) is None


def test_months_before_the_data_began_have_no_dispute_rate() -> None:
    orders = by_day({range(196): 100})
    # disputes are recorded since 4 months ago: the two months of 0 before do not count
    recorded = checks.base_rate(by_day({range(112): 3}), orders, NEWEST, 2.5)
    assert recorded is not None
    assert recorded.says.endswith("(usually 34 to 210 disputes)")
    assert checks.base_rate(by_day({range(60): 3}), orders, NEWEST, 2.5) is None


def test_disputes_are_compared_with_the_orders_of_their_time() -> None:
    orders = by_day({LAST_MONTH: 300, MONTHS_BEFORE: 100})
    # three times the disputes with three times the orders
    grown = checks.base_rate(by_day({LAST_MONTH: 9, MONTHS_BEFORE: 3}), orders, NEWEST, 2.5)
    missing = checks.base_rate(by_day({MONTHS_BEFORE: 3}), orders, NEWEST, 2.5)
    assert grown is not None
    assert missing is not None
    assert (grown.is_out, missing.is_out) == (False, True)
    assert missing.says == (
        "0 disputes opened and 8,400 orders placed in the last 28 days "
        "(usually 101 to 630 disputes)"
    )


def test_quarantine_and_age() -> None:
    assert [checks.quarantine(n, 1000, 0.02).is_out for n in (0, 20, 21)] == [False, False, True]
    assert not checks.quarantine(0, 0, 0.02).is_out
    readings = [checks.champion_age(days, 120) for days in (-1, 0, 120, 121)]
    assert [(r.gate, r.is_out) for r in readings] == [
        ("champion_knows_outcome", True),
        ("champion_age", False),
        ("champion_age", False),
        ("champion_age", True),
    ]


FEATURES = {name: Feature(name, "", "") for name in ("a", "b", "season_x")}


def test_drift_is_an_effect_size_and_ignores_the_calendar() -> None:
    training = pl.DataFrame(
        {
            "a": [0.0, 2.0] * 50,
            "b": [0.0, 2.0] * 50,
            "season_x": [0.0, 2.0] * 50,
            "same": [1.0] * 100,
        }
    )
    moments = checks.learn_moments(training, training.columns, np.arange(training.height))
    assert set(moments) == {"a", "b", "season_x"}
    assert moments["a"] == (1.0, pytest.approx(1.005, abs=1e-3))

    def reading(a: float, b: float, share: float, rows: int = 100) -> checks.Reading:
        night = pl.DataFrame({"a": [a] * rows, "b": [b] * rows, "season_x": [99.0] * rows})
        return checks.drift(moments, sum_features(night, night.columns), FEATURES, 1.0, share)

    assert not reading(1.5, 1.0, 0.0).is_out
    assert reading(3.0, 1.0, 0.0).is_out
    assert not reading(3.0, 1.0, 0.5).is_out
    assert reading(3.0, -1.0, 0.5).is_out
    assert "a by +2.0" in reading(3.0, 1.0, 0.0).says
    # too few open orders to judge
    assert not reading(9.0, 9.0, 0.0, rows=5).is_out


def test_mean_probability_is_compared_with_past_outcomes() -> None:
    def is_out(mean: float, rate: float | None, count: int = 1000) -> bool:
        return checks.mean_probability(mean * count, count, rate, "last month", 2.0).is_out

    assert [is_out(mean, 0.05) for mean in (0.05, 0.026, 0.024, 0.0, 0.09, 0.11)] == [
        False,
        False,
        False,
        True,
        False,
        True,
    ]
    assert [is_out(mean, 0.05, 10_000) for mean in (0.026, 0.024)] == [False, True]
    assert not is_out(0.5, None)
    assert not is_out(0.5, 0.05, 100)
