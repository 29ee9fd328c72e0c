"""When the dispute rate of products or suppliers rose, and when a difference is chance."""

from __future__ import annotations

import numpy as np
import pytest

from models.monitoring.rate_changes import (
    OrderCounts,
    RateChange,
    binomial_tail,
    rate_rises,
    risen_on_one_day,
)
from models.monitoring.sequential_monitoring import LOOKBACK_NIGHTS, SUPPLIERS

TODAY = 1_000
WINDOWS = (30, 90)


def counts_of(drawing: str) -> OrderCounts:
    """One line per product and span of days before today, both included: how many orders, how many
    of them disputed, and the expected disputes by now. Orders and disputes are spread evenly."""
    header, *lines = [[c.strip() for c in row.split("|")] for row in drawing.strip().splitlines()]
    rows = []
    for line in lines:
        cell = dict(zip(header, line, strict=True))
        first, last = (int(text) for text in cell["days ago"].split("-"))
        orders, disputed = int(cell["orders"]), int(cell["disputed"])
        for number in range(orders):
            day = TODAY - first + (first - last) * number // max(orders - 1, 1)
            is_disputed = (number + 1) * disputed // orders > number * disputed // orders
            share = float(cell.get("expected", cell["orders"])) / orders
            rows.append((int(cell["product"]), day, float(is_disputed), share))
    columns = np.array(rows).T
    return OrderCounts(columns[0].astype(int), columns[1].astype(int), columns[2], columns[3])


def judged(drawing: str, suppliers: list[int]) -> RateChange:
    return rate_rises(counts_of(drawing), np.array(suppliers), TODAY, SUPPLIERS)


FIVE_TIMES = """
    product | days ago | orders | disputed
    0       | 365-61   | 1500   | 45
    0       | 60-1     | 300    | 45
    1       | 365-61   | 1500   | 45
    1       | 60-1     | 300    | 9
"""


def test_a_supplier_five_times_worse_for_two_months_is_reported() -> None:
    change = judged(FIVE_TIMES, [0, 1])
    assert list(change.level) == ["act", "fine"]
    assert change.since_day[0] == pytest.approx(TODAY - 60, abs=3)
    assert risen_on_one_day(counts_of(FIVE_TIMES), np.array([0, 1]), TODAY, WINDOWS).tolist() == [
        True,
        False,
    ]


def test_few_disputes_show_in_a_review_before_they_are_an_alarm() -> None:
    drawing = """
        product | days ago | orders | disputed
        0       | 365-61   | 300    | 9
        0       | 60-1     | 60     | 9
        1       | 365-1    | 360    | 11
    """
    assert list(judged(drawing, [0, 1]).level) == ["fine", "fine"]
    shown = risen_on_one_day(counts_of(drawing), np.array([0, 1]), TODAY, WINDOWS)
    assert shown.tolist() == [True, False]


def test_a_high_rate_that_did_not_change_is_no_change() -> None:
    drawing = """
        product | days ago | orders | disputed
        0       | 365-1    | 1800   | 540
        1       | 365-1    | 1800   | 18
    """
    assert list(judged(drawing, [0, 1]).level) == ["fine", "fine"]


def test_young_orders_are_compared_at_equal_age() -> None:
    """Half of the recent orders' disputes are still to come: 27 by now are as many as 54 in the
    end. Compared with all their orders, 27 would be no alarm."""
    drawing = """
        product | days ago | orders | disputed | expected
        0       | 365-61   | 1500   | 45       | 1500
        0       | 60-1     | 300    | 27       | {expected}
        1       | 365-1    | 1800   | 54       | 1800
    """
    assert judged(drawing.format(expected=150), [0, 1]).level[0] == "act"
    assert judged(drawing.format(expected=300), [0, 1]).level[0] != "act"


def test_a_new_product_with_a_rate_of_its_own_is_no_change_of_its_supplier() -> None:
    drawing = """
        product | days ago | orders | disputed
        0       | 365-1    | 1800   | 54
        1       | 60-1     | 300    | 45
    """
    counts = counts_of(drawing)
    assert rate_rises(counts, np.array([0, 0]), TODAY, SUPPLIERS).level[0] == "fine"
    assert not risen_on_one_day(counts, np.array([0, 0]), TODAY, WINDOWS)[0]
    # as one product, the same orders are a change
    one = np.zeros_like(counts.product)
    as_one = OrderCounts(one, counts.day, counts.disputes, counts.expected)
    assert rate_rises(as_one, np.array([0]), TODAY, SUPPLIERS).level[0] == "act"


def test_a_supplier_s_small_products_add_up() -> None:
    """No product has more than two disputes; together they are the supplier of the first test."""
    lines = ["product | days ago | orders | disputed"]
    for product in range(45):
        lines += [f"{product} | 365-61 | 33 | 1", f"{product} | 60-1 | 7 | 1"]
    lines.append("45 | 365-1 | 1800 | 54")
    drawing, suppliers = "\n".join(lines), [0] * 45 + [1]
    assert list(judged(drawing, suppliers).level) == ["act", "fine"]
    alone = rate_rises(counts_of(drawing), np.arange(46), TODAY, SUPPLIERS)
    assert set(alone.level) == {"fine"}


def test_many_small_streams_do_not_hide_a_large_one() -> None:
    """A stream's share of alpha is its share of the orders, so thousands of products with an order
    each cost a large supplier next to nothing."""
    counts = counts_of(FIVE_TIMES)
    small = np.arange(2, 3_002)
    ones = np.full(3_000, 1e-3)
    more = OrderCounts(
        np.concatenate([counts.product, small]),
        np.concatenate([counts.day, np.full(3_000, TODAY - 200)]),
        np.concatenate([counts.disputes, np.zeros(3_000)]),
        np.concatenate([counts.expected, ones]),
    )
    assert rate_rises(more, np.arange(3_002), TODAY, SUPPLIERS).level[0] == "act"


def test_without_orders_or_disputes_nothing_is_reported() -> None:
    none = OrderCounts(np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0))
    assert rate_rises(none, np.zeros(0, int), TODAY, SUPPLIERS).level.tolist() == []
    assert risen_on_one_day(none, np.zeros(0, int), TODAY, WINDOWS).tolist() == []
    drawing = "product | days ago | orders | disputed\n0 | 365-1 | 10 | 0"
    assert judged(drawing, [0]).level.tolist() == ["fine"]


def test_the_binomial_tail_by_hand() -> None:
    """P(at least 2 of 3 heads) = 4 / 8; none is certain; a chance of 1 is certain."""
    tail = binomial_tail(np.array([2.0, 0.0, 3.0]), np.full(3, 3.0), np.array([0.5, 0.5, 1.0]))
    assert tail == pytest.approx([0.5, 1.0, 1.0])


def test_the_evidence_is_the_mean_of_likelihood_ratios() -> None:
    """One product with one order a day, the last one disputed, at tolerance 1. A rise k times from
    d days ago on has the ratio k / (1 + (k - 1) d / 200)."""
    day = np.arange(TODAY - 200, TODAY)
    disputes = (day == TODAY - 1).astype(float)
    counts = OrderCounts(np.zeros(200, int), day, disputes, np.ones(200))
    change = rate_rises(counts, np.array([0]), TODAY, SUPPLIERS, tolerance=1.0)
    days = np.arange(1, LOOKBACK_NIGHTS + 1) / 200
    naive = [np.sum(k / (1 + (k - 1) * days)) for k in (1.25, 1.6, 2.5, 5.0)]
    assert np.exp(change.evidence[0]) == pytest.approx(np.mean(naive))
    assert change.since_day[0] == TODAY - 1
