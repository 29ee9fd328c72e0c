"""Prices from a few close decisions are those of the whole linear program, whatever the start."""

from __future__ import annotations

import numpy as np
import pytest

from models.actions import action_prices
from models.actions.action_prices import BuyerDecisions, LimitPrices, best_prices
from models.actions.action_program import ProgramColumns, ProgramLimits, RestrictedProgram
from models.actions.whole_actions import choose_whole, is_within

ACTIONS, LANGUAGES = 5, 3


def night(seed: int, buyers: int = 600) -> tuple[ProgramColumns, ProgramLimits]:
    """Every buyer has five actions; two agents share one of three languages."""
    rng = np.random.default_rng(seed)
    count = buyers * ACTIONS
    columns = ProgramColumns(
        value=rng.lognormal(0.0, 1.0, count).round(2) + 0.25,
        buyer=np.repeat(np.arange(buyers), ACTIONS),
        is_contact=rng.random(count) < 0.8,
        cents=rng.integers(0, 2, count) * rng.integers(50, 900, count),
        seconds=rng.choice([0, 90, 120, 300], count),
        action=np.tile(np.arange(ACTIONS), buyers),
        language=np.repeat(rng.integers(0, LANGUAGES, buyers), ACTIONS),
    )
    writes = np.array([[True, False, True, True], [False, True, True, True]])
    unlimited = [np.inf] * (ACTIONS - 1)
    shared = np.array([buyers // 7, buyers * 15, *unlimited, buyers // 50], dtype=np.float64)
    return columns, ProgramLimits(shared, np.array([7.0, 4.0]) * buyers, writes)


def whole_program(columns: ProgramColumns, limits: ProgramLimits) -> RestrictedProgram:
    return RestrictedProgram(columns, columns.take(np.array([], dtype=np.int64)), limits)


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_at_the_best_prices_is_the_optimum_of_the_linear_program(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, limits = night(seed)
    everything = whole_program(columns, limits).solve_linear()
    assert everything is not None
    monkeypatch.setattr(action_prices, "MOST_AT_ONCE", 50)
    monkeypatch.setattr(action_prices, "CLOSE_BUYERS", 20)
    monkeypatch.setattr(action_prices, "MOST_JOIN", 40)
    prices = best_prices(columns, limits)
    bound = BuyerDecisions(columns, limits, prices).bound
    assert bound == pytest.approx(everything.total, rel=1e-8)


def test_any_prices_give_a_bound() -> None:
    columns, limits = night(9)
    everything = whole_program(columns, limits).solve_linear()
    assert everything is not None
    rng = np.random.default_rng(1)
    for scale in (0.0, 0.01, 1.0, 10.0):
        shared = np.where(np.isfinite(limits.shared), rng.random(len(limits.shared)) * scale, 0.0)
        shared[1] /= 100
        prices = LimitPrices(shared, rng.random(2) * scale / 100)
        assert BuyerDecisions(columns, limits, prices).bound >= everything.total - 1e-6


def test_the_choice_is_the_optimum_of_the_whole_program() -> None:
    columns, limits = night(5, buyers=60)
    whole = choose_whole(columns, limits, best_prices(columns, limits))
    plain = whole_program(columns, limits).solve_whole(1e-9)
    assert plain is not None
    assert whole.total >= columns.value[plain.is_taken].sum() * (1 - 1e-5)
    assert whole.bound <= whole.total * (1 + 1e-5)
    assert is_within(columns.take(whole.taken), limits, whole.kinds, whole.messages)


def test_a_choice_outside_a_limit_is_recognised() -> None:
    columns, limits = night(5, buyers=60)
    whole = choose_whole(columns, limits, best_prices(columns, limits))
    taken = columns.take(whole.taken)
    for shared, seconds in ((0.9, 1.0), (1.0, 0.9)):
        tight = ProgramLimits(limits.shared * shared, limits.seconds * seconds, limits.writes)
        assert not is_within(taken, tight, whole.kinds, whole.messages)
    no_writer = ProgramLimits(limits.shared, limits.seconds, limits.writes & False)
    assert not is_within(taken, no_writer, whole.kinds, whole.messages)
    assert not is_within(taken, limits, whole.kinds, whole.messages * 0)
    twice = columns.take(np.array([0, 1]))
    assert not is_within(twice, limits, whole.kinds, whole.messages)
