"""The time line of an open dispute: days, periods and deadlines, at each of their boundaries.

The times in the tables are UTC. Under the classic rules the day of filing is day 1 in the
platform's zone, Los Angeles. On days 4-15 the buyer may escalate the dispute to the platform; on
day 16 it goes there automatically.
"""

from __future__ import annotations

import polars as pl
import pytest

from features.indicators.dispute_timeline import clock_disputes
from pipeline.settings.policy_files import load_policy
from tests.conftest import day
from tests.spec.features.drawn_disputes import (
    PACIFIC,
    MakeTables,
    filed,
    lines,
    made_policy,
    moment,
)


@pytest.mark.parametrize(
    ("as_of", "number", "period", "event", "deadline"),
    lines("""
    the day starts | day | period           | next event       | its moment (UTC)
    2024-05-11     | 2   | before day 4     | escalation_opens | 2024-05-13T07:00
    2024-05-12     | 3   | before day 4     | escalation_opens | 2024-05-13T07:00
    2024-05-13     | 4   | day 4-15         | auto_submit      | 2024-05-25T07:00
    2024-05-24     | 15  | day 4-15         | auto_submit      | 2024-05-25T07:00
    2024-05-25     | 16  | day 16 and after | -                | -
    2024-05-30     | 21  | day 16 and after | -                | -
"""),
)
def test_days_and_periods_of_a_dispute_filed_on_10_may(
    make_tables: MakeTables, as_of: str, number: str, period: str, event: str, deadline: str
) -> None:
    tables = make_tables(disputes=filed("2024-05-10T17:00"), zone=PACIFIC)
    row = clock_disputes(tables, day(as_of), load_policy("aliexpress-classic")).row(0, named=True)
    assert (row["day"], row["period"], row["next_event"] or "-") == (int(number), period, event)
    assert row["next_deadline_at"] == (None if deadline == "-" else moment(deadline))


@pytest.mark.parametrize(
    ("filed_at", "as_of", "number", "hours"),
    lines("""
    filed (UTC)      | the day starts | day | hours until day 4
    2024-03-08T20:00 | 2024-03-09     | 2   | 47     : summer time begins on 10 March (23 hours)
    2024-11-01T19:00 | 2024-11-02     | 2   | 49     : summer time ends on 3 November (25 hours)
    2024-02-27T20:00 | 2024-02-28     | 2   | 48     : 29 February is a normal day
    2023-02-27T20:00 | 2023-02-28     | 2   | 48     : a year without 29 February
    2024-05-11T06:59 | 2024-05-11     | 2   | 48     : filed one minute before local midnight
    2024-05-11T07:00 | 2024-05-12     | 2   | 48     : filed at local midnight: the new day
"""),
)
def test_clock_changes_leap_days_and_midnight(
    make_tables: MakeTables, filed_at: str, as_of: str, number: str, hours: str
) -> None:
    tables = make_tables(disputes=filed(filed_at), zone=PACIFIC)
    row = clock_disputes(tables, day(as_of), load_policy("aliexpress-classic")).row(0, named=True)
    assert (row["day"], row["hours_left"]) == (int(number), float(hours.split(":")[0]))


@pytest.mark.parametrize(
    ("zone", "as_of", "number", "hours"),
    lines("""
    the store's zone   | the day starts | day | hours until 13 May, 00:00 in Los Angeles
    Pacific/Kiritimati | 2024-05-12     | 2   | 45     : UTC+14, the day starts 11 May 10:00 UTC
    Asia/Shanghai      | 2024-05-12     | 2   | 39     : UTC+8, the day starts 11 May 16:00 UTC
    America/Los_Angeles| 2024-05-12     | 3   | 24     : the day starts 12 May 07:00 UTC
    Pacific/Pago_Pago  | 2024-05-12     | 3   | 20     : UTC-11, the day starts 12 May 11:00 UTC
"""),
)
def test_stores_on_both_sides_of_the_date_line(
    make_tables: MakeTables, zone: str, as_of: str, number: str, hours: str
) -> None:
    tables = make_tables(disputes=filed("2024-05-10T17:00"), zone=zone)
    row = clock_disputes(tables, day(as_of), load_policy("aliexpress-classic")).row(0, named=True)
    assert (row["day"], row["hours_left"]) == (int(number), float(hours.split(":")[0]))
    assert row["next_deadline_at"] == moment("2024-05-13T07:00")


@pytest.mark.parametrize(
    ("filing_day_number", "as_of", "number", "period"),
    lines("""
    filing is day | the day starts | day | period
    1             | 2024-05-13     | 4   | day 4-15
    0             | 2024-05-13     | 3   | before day 4
    0             | 2024-05-14     | 4   | day 4-15
    0             | 2024-05-25     | 15  | day 4-15
    0             | 2024-05-26     | 16  | day 16 and after
"""),
)
def test_the_number_of_the_filing_day_is_a_rule(
    make_tables: MakeTables, filing_day_number: str, as_of: str, number: str, period: str
) -> None:
    tables = make_tables(disputes=filed("2024-05-10T17:00"), zone=PACIFIC)
    row = clock_disputes(
        tables, day(as_of), made_policy(filing_day_number=int(filing_day_number))
    ).row(0, named=True)
    assert (row["day"], row["period"]) == (int(number), period)


def test_a_rule_that_changes_before_the_deadline_does_not_move_it(make_tables: MakeTables) -> None:
    """From 20 May on it is day 7 instead of day 16; a dispute filed on 19 May keeps day 16."""
    policy = made_policy(
        auto_submit_day=[
            {"value": 16, "source": "old", "valid_to": "2024-05-20"},
            {"value": 7, "source": "new", "valid_from": "2024-05-20"},
        ]
    )
    tables = make_tables(
        disputes="""
        order_id | dispute_id | step   | cause | occurred_at
        a        | before     | opened | other | 2024-05-20T06:59
        b        | after      | opened | other | 2024-05-20T07:00
    """,
        zone=PACIFIC,
    )
    rows = clock_disputes(tables, day("2024-05-21"), policy)
    auto_submits = dict(rows.select("dispute_id", "auto_submit_at").rows())
    assert auto_submits == {
        "before": moment("2024-06-03T07:00"),
        "after": moment("2024-05-26T07:00"),
    }


@pytest.mark.parametrize(
    ("status", "promised", "event", "deadline"),
    lines("""
    last scan | promised until | next event       | its moment (UTC)
    InTransit | 2024-05-31     | auto_submit      | 2024-05-31T00:00 : held, past day 16
    InTransit | 2024-05-20     | escalation_opens | 2024-05-20T00:00 : held until the promised date
    InTransit | 2024-05-12     | escalation_opens | 2024-05-13T07:00 : promise over: the usual days
    Exception | 2024-05-31     | escalation_opens | 2024-05-13T07:00 : tracking is not normal
    Delivered | 2024-05-31     | escalation_opens | 2024-05-13T07:00 : no longer in transit
"""),
)
def test_a_parcel_in_transit_waits_for_the_promised_date(
    make_tables: MakeTables, status: str, promised: str, event: str, deadline: str
) -> None:
    tables = make_tables(
        disputes=filed("2024-05-10T17:00").replace("other", "not_received"),
        promises=f"order_id | kind | promised_at | occurred_at\na | delivery | {promised} | 04-20",
        tracking=f"order_id | status | occurred_at\na | {status} | 05-09",
        zone=PACIFIC,
    )
    row = clock_disputes(tables, day("2024-05-11"), load_policy("aliexpress-classic")).row(
        0, named=True
    )
    assert (row["next_event"], row["next_deadline_at"]) == (event, moment(deadline.split(" :")[0]))
    free = clock_disputes(
        tables, day("2024-05-11"), made_policy(in_transit_waits_for_promise=False)
    ).row(0, named=True)
    assert free["next_deadline_at"] == moment("2024-05-13T07:00")


def test_a_store_without_open_disputes_has_an_empty_clock(make_tables: MakeTables) -> None:
    disputes = clock_disputes(make_tables(), day("2024-05-11"), load_policy("aliexpress-classic"))
    assert disputes.height == 0
    assert disputes.schema["next_deadline_at"] == pl.Datetime("us", "UTC")
