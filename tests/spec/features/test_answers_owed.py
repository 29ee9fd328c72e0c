"""Which disputes are open, who owes an answer, and until when."""

from __future__ import annotations

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

# `answer`: the seller owes an answer; `platform`: the platform has the dispute; `-`: not open
STORIES = """
story     | steps of dispute d1 (May)                        | 16 May, classic | 16 May, 2017
filed     | 10 opened                                        | day 7, answer   | day 7, answer
answered  | 10 opened, 11 answered                           | day 7           | day 7
withdrawn | 10 opened, 12 withdrawn                          | -               | -
re-filed  | 10 opened, 12 withdrawn, 14 opened               | day 7, answer   | day 3, answer
modified  | 10 opened, 11 answered, 13 opened                | day 7, answer   | day 7, answer
escalated | 10 opened, 14 escalated                          | day 7, platform | day 7, platform
ruled     | 10 opened, 14 escalated, 15 ruled                | -               | -
agreed    | 10 opened, 11 answered, 15 refunded              | -               | -
again     | 10 opened, 11 escalated, 12 withdrawn, 15 opened | day 7, answer   | day 2, answer
late news | 10 opened, 16 withdrawn                          | day 7, answer   | day 7, answer
"""


@pytest.mark.parametrize(("story", "steps", "classic", "later"), lines(STORIES))
def test_which_disputes_are_open_and_who_owes_an_answer(
    make_tables: MakeTables, story: str, steps: str, classic: str, later: str
) -> None:
    step_rows = "".join(
        f"\na | d1 | {step} | other | 2024-05-{number}T17:00"
        for number, step in (part.split() for part in steps.split(", "))
    )
    header = "order_id | dispute_id | step | cause | occurred_at"
    tables = make_tables(disputes=header + step_rows, zone=PACIFIC)
    for policy, expected in (("aliexpress-classic", classic), ("aliexpress-2017", later)):
        rows = clock_disputes(tables, day("2024-05-16"), load_policy(policy)).to_dicts()
        states = [
            f"day {row['day']}"
            + (", answer" if row["owes_answer"] else "")
            + (", platform" if row["escalated_at"] else "")
            for row in rows
        ]
        assert (states or ["-"]) == [expected], (story, policy)


def test_each_change_of_the_claim_restarts_the_time_to_answer_but_not_the_days(
    make_tables: MakeTables,
) -> None:
    tables = make_tables(
        disputes="""
        order_id | dispute_id | step     | cause | amount_usd | occurred_at
        a        | d1         | opened   | other | 20         | 2024-05-10T17:00
        a        | d1         | answered | other | -          | 2024-05-11T17:00
        a        | d1         | opened   | other | 30         | 2024-05-12T17:00
    """,
        zone=PACIFIC,
    )
    row = clock_disputes(tables, day("2024-05-14"), load_policy("aliexpress-2017")).row(
        0, named=True
    )
    assert (row["answer_due_at"], row["auto_submit_at"]) == (
        moment("2024-05-17T17:00"),
        moment("2024-05-16T07:00"),
    )
    assert (row["next_event"], row["amount_usd"]) == ("auto_submit", 30.0)


def test_an_overdue_answer_is_marked(make_tables: MakeTables) -> None:
    tables = make_tables(disputes=filed("2024-05-10T17:00"), zone=PACIFIC)
    late = [
        clock_disputes(tables, day(as_of), made_policy(seller_response_days=5))["is_overdue"].item()
        for as_of in ("2024-05-15", "2024-05-16")
    ]
    assert late == [False, True]


def test_two_lines_two_disputes_two_clocks(make_tables: MakeTables) -> None:
    tables = make_tables(
        disputes="""
        order_id | dispute_id | step      | cause | occurred_at
        a        | line 1     | opened    | other | 2024-05-10T17:00
        a        | line 2     | opened    | other | 2024-05-13T17:00
        a        | line 1     | withdrawn | other | 2024-05-14T17:00
    """,
        zone=PACIFIC,
    )
    policy = load_policy("aliexpress-classic")
    open_ids = {
        as_of: clock_disputes(tables, day(as_of), policy)["dispute_id"].to_list()
        for as_of in ("05-14", "05-15")
    }
    assert open_ids == {"05-14": ["line 1", "line 2"], "05-15": ["line 2"]}
