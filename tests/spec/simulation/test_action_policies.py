"""One policy on the nights of a simulated store: who gets which action."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from pipeline.simulation.action_policies import PolicyState, SeasonRules, run_policy

ACTIONS = ["inform", "refund"]


BUYERS = ["ann", "bob", "cid"]


def season(text: str) -> tuple[pl.DataFrame, np.ndarray]:
    _, *lines = [[c.strip() for c in line.split("|")] for line in text.strip().splitlines()]
    rows = pl.DataFrame(
        {
            "as_of_day": [int(line[0]) for line in lines],
            "number": [int(line[1]) for line in lines],
            "buyer_number": [BUYERS.index(line[2]) for line in lines],
        }
    )
    values = [[float(cell) if cell else -np.inf for cell in line[3:]] for line in lines]
    return rows, np.array(values)


def run(text: str, capacity: int = 10, held: tuple[bool, ...] = (False,) * 3) -> list[tuple]:
    rows, values = season(text)
    rules = SeasonRules(capacity, cool_off_days=7, least_worth_usd=0.25, is_held=np.array(held))
    taken = run_policy(rows, values, rules)
    return [
        (
            row["as_of_day"],
            row["number"],
            "held out" if row["action"] < 0 else ACTIONS[row["action"]],
        )
        for row in taken.iter_rows(named=True)
    ]


NIGHTS = """
    night | order | buyer | inform | refund
    1     | 1     | ann   | 0.30   | 0.90
    1     | 2     | ann   | 2.00   |
    1     | 3     | bob   | 0.20   | -4.0
    2     | 1     | ann   | 0.30   | 0.90
    2     | 3     | bob   | 0.50   | -4.0
    9     | 1     | ann   | 0.30   | 0.90
    9     | 2     | ann   | 2.00   |
"""


def test_the_best_action_of_the_best_order_of_each_buyer() -> None:
    """Ann's order 2 is worth more than order 1; then she rests for seven days. Bob's order is worth
    a message on the second night only. Order 2 had its action and does not get another."""
    assert run(NIGHTS) == [(1, 2, "inform"), (2, 3, "inform"), (9, 1, "refund")]


def test_held_out_buyers_rest_like_the_others() -> None:
    assert run(NIGHTS, held=(True, False, False)) == [
        (1, 2, "held out"),
        (2, 3, "inform"),
        (9, 1, "held out"),
    ]


@pytest.mark.parametrize(("held", "expected"), [((False,) * 3, 1), ((True, False, False), 2)])
def test_held_out_buyers_use_no_capacity(held: tuple[bool, ...], expected: int) -> None:
    text = """
        night | order | buyer | inform | refund
        1     | 1     | ann   | 3.0    |
        1     | 2     | bob   | 2.0    |
        1     | 3     | cid   | 1.0    |
    """
    assert len(run(text, capacity=1, held=held)) == expected


def test_no_candidates() -> None:
    rows, values = season(NIGHTS)
    rules = SeasonRules(1, 7, 0.25, np.zeros(3, dtype=bool))
    assert run_policy(rows.clear(), values[:0], rules).is_empty()


@pytest.mark.parametrize("split", range(8))
def test_a_season_in_two_parts_is_the_whole_season(split: int) -> None:
    rows, values = season(NIGHTS)
    rules = SeasonRules(10, 7, 0.25, np.zeros(3, dtype=bool))
    state = PolicyState.fresh(orders=4, buyers=3)
    night = np.flatnonzero(np.diff(rows["as_of_day"].to_numpy(), prepend=0))
    at = int(night[night <= split].max(initial=0))
    parts = [
        run_policy(rows[part], values[part], rules, state) for part in (slice(0, at), slice(at, 7))
    ]
    columns = ["as_of_day", "number", "action"]
    assert pl.concat(parts).select(columns).equals(run_policy(rows, values, rules).select(columns))
