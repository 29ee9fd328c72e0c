"""A dispute that comes after its order was closed counts, and reported closings win.

Order a is delivered on 10 May, so its end is computed as 25 May. The buyer files on 20 June.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from features.indicators.dispute_timeline import open_disputes
from features.indicators.indicator_rules import policy_rates
from features.indicators.measured_rates import measure_rates
from features.indicators.order_outcomes import order_outcomes
from features.indicators.product_exposure import order_exposure
from features.labels import LabelWindow, build_labels
from features.spine import build_spine, closings
from features.tables import Tables
from pipeline.settings.policy_files import load_policy
from tests.conftest import day

MakeTables = Callable[..., Tables]
NOW = day("07-01")


def store(make_tables: MakeTables, closed: str, filed: str = "06-20") -> Tables:
    """One order; `closed` and `filed` are days, "-" if there is none."""
    more = {}
    if closed != "-":
        more["order_events"] = f"order_id | event | occurred_at\na | closed | {closed}"
    if filed != "-":
        more["disputes"] = f"order_id | occurred_at\na | {filed}"
    return make_tables(
        orders="order_id | occurred_at\na | 05-01",
        tracking="order_id | status | occurred_at\na | Delivered | 05-10",
        **more,
    )


@pytest.mark.parametrize("closed", ["05-20", "06-05", "-"], ids=["early", "late", "computed"])
def test_a_dispute_after_the_closing_is_counted(make_tables: MakeTables, closed: str) -> None:
    tables = store(make_tables, closed)
    # the order left the list, and yet its last nights on it were followed by a dispute
    spine = build_spine(tables, [day("05-01") + n for n in range(60)])
    last_night = min(day(closed) if closed != "-" else NOW, day("05-25"))
    assert spine["as_of_day"].max() == last_night
    labels = build_labels(tables, spine, LabelWindow(40), NOW + 30)
    assert labels.filter(as_of_day=last_night)["label"].item() == 1
    outcome = order_outcomes(tables, NOW).row(0, named=True)
    assert outcome["filed_day"] == day("06-20")
    assert outcome["is_in_dispute"]
    assert order_exposure(tables, NOW, 365)["is_disputed"].to_list() == [True]
    assert open_disputes(tables, NOW)["order_id"].to_list() == ["a"]


def test_it_counts_once_in_the_rate_of_the_month_in_which_it_was_filed(
    make_tables: MakeTables,
) -> None:
    """The platform divides by the orders that were closed or disputed: in June one of one."""
    policy = load_policy("aliexpress-2022", Path())
    rate = next(r for r in policy_rates(policy, NOW) if r.name == "dispute_rate")
    for closed in ("05-20", "06-05"):
        measured = measure_rates(store(make_tables, closed), NOW, [rate]).row(0, named=True)
        assert (measured["numerator"], measured["denominator"]) == (1, 1)


@pytest.mark.parametrize("closed", ["05-20", "06-05"], ids=["before", "after"])
def test_a_reported_closing_wins_over_the_computed_end(
    make_tables: MakeTables, closed: str
) -> None:
    outcome = order_outcomes(store(make_tables, closed, "-"), NOW).row(0, named=True)
    assert outcome["confirmed_day"] == day(closed)
    computed = order_outcomes(store(make_tables, "-", "-"), NOW).row(0, named=True)
    assert computed["confirmed_day"] == day("05-25")


def test_a_closing_that_is_reported_later_changes_no_earlier_night(make_tables: MakeTables) -> None:
    """On 26 May the report of 5 June is not known: the list of that night is the same with it."""
    late, never = (store(make_tables, closed, "-") for closed in ("06-05", "-"))
    assert closings(late).equals(closings(never))
    nights = [day("05-24") + n for n in range(20)]
    assert build_spine(late, nights).equals(build_spine(never, nights))
    early = store(make_tables, "05-20", "-")
    assert build_spine(early, nights).is_empty()
