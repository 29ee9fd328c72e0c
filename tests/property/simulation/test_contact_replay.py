"""What contacts save in a simulated store: the formula, and the replay of contact policies."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from features.clock import day_number
from pipeline.simulation.attainable_risk import contact_savings
from pipeline.simulation.contact_policies import choose, replay, true_scores
from pipeline.simulation.world.order_life import first_dispute
from pipeline.simulation.world.simulated_contact import contacted_hazard, draw_effects
from pipeline.simulation.world.simulated_orders import World
from pipeline.simulation.world.simulated_store import StorePart
from pipeline.simulation.world.truth import order_truth

FIRST_DAY = date(2024, 1, 1)


def test_the_prevented_risk_of_a_message_is_the_sum_over_the_days_after_it(
    world: World, piece: StorePart
) -> None:
    days, effects = piece.life.days, draw_effects(world.draws, piece.orders)
    risk, prevented = contact_savings(days, effects)
    for row in np.random.default_rng(2).choice(len(days.day), 200, replace=False):
        order = days.order[row]
        later = slice(row, days.first[order + 1])
        zeros = np.zeros(later.stop - row, dtype=int)
        after = contacted_hazard(
            zeros,
            days.day[later],
            days.hazard[later],
            effects[[order]],
            days.day[[row]],
            days.contact_factor[[row]],
        )
        without = 1.0 - np.exp(-days.hazard[later].sum())
        assert risk[row] == pytest.approx(without, abs=1e-9)
        assert prevented[row] == pytest.approx(without - (1.0 - np.exp(-after.sum())), abs=1e-9)


def test_the_riskiest_orders_are_not_those_a_message_helps_most(
    world: World, piece: StorePart, nightly_rows: pl.DataFrame
) -> None:
    """Replayed every two weeks with two messages per night: the true saving beats the true risk, in
    USD and in disputes prevented per message."""
    days, effects = piece.life.days, draw_effects(world.draws, piece.orders)
    cost = piece.orders.total_usd + 15.0
    start = day_number(FIRST_DAY)
    rows = nightly_rows.filter(pl.col("number").is_in(np.unique(days.order)))
    number, as_of = rows["number"].to_numpy(), rows["as_of_day"].to_numpy() - start
    first, last = days.day[days.first[number]], days.day[days.first[number + 1] - 1]
    is_open = (as_of >= first) & (as_of <= last)
    rows = rows.filter(pl.Series(is_open)).with_columns(as_of_day=pl.Series(as_of[is_open]))
    scores = true_scores(days, effects, cost, 0.5, number[is_open], as_of[is_open])
    candidates = pl.concat([rows, scores], how="horizontal")
    truth = order_truth(world, piece)
    totals = {
        score: replay(days, truth, effects, choose(candidates, score, 2), cost, 0.5)[0]
        for score in ("risk", "saving_usd", "past_promise")
    }
    assert (
        totals["saving_usd"]["expected_usd_saved_per_100"]
        > totals["risk"]["expected_usd_saved_per_100"] + 20.0
    )
    assert (
        totals["saving_usd"]["expected_prevented_per_100"]
        > 1.5 * totals["risk"]["expected_prevented_per_100"]
    )
    assert (
        totals["risk"]["expected_prevented_per_100"]
        > totals["past_promise"]["expected_prevented_per_100"]
    )


def test_without_contacts_nothing_changes(world: World, piece: StorePart) -> None:
    days, effects = piece.life.days, draw_effects(world.draws, piece.orders)
    no_contacts = pl.DataFrame(
        schema={"number": pl.Int64, "as_of_day": pl.Int64, "prevented": float, "saving_usd": float}
    )
    totals, saved = replay(
        days, order_truth(world, piece), effects, no_contacts, piece.orders.total_usd, 0.5
    )
    assert not saved.any()
    assert set(totals.values()) == {0}
    again, _ = first_dispute(days, piece.life.threshold, piece.life.which_cause)
    assert np.array_equal(again, piece.life.opened_day)


def test_a_policy_contacts_an_order_once_and_keeps_to_the_capacity() -> None:
    candidates = pl.DataFrame(
        {
            "order_id": ["a", "b", "c", "a", "b", "c", "d"],
            "number": [0, 1, 2, 0, 1, 2, 3],
            "as_of_day": [1, 1, 1, 2, 2, 2, 2],
            "score": [3.0, 2.0, 1.0, 9.0, 8.0, 0.0, 0.5],
        }
    )
    chosen = choose(candidates, "score", 1).select("order_id", "as_of_day").rows()
    assert chosen == [("a", 1), ("b", 2)]
    # c has a score of 0 on day 2; on day 1 it ranks third
    assert choose(candidates, "score", 2).select("order_id", "as_of_day").rows() == [
        ("a", 1),
        ("b", 1),
        ("d", 2),
    ]
