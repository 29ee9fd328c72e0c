"""The effect of being on the list: estimates equal plain loops over buyers, and intervals hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contact.uplift import Sums, always_valid, among_contacted, buyers_needed, difference

Season = tuple[np.ndarray, ...]


def season(
    rng: np.random.Generator, orders: int = 2500, cut: float = 0.0, holdout: float = 0.1
) -> Season:
    """buyer, held, disputed, forecast, contacted, and the chance of a dispute without a message.

    Agents skip one order in five.
    """
    buyer = rng.integers(0, int(orders * 0.8), orders)
    held = (rng.random(orders) < holdout)[buyer]
    chance = np.clip(
        0.06 * rng.gamma(2.0, 0.5, orders)[buyer] * rng.gamma(1.5, 1 / 1.5, orders), 0, 0.9
    )
    contacted = ~held & (rng.random(orders) < 0.8)
    disputed = (rng.random(orders) < chance * np.where(contacted, 1.0 - cut, 1.0)).astype(float)
    return buyer, held, disputed, chance * rng.lognormal(0, 0.5, orders), contacted, chance


def sums(one: Season) -> Sums:
    return Sums.of(*one[:5])


ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 1), st.floats(0, 1), st.integers(0, 1)),
    min_size=4,
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(rows=ROWS)
def test_the_plain_difference_equals_a_loop(rows: list) -> None:
    buyer, label, forecast, contacted = (np.array(column) for column in zip(*rows, strict=True))
    held = buyer % 3 == 0
    effect = difference(
        Sums.of(buyer, held, label.astype(float), forecast, contacted.astype(bool)), adjusted=False
    )
    arms: list[dict[int, list[int]]] = [{}, {}]
    for buyer_number, disputed in zip(buyer.tolist(), label.tolist(), strict=True):
        arms[buyer_number % 3 == 0].setdefault(buyer_number, []).append(disputed)
    if min(map(len, arms)) < 2:
        assert effect is None
        return
    means, spreads, total_squares, buyers = [], [], 0.0, 0
    for arm in arms:
        orders = sum(map(len, arm.values()))
        mean = sum(map(sum, arm.values())) / orders
        squares = sum((sum(own) - mean * len(own)) ** 2 for own in arm.values())
        means.append(mean)
        spreads.append((squares / (len(arm) - 1), len(arm), orders))
        total_squares, buyers = total_squares + squares, buyers + len(arm)
    variance = sum(
        max(own, total_squares / (buyers - 2)) * count / orders**2 for own, count, orders in spreads
    )
    assert effect is not None
    assert effect.estimate == pytest.approx(means[0] - means[1])
    assert effect.high - effect.low == pytest.approx(2 * 1.959964 * math.sqrt(variance), rel=1e-5)


@pytest.mark.parametrize("cut", [0.0, 0.25])
def test_the_planned_interval_covers_the_truth(cut: float) -> None:
    """At least 95 % of 200 seasons, minus 4 standard errors."""
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(200):
        one = season(rng, cut=cut)
        held, contacted, chance = one[1], one[4], one[5]
        truth = -(cut * chance * contacted)[~held].mean()
        effect = difference(sums(one))
        assert effect is not None
        covered.append(effect.low <= truth <= effect.high)
    assert 0.89 <= np.mean(covered)


def test_checking_every_night_rarely_raises_a_false_alarm() -> None:
    """No effect, checked 60 times.

    The interval for planned dates excludes 0 far too often, the always valid one hardly ever.
    """
    rng = np.random.default_rng(4)
    false_alarms = {"planned": 0, "always": 0}
    for _ in range(60):
        *one, _ = season(rng)
        sums_by_night = [
            Sums.of(*(column[:count] for column in one)) for count in range(200, 2501, 40)
        ]
        false_alarms["planned"] += any(
            effect.is_settled for one_night in sums_by_night if (effect := difference(one_night))
        )
        false_alarms["always"] += any(
            effect.is_settled
            for one_night in sums_by_night
            if (effect := always_valid(one_night, 0.1))
        )
    assert false_alarms["always"] <= 0.05 * 60
    assert false_alarms["planned"] > 3 * max(false_alarms["always"], 1)


def test_the_forecast_narrows_the_interval_without_bias() -> None:
    rng = np.random.default_rng(5)
    plain, adjusted = [], []
    for _ in range(100):
        one = sums(season(rng, cut=0.25))
        plain.append(difference(one, adjusted=False))
        adjusted.append(difference(one))
    assert np.mean([one.reduction for one in adjusted]) > 0.03
    gap = np.array([a.estimate - b.estimate for a, b in zip(plain, adjusted, strict=True)])
    assert abs(gap.mean()) < 4 * gap.std() / 10


def test_the_effect_of_contact_is_larger_than_that_of_being_listed() -> None:
    one = sums(season(np.random.default_rng(6), orders=60_000, cut=0.5))
    listed, contacted = difference(one), among_contacted(one)
    assert listed is not None
    assert contacted is not None
    assert contacted.estimate / listed.estimate == pytest.approx(1 / 0.8, rel=0.02)


def test_a_skipped_buyer_stays_in_the_assigned_arm() -> None:
    """Agents only contact the worst cases, so contacted buyers dispute more often.

    Each message still prevents half of the disputes.
    """
    rng = np.random.default_rng(7)
    buyer = np.arange(40_000)
    held, chance = rng.random(len(buyer)) < 0.1, rng.gamma(1.0, 0.05, len(buyer)).clip(0, 0.9)
    contacted = ~held & (chance > 0.05)
    label = (rng.random(len(buyer)) < np.where(contacted, 0.5 * chance, chance)).astype(float)
    assert label[contacted].mean() > label[~contacted].mean()
    effect = difference(Sums.of(buyer, held, label, chance, contacted))
    assert effect is not None
    assert effect.high < 0


def test_a_cut_is_detected_with_the_number_of_buyers_needed() -> None:
    rng = np.random.default_rng(8)
    needed = buyers_needed(0.1, 0.4, 0.2)
    count_detected = 0
    for _ in range(200):
        held = rng.random(int(needed)) < 0.2
        label = (rng.random(len(held)) < np.where(held, 0.1, 0.06)).astype(float)
        effect = difference(
            Sums.of(np.arange(len(held)), held, label, np.zeros(len(held)), ~held), adjusted=False
        )
        assert effect is not None
        count_detected += effect.high < 0
    assert 0.68 < count_detected / 200 < 0.9


def test_with_too_few_buyers_there_is_no_estimate() -> None:
    one = Sums.of(
        np.arange(3), np.array([True, False, False]), np.ones(3), np.ones(3), np.ones(3, dtype=bool)
    )
    assert difference(one) is None
    assert always_valid(one, 0.1) is None
    assert among_contacted(one) is None
