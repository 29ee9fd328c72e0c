"""What a dispute costs, and how many come after the label window, from the history of a store."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.tables import CAUSE_SHARES, Tables
from models.actions.action_stakes import STAKES, DisputeCost, add_stakes
from models.effects.dispute_costs import OLDEST_OPEN_DAYS, PRIOR_DISPUTES, end_ratios, loss_shares
from tests.conftest import day

ORDERS = """
    order_id | occurred_at | total_usd
    a        | 01-01       | 100
    b        | 01-01       | 100
    c        | 01-01       | 100
    late     | 06-01       | 100
"""
DISPUTES = """
    order_id | step     | cause            | occurred_at | amount_usd | known_at
    a        | opened   | not_received     | 02-01       | 100        | 02-01
    a        | refunded | not_received     | 02-20       | 250        | 02-20
    b        | opened   | not_received     | 02-01       | 100        | 02-01
    c        | opened   | not_as_described | 02-01       | 100        | 02-01
    c        | refunded | not_as_described | 02-20       | 40         | 08-01
    late     | opened   | other            | 06-20       | 100        | 06-20
    late     | refunded | other            | 06-21       | 100        | 06-21
"""


def mixed(refunds: float, disputes: int, assumed: float) -> float:
    return (refunds + PRIOR_DISPUTES * 100 * assumed) / (100 * disputes + PRIOR_DISPUTES * 100)


def test_refunds_of_disputes_that_are_old_enough(make_tables: Callable[..., Tables]) -> None:
    """A refund above the order counts as the order; c's refund is not known yet on 1 July; the
    dispute of 20 June may still be running."""
    tables = make_tables(orders=ORDERS, disputes=DISPUTES)
    assert loss_shares(tables, day("07-01"), 0.5) == pytest.approx(
        {"not_received": mixed(100, 2, 0.5), "not_as_described": mixed(0, 1, 0.5), "other": 0.5}
    )
    later = loss_shares(tables, day("08-02"), 0.5)
    assert later["not_as_described"] == pytest.approx(mixed(40, 1, 0.5))


def test_without_disputes_the_assumption_counts(make_tables: Callable[..., Tables]) -> None:
    tables = make_tables(orders=ORDERS, disputes="order_id | step | occurred_at")
    assert set(loss_shares(tables, day("07-01"), 0.8).values()) == {0.8}


def naive_ratios(rows: list[tuple[int, str, int | None]], horizon: int, today: int) -> dict:
    soon: dict[str, int] = {}
    ever: dict[str, int] = {}
    for night, stage, opened in rows:
        if night >= today - OLDEST_OPEN_DAYS:
            continue
        soon.setdefault(stage, 0)
        ever.setdefault(stage, 0)
        if opened is not None and night <= opened < night + horizon:
            soon[stage] += 1
        if opened is not None and night <= opened < night + OLDEST_OPEN_DAYS:
            ever[stage] += 1
    total = sum(soon.values())
    overall = sum(ever.values()) / total if total else 1.0
    return {
        s: (ever[s] + PRIOR_DISPUTES * overall) / (soon[s] + PRIOR_DISPUTES) for s in sorted(soon)
    }


NIGHT = st.tuples(
    st.integers(0, 200),
    st.sampled_from(["in_transit", "delivered"]),
    st.one_of(st.none(), st.integers(0, 400)),
)


@given(rows=st.lists(NIGHT, max_size=60), today=st.integers(100, 400))
def test_disputes_after_the_horizon(rows: list, today: int) -> None:
    schema = {"as_of_day": pl.Int32, "stage": pl.String, "opened_day": pl.Int32}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    assert end_ratios(frame, 30, today) == pytest.approx(naive_ratios(rows, 30, today))


def test_money_at_stake_by_cause() -> None:
    loss = {"not_received": 0.5, "not_as_described": 0.25, "other": 0.0}
    order = pl.DataFrame({"stage": ["in_transit"], "probability": [0.1], "order_value_usd": [40.0]})
    shares = dict(zip(CAUSE_SHARES, map(pl.lit, (0.6, 0.4, 0.0)), strict=True))
    money = add_stakes(order.with_columns(**shares), DisputeCost(10.0, loss))
    assert money.select(STAKES).row(0) == pytest.approx([0.1 * 0.6 * 30, 0.1 * 0.4 * 20, 0.0])
