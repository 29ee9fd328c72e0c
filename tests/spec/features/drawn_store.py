"""The small store whose indicators are known by hand: tests/spec/features/test_indicators.py."""

from __future__ import annotations

from collections.abc import Callable

from features.indicators.indicator_rules import policy_rates
from features.indicators.measured_rates import measure_rates
from features.indicators.policy import Policy
from features.tables import Tables
from tests.conftest import day

MakeTables = Callable[..., Tables]
Row = tuple[str, str, str, float, float, int, str]
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
