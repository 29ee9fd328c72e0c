"""The knowable risk, with tempers unseen: it equals a plain loop over Bayes' rule, is calibrated,
and lies between its bounds."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from pipeline.simulation import knowable_risk as knowable
from pipeline.simulation.attainable_risk import attainable_risk
from pipeline.simulation.knowable_risk import (
    knowable_risk,
    posterior,
    read_history,
    spread_of_tempers,
)
from pipeline.simulation.world import simulated_orders as order_module
from pipeline.simulation.world.assumptions import QUARREL, SHOPPING
from pipeline.simulation.world.buyer_messages import write_messages
from pipeline.simulation.world.simulated_orders import World, build_world
from pipeline.simulation.world.simulated_store import StorePart, draw_piece

Nights = tuple[np.ndarray, np.ndarray, np.ndarray]
COUNT, HORIZON, COPIES = 30_000, 30, 16


def made_world(count: int, seed: int) -> World:
    return build_world(count_orders=count, seed=seed, first_day=date(2024, 1, 1), days=731)


@pytest.fixture(scope="module")
def world() -> World:
    return made_world(COUNT, 5)


@pytest.fixture(scope="module")
def piece(world: World) -> StorePart:
    return draw_piece(world, np.arange(COUNT))


@pytest.fixture(scope="module")
def one_night_each(piece: StorePart) -> Nights:
    """As in `test_ceiling.py`: number, night, and whether a dispute opens within a month."""
    age = np.random.default_rng(1).integers(1, 60, COUNT)
    as_of, opened = np.floor(piece.orders.placed).astype(int) + age, piece.life.opened_day
    is_open = (as_of < np.floor(piece.journey.closed)) & ((opened < 0) | (as_of <= opened))
    number, as_of, opened = np.flatnonzero(is_open), as_of[is_open], opened[is_open]
    return number, as_of, (opened >= as_of) & (opened < as_of + HORIZON)


@pytest.fixture(scope="module")
def known(world: World, one_night_each: Nights) -> np.ndarray:
    number, as_of, _ = one_night_each
    return knowable_risk(world, number, as_of, HORIZON, COPIES)


def mean_temper(
    world: World, piece: StorePart, number: np.ndarray, as_of: np.ndarray
) -> np.ndarray:
    tempers = spread_of_tempers()
    buyers, buyer = np.unique(piece.orders.buyer[number], return_inverse=True)
    history = read_history(world, tempers, buyers, int(as_of.max()))
    return posterior(history, tempers, buyer, as_of) @ tempers.x


# -- Bayes' rule as a plain loop


def naive_worry(piece: StorePart, order: int, day: int) -> float:
    journey, placed = piece.journey, piece.orders
    if journey.delivered[order] <= day:
        return float(placed.risks[order].sum())
    news = [t for t in (*piece.scans.known[order], journey.handed_over[order]) if t < day]
    silent = day - max(news) - QUARREL.silence_free_days if news else 0.0
    silence = min(1.0 + QUARREL.silence_x_per_day * max(silent, 0.0), QUARREL.silence_x_limit)
    return silence * (QUARREL.message_late_x if day > placed.delivery_promise[order] else 1.0)


def naive_mean_temper(
    piece: StorePart, written: set[tuple[int, int]], buyer: int, as_of: int
) -> float:
    """The mean of the posterior density on a fine grid of log tempers."""
    days, opened = piece.life.days, piece.life.opened_day
    evidence = []
    for order in np.flatnonzero(piece.orders.buyer == buyer).tolist():
        for row in range(days.first[order], days.first[order + 1]):
            day = int(days.day[row])
            if day >= as_of or (opened[order] >= 0 and day > opened[order]):
                continue
            hazard = float(days.hazard[row].sum()) / float(piece.orders.temper_x[order])
            is_written = (order, day) in written
            worry = naive_worry(piece, order, day)
            evidence.append((hazard, opened[order] == day, worry, is_written))
    total = weighted = 0.0
    for step in range(-160, 260):
        log_temper = step * 0.025
        density = 0.0
        for share, middle in (
            (1 - SHOPPING.share_habitual, 1.0),
            (SHOPPING.share_habitual, SHOPPING.habitual_x),
        ):
            density += share * math.exp(
                -0.5 * ((log_temper - math.log(middle)) / SHOPPING.temper_sigma) ** 2
            )
        temper = math.exp(log_temper)
        for hazard, is_disputed, worry, is_written in evidence:
            calm, silent = (
                math.exp(-temper * hazard),
                math.exp(-QUARREL.hazard_message * math.sqrt(temper) * worry),
            )
            density *= (1.0 - calm if is_disputed else calm) * (
                1.0 - silent if is_written else silent
            )
        total += density
        weighted += density * temper
    return weighted / total


@pytest.mark.parametrize("seed", [1, 2])
def test_a_plain_loop_gives_the_same_tempers(seed: int) -> None:
    """Rows of buyers with several orders, or with a dispute or message before that night, and some
    others."""
    world = made_world(2_500, seed)
    piece = draw_piece(world, np.arange(2_500))
    days = piece.life.days
    messages = write_messages(world, piece.orders, piece.journey, piece.scans, days.order, days.day)
    written = set(
        zip(messages.order.tolist(), np.floor(messages.written).astype(int).tolist(), strict=True)
    )
    disputed = np.flatnonzero(piece.life.opened_day >= 0)
    of_disputers = np.flatnonzero(np.isin(piece.orders.buyer, piece.orders.buyer[disputed]))
    rng = np.random.default_rng(seed)
    number = np.concatenate(
        [rng.choice(of_disputers, 12), rng.choice(messages.order, 8), rng.choice(2_500, 8)]
    )
    # from the morning after the order to long after its end, and on the days of disputes and
    # messages
    as_of = np.floor(piece.orders.placed[number]).astype(int) + rng.integers(1, 200, len(number))
    number = np.concatenate([number, disputed[:6], disputed[:6], messages.order[:3]])
    edges = [
        piece.life.opened_day[disputed[:6]],
        piece.life.opened_day[disputed[:6]] + 1,
        messages.written[:3],
    ]
    as_of = np.concatenate([as_of, *edges]).astype(int)
    # all rows at once here; each row alone below
    tempers = mean_temper(world, piece, number, as_of)
    naive = [
        naive_mean_temper(piece, written, piece.orders.buyer[n], night)
        for n, night in zip(number, as_of, strict=True)
    ]
    assert tempers == pytest.approx(naive, rel=1e-6)
    assert np.ptp(tempers) > 1.0, "without evidence about tempers the test would prove nothing"


# -- calibration


def check_tenths(chance: np.ndarray, is_disputed: np.ndarray) -> None:
    """In each tenth of the rows, the number of disputes agrees with the chance within four standard
    deviations."""
    for part in np.array_split(np.argsort(chance, kind="stable"), 10):
        expected, spread = chance[part].sum(), np.sqrt((chance[part] * (1.0 - chance[part])).sum())
        count = is_disputed[part].sum()
        assert abs(count - expected) < 4.0 * spread, (expected, count)


def test_the_knowable_risk_is_calibrated(one_night_each: Nights, known: np.ndarray) -> None:
    check_tenths(known, one_night_each[2])


def test_expected_tempers_are_right_on_average(
    world: World, piece: StorePart, one_night_each: Nights
) -> None:
    """In each tenth of the rows by expected temper, the mean true temper agrees with it."""
    number, as_of, _ = one_night_each
    expected, true = mean_temper(world, piece, number, as_of), piece.orders.temper_x[number]
    for part in np.array_split(np.argsort(expected, kind="stable"), 10):
        spread = true[part].std() / np.sqrt(len(np.unique(piece.orders.buyer[number[part]])))
        assert abs(true[part].mean() - expected[part].mean()) < 4.0 * spread


def test_the_calibration_check_detects_a_scorer_that_sees_the_future(
    world: World, one_night_each: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the coming month counts as history, the tenths no longer agree."""
    number, as_of, is_disputed = one_night_each
    monkeypatch.setattr(
        knowable,
        "posterior",
        lambda h, t, buyer, night: posterior(h, t, buyer, np.minimum(night + HORIZON, h.span)),
    )
    with pytest.raises(AssertionError):
        check_tenths(knowable_risk(world, number, as_of, HORIZON, 2), is_disputed)


# -- bounds


def test_it_ranks_worse_than_with_tempers_seen_and_better_than_without_history(
    world: World, one_night_each: Nights, known: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, as_of, is_disputed = one_night_each
    true = attainable_risk(world, number, as_of, HORIZON, COPIES)
    assert average_precision_score(is_disputed, known) < 0.8 * average_precision_score(
        is_disputed, true
    )
    assert roc_auc_score(is_disputed, known) < roc_auc_score(is_disputed, true)
    monkeypatch.setattr(
        knowable, "posterior", lambda h, t, buyer, night: posterior(h, t, buyer, 0 * night)
    )
    without_history = knowable_risk(world, number, as_of, HORIZON, COPIES)
    assert (
        log_loss(is_disputed, true)
        < log_loss(is_disputed, known)
        < log_loss(is_disputed, without_history)
    )


def test_if_all_buyers_have_the_same_temper_nothing_is_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alike = replace(SHOPPING, temper_sigma=0.0, share_habitual=0.0)
    for module in (knowable, order_module):
        monkeypatch.setattr(module, "SHOPPING", alike)
    world = made_world(2_000, 4)
    placed = np.floor(draw_piece(world, np.arange(2_000)).orders.placed).astype(int)
    rows = (world, np.arange(2_000), placed + 20, HORIZON, 4)
    assert knowable_risk(*rows) == pytest.approx(attainable_risk(*rows), rel=1e-9, abs=1e-12)
    monkeypatch.setattr(order_module, "SHOPPING", SHOPPING)
    assert np.abs(knowable_risk(*rows) - attainable_risk(*rows)).max() > 0.01, (
        "otherwise the test could not fail"
    )
