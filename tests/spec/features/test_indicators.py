"""The indicators of a small store, by hand and by the program, for every policy and both bases.

The day is 1 July 2024. The 30 days before and the calendar month before are both June; three
calendar months are April to June; 60 days begin on 2 May. There are no delivery promises, so no
dispute window ends.

    order  ordered  shipped  what happened
    a      05-20    05-22    closed 06-10
    b      06-02    06-04    closed 06-25, review of 2 on 06-26
    c      05-10    05-12    filed 06-05, withdrawn 06-08, closed 06-20
    d      05-25    05-27    filed 06-12, escalated 06-16, seller liable 06-20, refunded 06-21
    e      05-05    05-07    filed 05-30, escalated 06-03, buyer liable 06-07
    f      06-15    06-17    still open
    g      06-10    06-12    filed 06-28, in dispute
    h      05-01    05-03    filed 06-15, refunded 06-18
    i      04-20    04-22    filed 05-20, withdrawn 06-01; line 2 filed 06-02, refunded 06-09
    k      05-28    -        still open, not shipped
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from features.indicators.indicator_rules import policy_rates
from features.indicators.measured_rates import measure_rates
from features.indicators.policy import Policy
from features.tables import Tables
from pipeline.settings.policy_files import load_policy, policy_names
from tests.conftest import day

STORE = {
    "orders": """
    order_id | occurred_at | total_usd | country
    a        | 05-20       | 10        | US
    b        | 06-02       | 20        | US
    c        | 05-10       | 30        | US
    d        | 05-25       | 40        | BR
    e        | 05-05       | 50        | BR
    f        | 06-15       | 60        | BR
    g        | 06-10       | 70        | BR
    h        | 05-01       | 80        | BR
    i        | 04-20       | 90        | BR
    k        | 05-28       | 100       | BR
    """,
    "order_lines": """
    order_id | line_id | product_id | supplier_id | occurred_at
    b        | 1       | shoe       | u1          | 06-02
    g        | 1       | shoe       | u1          | 06-10
    g        | 2       | hat        | u2          | 06-10
    g        | 3       | hat        | u2          | 06-10
    """,
    "products": """
    product_id | category | occurred_at
    shoe       | clothing | 01-01
    hat        | clothing | 01-01
    """,
    "shipments": """
    order_id | occurred_at | carrier
    a        | 05-22       | Post
    b        | 06-04       | Post
    c        | 05-12       | Post
    d        | 05-27       | Post
    e        | 05-07       | Post
    f        | 06-17       | Post
    g        | 06-12       | Express
    h        | 05-03       | Post
    i        | 04-22       | Post
    """,
    "order_events": """
    order_id | event  | occurred_at
    a        | closed | 06-10
    b        | closed | 06-25
    c        | closed | 06-20
    """,
    "disputes": """
    order_id | dispute_id | step      | liable | amount_usd | occurred_at
    c        | c1         | opened    | -      | 30         | 06-05
    c        | c1         | withdrawn | -      | -          | 06-08
    d        | d1         | opened    | -      | 40         | 06-12
    d        | d1         | escalated | -      | -          | 06-16
    d        | d1         | ruled     | seller | 40         | 06-20
    d        | d1         | refunded  | -      | 40         | 06-21
    e        | e1         | opened    | -      | 25         | 05-30
    e        | e1         | escalated | -      | -          | 06-03
    e        | e1         | ruled     | buyer  | 0          | 06-07
    g        | g1         | opened    | -      | 35         | 06-28
    h        | h1         | opened    | -      | 80         | 06-15
    h        | h1         | refunded  | -      | 80         | 06-18
    i        | i1         | opened    | -      | 30         | 05-20
    i        | i1         | withdrawn | -      | -          | 06-01
    i        | i2         | opened    | -      | 20         | 06-02
    i        | i2         | refunded  | -      | 20         | 06-09
    """,
    "reviews": "order_id | score | occurred_at\nb | 2 | 06-26",
}
# indicator | withdrawals | basis | numerator of denominator: orders | maturing | over its limit
ALIEXPRESS = """
    dispute_rate             | counted | event_day | 4 of 6: c d g h of a b c d g h   | 2: f k   | -
    dispute_rate             | netted  | event_day | 3 of 6: without c                | 2        | -
    dispute_rate             | counted | order_day | 1 of 2: g of b g; f is young     | 1: f     | -
    dispute_rate             | netted  | order_day | 1 of 2                           | 1        | -
    adjudication_filing_rate | counted | event_day | 2 of 7: d e of a b, c h i, d e   | 3: f k g | -
    adjudication_filing_rate | counted | order_day | 0 of 1  of b; f g are young      | 2: f g   | -
    seller_liability_rate    | counted | event_day | 1 of 7: d of a b, c h i, d e     | 3: f k g | -
    seller_liability_rate    | counted | order_day | 0 of 1  of b                     | 2: f g   | -
"""
BY_HAND = {
    "aliexpress-classic": ALIEXPRESS,
    "aliexpress-2017": ALIEXPRESS,
    "aliexpress-2022": ALIEXPRESS,
    "amazon": """
    order_defect_rate | counted | order_day | 5 of 8: c d e g, b of all but h i | 2: f k   | over
    order_defect_rate | counted | event_day | 7 of 8: c d e g h i, b            | 2: f k   | over
    """,
    "ebay": """
    cases_closed_rate | counted | event_day | 1 of 10: d           | 3: f k g | over
    cases_closed_rate | counted | order_day | 1 of 10              | 3        | over
    opened_rate       | counted | event_day | 6 of 10: c d e g h i | 2: f k   | -
    opened_rate       | counted | order_day | 6 of 10              | 2        | -
    """,
    "paypal": """
    claim_amount_rate | counted | event_day | 65 of 550: 40 of d, 25 of e; all of all | 3: f k g | -
    claim_amount_rate | counted | order_day | 65 of 550                               | 3        | -
    """,
    "visa-vamp": """
    vamp_ratio        | counted | event_day | 4 of 3: c d g h of b f g, ordered in June | 2: f k | -
    vamp_ratio        | counted | order_day | 1 of 3: g                                 | 1: f   | -
    """,
    "mastercard-ecm": """
    chargeback_rate   | counted | event_day | 4 of 3: c d g h of b f g | 2: f k   | -
    chargeback_rate   | counted | order_day | 1 of 3: g                | 1: f     | -
    """,
}
MakeTables = Callable[..., Tables]
Row = tuple[str, str, str, float, float, int, str]


def by_hand(text: str) -> set[Row]:
    """The rows of a table in `BY_HAND`."""
    rows = set()
    for line in filter(None, map(str.strip, text.splitlines())):
        name, kind, basis, counts, maturing, over = (cell.strip() for cell in line.split("|"))
        above, below = counts.split(":")[0].split(" of ")[:2]
        below = below.split()[0]
        rows.add((name, kind, basis, float(above), float(below), int(maturing.split(":")[0]), over))
    return rows


def measured(tables: Tables, policy: Policy) -> set[Row]:
    on = day("07-01")
    rates = measure_rates(tables, on, policy_rates(policy, on, bases=["event_day", "order_day"]))
    over = {None: "-", True: "over", False: "under"}
    columns = [
        "indicator",
        "withdrawals",
        "basis",
        "numerator",
        "denominator",
        "count_maturing",
        "is_over",
    ]
    return {(*row[:-1], over[row[-1]]) for row in rates.select(columns).iter_rows()}


@pytest.mark.parametrize("name", policy_names())
def test_the_program_agrees_with_the_calculation_by_hand(
    make_tables: MakeTables, name: str
) -> None:
    assert measured(make_tables(**STORE), load_policy(name)) == by_hand(BY_HAND[name])


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
