"""The promotion gate: faults it must detect, and that it accepts an equally good challenger."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.tables import CAUSES
from models.comparison.promotion_gate import (
    PromotionLimits,
    Verdict,
    _nights_that_would_do,
    judge,
    saved_usd,
)
from models.contact.contact_value import ContactCosts

LIMITS = PromotionLimits()
BY_STAGE = {"dispatch": 0.2, "delivered": 0.2}
SHARES = {(stage, cause): share for stage, share in BY_STAGE.items() for cause in CAUSES}
COSTS = ContactCosts(
    {
        (stage, cause): share
        for stage, share in {"dispatch": 0.2, "delivered": 0.2}.items()
        for cause in CAUSES
    },
    dispute_fixed_cost_usd=10.0,
    contact_cost_usd=1.0,
)


def made_nights(orders: int = 6000, seed: int = 1) -> tuple[pl.DataFrame, np.ndarray]:
    """Two nights of each order, and each row's true chance of a dispute."""
    rng = np.random.default_rng(seed)
    chance = 0.4 * rng.random(orders) ** 3
    label = rng.random(orders) < chance
    rows = pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(orders)] * 2,
            "as_of_day": np.repeat([1, 2], orders) + np.tile(np.arange(orders) % 20, 2) * 2,
            "stage": ["dispatch", "delivered"] * orders,
            "order_value_usd": np.tile(rng.uniform(5, 90, orders), 2),
            "label": np.tile(label, 2).astype(np.int8),
        }
    )
    return rows, np.tile(chance, 2)


def verdict(
    challenger: np.ndarray,
    rows: pl.DataFrame,
    champion: np.ndarray,
    limits: PromotionLimits = LIMITS,
) -> Verdict:
    return judge(rows, champion, challenger, COSTS, 20, limits, seed=1)


def test_the_champion_itself_passes() -> None:
    rows, chance = made_nights()
    judged = verdict(chance, rows, chance)
    assert (judged.gain_usd, judged.gain_low, judged.gain_high) == (0.0, 0.0, 0.0)
    assert judged.reasons == ()


def test_a_better_challenger_gains_and_passes() -> None:
    rows, chance = made_nights()
    dull = np.full(len(chance), rows["label"].mean())
    judged = verdict(chance, rows, dull)
    assert judged.gain_low > 0
    assert judged.reasons == ()


def test_a_challenger_trained_on_shuffled_labels_loses_money() -> None:
    rows, chance = made_nights()
    shuffled = np.random.default_rng(2).permutation(chance)
    assert any("money at capacity" in reason for reason in verdict(shuffled, rows, chance).reasons)


@pytest.mark.parametrize("factor", [1.5, 1 / 1.5])
def test_miscalibration_by_half_is_reported_with_its_stage(factor: float) -> None:
    rows, chance = made_nights()
    reasons = verdict(chance * factor, rows, chance).reasons
    assert any(reason.startswith("all: predicts") for reason in reasons)
    assert any(reason.startswith("dispatch: predicts") for reason in reasons)


def test_opposite_errors_are_reported_though_the_rate_is_right() -> None:
    rows, chance = made_nights()
    flat = np.where(chance > np.median(chance), chance.mean() * 0.2, chance.mean() * 1.8)
    assert any("calibration error" in reason for reason in verdict(flat, rows, chance).reasons)


def test_few_orders_do_not_prove_miscalibration() -> None:
    rows, chance = made_nights()
    few = rows["order_id"].is_in([f"o{n}" for n in range(60)]).to_numpy()
    judged = verdict(chance[few], rows.filter(few), chance[few], PromotionLimits(least_disputes=1))
    assert not [reason for reason in judged.reasons if "money" not in reason]


@pytest.mark.parametrize(
    ("gain", "low", "allowed", "says"),
    [
        # the interval must shrink to half its width: four times the nights
        (0.0, -20.0, 10.0, "about 16 nights like these 4 would settle it"),
        (5.0, -15.0, 5.0, "about 16 nights like these 4 would settle it"),
        (-11.0, -20.0, 10.0, "more nights do not help"),
        (-9.9, -20.0, 9.901, "would not settle it"),
    ],
)
def test_a_refusal_for_too_little_evidence_says_how_many_nights_would_do(
    gain: float, low: float, allowed: float, says: str
) -> None:
    rows = pl.DataFrame({"as_of_day": [1, 2, 2, 3, 4]})
    assert says in _nights_that_would_do(rows, gain, low, allowed)


def test_an_equal_challenger_on_few_nights_hears_how_many_would_do() -> None:
    rows, chance = made_nights(orders=400)
    rng = np.random.default_rng(3)
    equal = np.clip(chance * rng.lognormal(0, 0.8, len(chance)), 0.001, 0.9)
    reasons = [r for r in verdict(equal, rows, chance).reasons if r.startswith("money")]
    assert len(reasons) == 1
    assert "nights" in reasons[0].split("cannot be ruled out; ")[1]


def test_money_by_hand() -> None:
    """A list of one: the disputed order of 40 USD saves 0.2 x (40 + 10) - 1.

    The other order is not contacted.
    """
    rows = pl.DataFrame(
        {
            "order_id": ["a", "b"],
            "as_of_day": [1, 1],
            "stage": ["dispatch"] * 2,
            "order_value_usd": [40.0, 5.0],
            "label": [1, 1],
        }
    )
    saved, spent = saved_usd(rows, np.array([0.5, 0.6]), COSTS, capacity=1)
    assert (saved.tolist(), spent) == ([pytest.approx(9.0), 0.0], 1.0)


@pytest.mark.parametrize("champion_ratio", [0.8, 1.0])
@pytest.mark.parametrize("factor", [1.5, 1 / 1.5])
def test_a_large_shift_is_rejected_even_if_the_champion_errs_the_other_way(
    champion_ratio: float, factor: float
) -> None:
    """A champion at 0.8 times the outcomes, and 1.5 times as much: 1.2, no further off."""
    rows, chance = made_nights(orders=1500)
    champion = chance * (champion_ratio if factor > 1 else 1.0 / champion_ratio)
    reasons = verdict(champion * factor, rows, champion).reasons
    assert any(
        f"expects {factor:.2f} times as many disputes as the champion" in reason
        for reason in reasons
    )


def test_a_challenger_that_fixes_a_bad_champion_passes() -> None:
    rows, chance = made_nights()
    assert verdict(chance, rows, chance * 0.5).reasons == ()
