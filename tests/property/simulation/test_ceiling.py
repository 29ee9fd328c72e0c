"""The true risk uses only what was known, is calibrated, and is out of reach of rules of thumb."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from features.build.registry import FEATURE_NAMES
from features.clock import day_number
from models.learner.gbm import fit_model
from models.reasons.baseline import RULES
from pipeline.settings.config import Config
from pipeline.simulation.attainable_risk import attainable_risk, foresight_risk
from pipeline.simulation.world.journey import LEGS, Realised, travel
from pipeline.simulation.world.redrawn_future import Redrawn, number_copies
from pipeline.simulation.world.scans import scan
from pipeline.simulation.world.simulated_orders import World
from pipeline.simulation.world.simulated_store import StorePart

Nights = tuple[np.ndarray, np.ndarray, np.ndarray]
COUNT, HORIZON = 30_000, 30
FIRST_DAY = date(2024, 1, 1)


@pytest.fixture(scope="module")
def one_night_each(piece: StorePart) -> Nights:
    """Number and night of each order, and whether a dispute opens within a month. The night is
    drawn without regard to the order's end; orders closed or disputed by then are left out.
    (Drawing among the nights before a dispute would select disputed orders too often, because they
    have fewer.)"""
    age = np.random.default_rng(1).integers(1, 60, COUNT)
    as_of, opened = np.floor(piece.orders.placed).astype(int) + age, piece.life.opened_day
    is_open = (as_of < np.floor(piece.journey.closed)) & ((opened < 0) | (as_of <= opened))
    number, as_of, opened = np.flatnonzero(is_open), as_of[is_open], opened[is_open]
    return number, as_of, (opened >= as_of) & (opened < as_of + HORIZON)


def test_another_future_keeps_every_leg_that_has_begun(
    world: World, piece: StorePart, one_night_each: Nights
) -> None:
    number, as_of, _ = one_night_each
    orders = piece.orders.take(number)
    now = travel(world, orders, Realised(world.draws, number))
    other = travel(world, orders, Redrawn(world.draws, number, now, as_of, number_copies(1, as_of)))
    has_begun = now.starts <= as_of[:, None]
    assert np.array_equal(
        np.where(has_begun, now.starts, 0.0), np.where(has_begun, other.starts, 0.0)
    )
    ahead = ~has_begun & (other.starts != now.starts)
    assert (other.starts[ahead] > as_of[np.nonzero(ahead)[0]]).all()
    # not the last column: the end of the promise may close an order, whatever its legs do
    for leg in range(1, len(LEGS)):
        assert ahead[:, leg].any(), LEGS[leg]


def test_another_future_keeps_everything_that_is_known(
    world: World, piece: StorePart, one_night_each: Nights
) -> None:
    """A parcel that is lost or on its way back stays so; any other loss or return comes later. No
    scan that the store has disappears. Legs that began within the last day are left out, because
    their first scans depend on the length of the leg."""
    number, as_of, _ = one_night_each
    orders = piece.orders.take(number)
    now = travel(world, orders, Realised(world.draws, number))
    chance = Redrawn(world.draws, number, now, as_of, number_copies(1, as_of))
    other = travel(world, orders, chance)
    for realised, redrawn in ((now.lost_at, other.lost_at), (now.returned_at, other.returned_at)):
        has_happened = realised <= as_of
        assert has_happened.sum() > 50
        assert np.array_equal(redrawn[has_happened], realised[has_happened])
        assert (redrawn[~has_happened] > as_of[~has_happened]).all()
    realised = scan(world, orders, now, Realised(world.draws, number)).known
    redrawn = scan(world, orders, other, chance).known
    is_early = ((now.starts <= as_of[:, None]) & (now.starts > as_of[:, None] - 1.0)).any(axis=1)
    is_known = (realised < as_of[:, None]) | (redrawn < as_of[:, None])
    assert not (is_known & (realised != redrawn))[~is_early].any()


@pytest.mark.parametrize("kind", ["attainable", "foresight"])
def test_the_true_risk_is_calibrated(world: World, one_night_each: Nights, kind: str) -> None:
    """In each tenth of the orders, the number of disputes agrees with the risk within four standard
    deviations."""
    number, as_of, label = one_night_each
    if kind == "attainable":
        risk = attainable_risk(world, number, as_of, HORIZON, 8)
    else:
        risk = foresight_risk(world, number, as_of, HORIZON)
    for part in np.array_split(np.argsort(risk, kind="stable"), 10):
        expected, spread = risk[part].sum(), np.sqrt((risk[part] * (1.0 - risk[part])).sum())
        assert abs(label[part].sum() - expected) < 4.0 * spread + 1.0, (expected, label[part].sum())


def test_the_risk_with_foresight_ranks_better(world: World, one_night_each: Nights) -> None:
    number, as_of, label = one_night_each
    attainable = roc_auc_score(label, attainable_risk(world, number, as_of, HORIZON, 8))
    assert 0.7 < attainable < roc_auc_score(label, foresight_risk(world, number, as_of, HORIZON))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_thumb_stays_under_sixty_percent_of_the_ceiling(
    nightly_rows: pl.DataFrame, rule: str
) -> None:
    label = nightly_rows["label"]
    best = average_precision_score(label, nightly_rows["true_risk"])
    assert average_precision_score(label, nightly_rows[rule]) < 0.6 * best
    best_auc = roc_auc_score(label, nightly_rows["true_risk"])
    assert roc_auc_score(label, nightly_rows[rule]) - 0.5 < 0.6 * (best_auc - 0.5)


def test_a_model_does_not_beat_the_knowable_risk(nightly_rows: pl.DataFrame) -> None:
    """The model is trained on nights whose outcomes are final before the first scored night."""
    start = day_number(FIRST_DAY)
    model = fit_model(
        nightly_rows.filter(pl.col("as_of_day") < start + 480), FEATURE_NAMES, Config().recipe
    )
    later = nightly_rows.filter(pl.col("as_of_day") >= start + 480 + HORIZON)
    loss = {name: log_loss(later["label"], later[name]) for name in ("true_risk", "knowable_risk")}
    precise = {
        name: average_precision_score(later["label"], later[name])
        for name in ("true_risk", "knowable_risk")
    }
    probability = model.predict(later)
    assert loss["true_risk"] < loss["knowable_risk"] < log_loss(later["label"], probability)
    assert (
        precise["true_risk"]
        > precise["knowable_risk"]
        > average_precision_score(later["label"], probability)
    )
