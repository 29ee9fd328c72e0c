"""The outcomes of actions against a naive oracle: one order at a time, day by day, in plain
Python."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.simulation.action_effects import EFFECTS, factor_table
from pipeline.simulation.action_outcomes import ActionWorld
from pipeline.simulation.true_risk import Truth

ACTIONS = tuple(EFFECTS)


@pytest.fixture(scope="module")
def world(truth: Truth) -> ActionWorld:
    return ActionWorld.of(truth, seed=7, scenario="strong")


def naive_hazards(world: ActionWorld, number: int, action: str, at: int) -> list[list[float]]:
    """By day, the hazards of the order when `action` is done on its day number `at`."""
    days, effect = world.truth.days, EFFECTS[action]
    start, end = int(days.first[number]), int(days.first[number + 1])
    hazards = [list(row) for row in days.hazard[start:end]]
    state = int(days.state[start + at])
    shares = [
        float(world.effects[world.actions.index(action), number, c])
        * factor_table(action)[state, c]
        for c in range(3)
    ]
    for c, share in enumerate(shares):
        taken_away = 0.0
        for nth in range(at, len(hazards)):
            since = nth - at
            if effect.postponed_days and since >= effect.postponed_days:
                continue
            waned = 1.0 if effect.postponed_days else exp(-since / effect.waning_days)
            removed = hazards[nth][c] * share * waned
            hazards[nth][c] -= removed
            taken_away += removed
        if effect.postponed_days:
            back = min(at + effect.postponed_days, len(hazards) - 1)
            hazards[back][c] += taken_away * effect.returns
    return hazards


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_hazards_after_an_action(world: ActionWorld, data: st.DataObject) -> None:
    days = world.truth.days
    lengths = np.diff(days.first)
    number = data.draw(st.sampled_from(np.flatnonzero(lengths > 0).tolist()), label="order")
    at = data.draw(st.integers(0, int(lengths[number]) - 1), label="day")
    action = data.draw(st.sampled_from(ACTIONS), label="action")
    naive = np.array(naive_hazards(world, number, action, at))
    row = np.array([days.first[number] + at])
    after = world.days_after(
        np.array([number]), np.array([ACTIONS.index(action)]), days.day[row].astype(np.int64)
    )
    assert after.hazard == pytest.approx(naive, abs=1e-12)
    removed = days.hazard[row[0] : days.first[number + 1]].sum(axis=0) - naive[at:].sum(axis=0)
    assert world.removed(action, row)[0] == pytest.approx(removed, abs=1e-10)
    before = 1.0 - exp(-days.hazard[row[0] : days.first[number + 1]].sum())
    left = 1.0 - exp(-naive[at:].sum())
    assert world.prevented(action, row)[0].sum() == pytest.approx(before - left, abs=1e-9)
    assert world.risk(row)[0] == pytest.approx(before, abs=1e-9)


def test_an_action_changes_no_day_before_it(world: ActionWorld) -> None:
    days, orders = world.truth.days, world.truth.orders
    number = np.flatnonzero(np.diff(days.first) > 20)
    day = days.day[days.first[number]] + 20
    before = orders["opened_day"].fill_null(-1).to_numpy()[number]
    for action in range(len(ACTIONS)):
        opened, _ = world.outcomes(number, np.full(len(number), action), day)
        is_early = (before >= 0) & (before < day)
        assert is_early.any()
        assert (opened[is_early] == before[is_early]).all()
