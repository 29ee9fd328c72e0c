"""Rates of the store of test_indicators.py: denominators, netting, limits, groups and what is not
known yet."""

from __future__ import annotations

import pytest

from features.indicators.indicator_rules import policy_rates
from features.indicators.measured_rates import measure_rates
from features.indicators.policy import Policy
from pipeline.settings.policy_files import load_policy
from tests.conftest import day
from tests.spec.features.drawn_store import STORE, MakeTables, measured


def test_the_denominator_may_be_the_shipped_orders(make_tables: MakeTables) -> None:
    classic = load_policy("aliexpress-classic").model_dump()
    classic["indicators"][0]["denominator"] = {"value": "shipped", "source": "S3"}
    rows = measured(make_tables(**STORE), Policy(**classic))
    # of b f g, shipped in June
    assert ("dispute_rate", "counted", "event_day", 4.0, 3.0, 2, "-") in rows
    assert ("dispute_rate", "counted", "order_day", 1.0, 3.0, 1, "-") in rows


def test_a_withdrawal_in_the_window_may_be_netted_against_an_older_filing(
    make_tables: MakeTables,
) -> None:
    """Order i does not count as withdrawn: its second dispute was not. For x, filed in May and
    withdrawn in June, it depends on the rule."""
    disputes = (
        STORE["disputes"] + "x | x1 | opened | - | 5 | 05-29\nx | x1 | withdrawn | - | - | 06-03"
    )
    tables = make_tables(
        **STORE | {"disputes": disputes, "orders": STORE["orders"] + "x | 05-01 | 5 | US"}
    )
    classic = load_policy("aliexpress-classic").model_dump()
    counts = {}
    for netting in ("filing_in_window", "withdrawal_in_window"):
        classic["indicators"][0]["netting"] = {"value": netting, "source": "made up"}
        rows = measured(tables, Policy(**classic))
        counts[netting] = next(
            r[3] for r in rows if r[:3] == ("dispute_rate", "netted", "event_day")
        )
    assert counts == {"filing_in_window": 3.0, "withdrawal_in_window": 2.0}


def test_interval_change_and_distance(make_tables: MakeTables) -> None:
    on = day("07-01")
    rates = policy_rates(load_policy("aliexpress-classic"), on, limits={"dispute_rate": 0.6})
    row = measure_rates(make_tables(**STORE), on, rates[:1]).row(0, named=True)
    # Wilson for 4 of 6: (0.6667 + 0.3201 -+ 1.96 x 0.2524) / 1.6402
    assert (row["low"], row["high"]) == pytest.approx((0.29999, 0.90323), abs=1e-4)
    # 2 to 31 May: e and i were filed, nothing was closed
    assert (row["rate_before"], row["change"]) == pytest.approx((1.0, 4 / 6 - 1))
    assert row["distance"] == pytest.approx(0.6 - 4 / 6)
    assert row["is_over"] is True


def test_the_platform_defines_whether_a_rate_at_its_limit_is_over(make_tables: MakeTables) -> None:
    on, over = day("07-01"), {}
    for breach in ("limit", "over_limit"):
        classic = load_policy("aliexpress-classic").model_dump()
        classic["indicators"][0]["breach_at"] = {"value": breach, "source": "made up"}
        rates = policy_rates(Policy(**classic), on, limits={"dispute_rate": 0.5})
        rows = measure_rates(make_tables(**STORE), on, rates[:1])
        # netted: 3 of 6
        over[breach] = rows["is_over"].to_list()[1]
    assert over == {"limit": True, "over_limit": False}


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("country", {"US": (1, 3), "BR": (3, 3)}),
        ("carrier", {"Post": (3, 5), "Express": (1, 1), "unknown": (0, 0)}),
        ("product", {"shoe": (1, 2), "hat": (1, 1), "unknown": (3, 4)}),
        ("category", {"clothing": (1, 2), "unknown": (3, 4)}),
        ("supplier", {"u1": (1, 2), "u2": (1, 1), "unknown": (3, 4)}),
    ],
)
def test_by_dimension_an_order_counts_once_in_each_of_its_groups(
    make_tables: MakeTables, dimension: str, expected: dict[str, tuple[int, int]]
) -> None:
    on = day("07-01")
    rates = policy_rates(load_policy("aliexpress-classic"), on)[:1]
    measured_rates = measure_rates(make_tables(**STORE), on, rates, dimensions=[dimension])
    rows = [
        row
        for row in measured_rates.to_dicts()
        if row["dimension"] == dimension and row["withdrawals"] == "counted"
    ]
    assert {r["value"]: (r["numerator"], r["denominator"]) for r in rows} == expected


def test_facts_that_were_not_known_yet_do_not_count(make_tables: MakeTables) -> None:
    """The filing of g on 28 June becomes known on 2 July."""
    tables = make_tables(
        orders="order_id | occurred_at\ng | 06-10",
        disputes="""
        order_id | dispute_id | step   | occurred_at | known_at
        g        | g1         | opened | 06-28       | 07-02
        """,
    )
    counted = []
    for on in (day("07-01"), day("07-03")):
        rates = policy_rates(load_policy("aliexpress-classic"), on)[:1]
        row = measure_rates(tables, on, rates).row(0, named=True)
        counted.append((row["numerator"], row["count_maturing"]))
    assert counted == [(0.0, 1), (1.0, 0)]


def test_with_partial_outcomes_an_order_without_one_does_not_count_as_undisputed(
    make_tables: MakeTables,
) -> None:
    tables = make_tables(
        has_partial_outcomes=True,
        orders="order_id | occurred_at\nseen | 05-20\nunseen | 05-20\nyoung | 06-20",
        tracking="""
        order_id | status    | occurred_at
        seen     | Delivered | 06-01
        unseen   | Delivered | 06-01
        """,
        order_events="order_id | event | occurred_at\nseen | outcome_observed | 06-05",
    )
    on = day("07-01")
    row = measure_rates(tables, on, policy_rates(load_policy("aliexpress-classic"), on)[:1]).row(
        0, named=True
    )
    assert (row["denominator"], row["count_maturing"]) == (1.0, 1)
