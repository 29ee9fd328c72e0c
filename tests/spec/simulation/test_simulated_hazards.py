"""The simulated world, part 2: what raises and lowers the hazard of a dispute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pipeline.simulation.world.assumptions import QUARREL
from pipeline.simulation.world.journey import NEVER
from pipeline.simulation.world.order_life import dispute_hazards
from pipeline.simulation.world.scans import HELD, LOST, RETURNING, Scans
from pipeline.simulation.world.simulated_store import StorePart

Store = dict[str, pl.DataFrame]
NOT_RECEIVED, NOT_AS_DESCRIBED, OTHER = range(3)


class Waiting:
    """Orders still on their way 20 days after hand-over, with a last scan one day ago. `hazard`
    gives the hazard of that day with one condition changed."""

    def __init__(self, piece: StorePart) -> None:
        index = np.flatnonzero(piece.journey.delivered > piece.journey.handed_over + 22.0)
        index = index[np.isfinite(piece.journey.handed_over[index])]
        self.orders = piece.orders.take(index)
        self.journey = replace(
            piece.journey, **{name: column[index] for name, column in vars(piece.journey).items()}
        )
        self.row = np.arange(len(index))
        self.day = np.ceil(self.journey.handed_over).astype(int) + 20
        self.news = self.with_last_scan(1.0)

    def with_last_scan(self, days_ago: float, slot: int = 0) -> Scans:
        known = np.full((len(self.row), 18), NEVER)
        known[:, slot] = self.day - days_ago
        return Scans(known, known, np.full_like(known, NEVER))

    def hazard(
        self,
        *,
        overdue: float | np.ndarray = -1.0,
        scans: Scans | None = None,
        is_unanswered: bool = False,
        days_later: int = 0,
    ) -> np.ndarray:
        count = len(self.row)
        return dispute_hazards(
            self.orders,
            self.journey,
            scans or self.news,
            self.row,
            self.day + days_later,
            np.ones(count, bool),
            np.zeros(count) + overdue,
            np.full(count, is_unanswered),
        )[:, NOT_RECEIVED]


@pytest.fixture(scope="module")
def waiting(piece: StorePart) -> Waiting:
    return Waiting(piece)


# -- not received


def test_silence_raises_the_hazard_each_day_up_to_a_limit(waiting: Waiting) -> None:
    silent = (1, 6, 7, 10, 15, 30, 60)  # days since the last scan
    by_silence = [waiting.hazard(days_later=days - 1) for days in silent]
    ratio = [float(np.median(hazard / by_silence[0])) for hazard in by_silence]
    assert ratio[:2] == [1.0, 1.0]
    assert ratio == sorted(ratio)
    assert ratio[3] == pytest.approx(1.0 + 4 * QUARREL.silence_x_per_day)
    assert ratio[-1] == ratio[-2] == QUARREL.silence_x_limit


def test_the_hazard_rises_at_the_promise_and_after_patience_then_falls(waiting: Waiting) -> None:
    patience = waiting.orders.patience_days * QUARREL.patience_days
    before, just_after, out_of_patience, tired = (
        waiting.hazard(overdue=overdue)
        for overdue in (-0.5, 0.01, patience + 0.01, patience + QUARREL.tired_after_days + 0.01)
    )
    assert just_after / before == pytest.approx(2.0)
    assert out_of_patience / before == pytest.approx(QUARREL.promise_passed_x)
    assert tired / before == pytest.approx(QUARREL.promise_passed_x * QUARREL.tired_x)
    assert np.std(patience) > 1.0  # buyers differ in patience


def test_bad_news_customs_and_an_unanswered_message_raise_the_hazard(waiting: Waiting) -> None:
    plain = waiting.hazard()
    for slot, factor in (
        (LOST, QUARREL.bad_news_x),
        (RETURNING, QUARREL.bad_news_x),
        (HELD, QUARREL.customs_x),
    ):
        assert waiting.hazard(scans=waiting.with_last_scan(1.0, slot)) / plain == pytest.approx(
            factor
        )
    assert waiting.hazard(is_unanswered=True) / plain == pytest.approx(QUARREL.unanswered_x)


def test_expensive_orders_are_disputed_more(waiting: Waiting) -> None:
    expensive = Waiting.__new__(Waiting)
    vars(expensive).update(vars(waiting))
    expensive.orders = replace(waiting.orders, total_usd=16.0 * waiting.orders.total_usd)
    assert expensive.hazard() / waiting.hazard() == pytest.approx(16.0**QUARREL.value_power)


def test_a_few_buyers_dispute_habitually(piece: StorePart) -> None:
    disputed = piece.life.opened_day >= 0
    habitual = piece.orders.is_habitual
    assert 0.01 < habitual.mean() < 0.03
    assert disputed[habitual].mean() > 3.0 * disputed[~habitual].mean()


# -- not as described, and the buyer's own reasons


def test_bad_products_are_disputed_soon_after_delivery(piece: StorePart) -> None:
    days, journey = piece.life.days, piece.journey
    hazard, order = days.hazard[:, NOT_AS_DESCRIBED], days.order
    assert not hazard[days.day < journey.delivered[order]].any()
    # within one order it fades at the same rate each day
    both = np.flatnonzero((order[1:] == order[:-1]) & (hazard[:-1] > 0.0) & (hazard[1:] > 0.0))
    ratio = hazard[both + 1] / hazard[both]
    assert np.median(ratio) == pytest.approx(np.exp(-1.0 / QUARREL.after_delivery_fading_days))
    # and the worst fifth of the orders has many times the disputes of the best fifth
    risk = piece.orders.risks.sum(axis=1)
    described = piece.life.cause == NOT_AS_DESCRIBED
    best, worst = risk < np.quantile(risk, 0.2), risk > np.quantile(risk, 0.8)
    assert described[worst].sum() > 4 * described[best].sum()
