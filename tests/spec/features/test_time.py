"""The rule of time: on a day, exactly the facts that were known before it started are visible."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from features import clock
from features.asof import latest_fact, trailing_totals, visible, visible_facts
from tests.conftest import day, draw

SCANS = """
order_id | occurred_at | known_at
a        | 05-01T10:00 | 05-01T10:00
a        | 05-01T23:00 | 05-02T00:00
a        | 05-02T08:00 | 05-02T09:00
"""


@pytest.mark.parametrize(
    ("as_of", "count"),
    [("05-01", 0), ("05-02", 1), ("05-03", 3)],
    ids=["before all", "a fact known at the cutoff is not visible", "all known"],
)
def test_a_fact_is_visible_strictly_after_the_day_it_became_known(
    make_tables, as_of: str, count: int
) -> None:
    tables = make_tables(tracking=SCANS)
    assert visible(tables["tracking"], day(as_of)).height == count
    spine = pl.DataFrame(
        {"order_id": ["a"], "as_of_day": [day(as_of)]}, schema_overrides={"as_of_day": pl.Int32}
    )
    assert visible_facts(spine, tables["tracking"]).height == count


def test_days_are_those_of_the_stores_zone(make_tables) -> None:
    # 17:00 UTC is already the next day in Shanghai
    tables = make_tables(zone="Asia/Shanghai", tracking="order_id | occurred_at\na | 05-01T17:00")
    assert tables["tracking"]["known_day"].to_list() == [day("05-02")]


@pytest.mark.parametrize(
    ("zone", "local", "starts"),
    [
        ("UTC", "2024-05-03", datetime(2024, 5, 3)),
        ("Asia/Shanghai", "2024-05-03", datetime(2024, 5, 2, 16)),
        # the clock change skips midnight: the day starts at 01:00
        ("America/Sao_Paulo", "2017-10-15", datetime(2017, 10, 15, 3)),
        # 23:00 of the day before occurs twice
        ("America/Sao_Paulo", "2018-02-18", datetime(2018, 2, 18, 3)),
    ],
)
def test_a_day_starts_at_its_first_moment(zone: str, local: str, starts: datetime) -> None:
    frame = pl.DataFrame({"day": [day(local)]}, schema={"day": pl.Int32})
    assert frame.select(clock.start_of_day(pl.col("day"), zone)).item() == starts.replace(
        tzinfo=UTC
    )


def test_the_label_window_is_half_open() -> None:
    days = pl.DataFrame({"occurred": [9, 10, 39, 40]})
    within = days.select(clock.in_label_window(pl.col("occurred"), pl.lit(10), 30)).to_series()
    assert within.to_list() == [False, True, True, False]


def test_a_night_matures_when_its_window_and_the_reporting_delay_are_over() -> None:
    # night 10, horizon 30: days 10 to 39. A dispute of day 39 is known on day 40 at the latest, so
    # it is visible from day 41 on.
    nights = pl.DataFrame({"night": [10]})
    at = [nights.select(clock.is_matured(pl.col("night"), end, 30, 1)).item() for end in (40, 41)]
    assert at == [False, True]


def test_the_latest_fact_is_the_one_that_became_known_last() -> None:
    promises = draw(
        "promises",
        """
        order_id | promised_at | occurred_at | known_at
        a        | 05-20       | 05-01       | 05-01
        a        | 05-30       | 05-05       | 05-09
        a        | 05-25       | 05-08       | 05-08
    """,
    )
    promises = promises.with_columns(known_day=clock.local_day(pl.col("known_at"), "UTC"))
    days = ["05-01", "05-02", "05-09", "05-10"]
    spine = pl.DataFrame({"order_id": ["a"] * 4, "as_of_day": [day(d) for d in days]}).cast(
        {"as_of_day": pl.Int32}
    )
    latest = latest_fact(spine, promises, ["promised_at"]).sort("as_of_day")
    assert [f"{d:%m-%d}" for d in latest["promised_at"]] == ["05-20", "05-25", "05-30"]


def test_a_lookback_includes_its_first_day_but_not_the_cutoff() -> None:
    facts = pl.DataFrame({"p": ["x"] * 4, "known_day": [69, 70, 99, 100], "n": [1, 10, 100, 1000]})
    facts = facts.cast({"known_day": pl.Int32})
    rows = pl.DataFrame({"p": ["x", "y", None], "as_of_day": [100, 100, 100]}).cast(
        {"as_of_day": pl.Int32}
    )
    totals = trailing_totals(rows, facts, ["p"], {"n": [30]})
    assert totals["n_30d"].to_list() == [110, 0, None]
