"""The simulated world, part 4: what a message to the buyer changes. Every order has an outcome for
each day on which a message may be sent."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.stage import STAGES
from pipeline.simulation.world.assumptions import CONTACT
from pipeline.simulation.world.markets import CAUSES
from pipeline.simulation.world.simulated_contact import (
    contact_factor,
    contacted_hazard,
    draw_effects,
    stage_of,
)
from pipeline.simulation.world.simulated_orders import World
from pipeline.simulation.world.simulated_store import StorePart
from pipeline.simulation.world.truth import order_truth, outcome


@pytest.fixture(scope="module")
def effects(world: World, piece: StorePart) -> np.ndarray:
    return draw_effects(world.draws, piece.orders)


@pytest.fixture(scope="module")
def truth(world: World, piece: StorePart) -> pl.DataFrame:
    return order_truth(world, piece)


def test_without_a_message_the_outcomes_do_not_change(
    piece: StorePart, effects: np.ndarray
) -> None:
    life = piece.life
    no_contact = np.full(len(life.threshold), -1)
    opened_day, cause = outcome(life.days, life.threshold, life.which_cause, effects, no_contact)
    assert np.array_equal(opened_day, life.opened_day)
    assert np.array_equal(cause, life.cause)


def test_a_message_changes_no_day_before_it(piece: StorePart, effects: np.ndarray) -> None:
    life = piece.life
    contact_day = life.days.day[life.days.first[:-1]] + 15
    opened_day, _ = outcome(life.days, life.threshold, life.which_cause, effects, contact_day)
    early = (life.opened_day >= 0) & (life.opened_day < contact_day)
    assert early.sum() > 10
    assert np.array_equal(opened_day[early], life.opened_day[early])
    assert (opened_day[~early & (opened_day >= 0)] >= contact_day[~early & (opened_day >= 0)]).all()


def test_most_respond_some_do_not_a_few_are_provoked(piece: StorePart, effects: np.ndarray) -> None:
    provoked, responding = (effects < 0).any(axis=1), (effects > 0).any(axis=1)
    ordinary = ~piece.orders.is_habitual
    assert provoked[ordinary].mean() == pytest.approx(CONTACT.share_provoked, abs=0.01)
    assert responding[ordinary].mean() == pytest.approx(CONTACT.share_responding, abs=0.02)
    assert responding[~ordinary].mean() < 0.5 * responding[ordinary].mean()
    not_received, not_as_described, other = effects[responding].mean(axis=0)
    assert 0.15 < not_received < 0.35
    assert 0.05 < not_as_described < 0.15
    assert other < 0.05


def test_a_message_prevents_more_than_it_provokes_and_both_happen(truth: pl.DataFrame) -> None:
    for stage in STAGES:
        counts = dict(truth[f"contacted_{stage}"].drop_nulls().value_counts().iter_rows())
        assert counts["unchanged"] > 0.98 * sum(counts.values()), stage
    outcomes = pl.concat([truth[f"contacted_{stage}"].drop_nulls() for stage in STAGES])
    total = dict(outcomes.value_counts().iter_rows())
    assert total["prevented"] > 2 * total["provoked"] > 0


def test_only_disputes_are_prevented_and_only_undisputed_orders_provoked(
    truth: pl.DataFrame,
) -> None:
    for stage in STAGES:
        contacted = truth.drop_nulls(f"contacted_{stage}")
        is_disputed = contacted["opened_day"].is_not_null()
        assert is_disputed.filter(contacted[f"contacted_{stage}"] == "prevented").all()
        assert not is_disputed.filter(contacted[f"contacted_{stage}"] == "provoked").any()
        provoked = contacted.filter(pl.col(f"contacted_{stage}") == "provoked")
        assert (provoked.select(f"effect_{cause}" for cause in CAUSES).min_horizontal() < 0.0).all()


def test_an_effect_wanes() -> None:
    """A message removes half of the hazard on the same day, and 1/e of that after 35 days."""
    day = np.array([10, 11, 45, 80])
    hazard = np.full((4, 3), 0.01)
    after = contacted_hazard(
        np.zeros(4, int), day, hazard, np.array([[0.5, 0.0, -0.5]]), np.array([10]), np.array([1.0])
    )
    kept = after / hazard
    assert kept[:, 0] == pytest.approx(1.0 - 0.5 * np.exp(-(day - 10) / CONTACT.waning_days))
    assert kept[:, 1] == pytest.approx(1.0)
    assert kept[:, 2] == pytest.approx(2.0 - kept[:, 0])
    before = contacted_hazard(
        np.zeros(4, int), day - 10, hazard, np.ones((1, 3)), np.array([71]), np.array([1.0])
    )
    assert np.array_equal(before, hazard)  # before the message


def test_the_effect_depends_on_the_stage_the_parcel_and_waiting_for_an_answer(
    piece: StorePart,
) -> None:
    """Less effect before shipment and for lost or long overdue parcels; more for buyers waiting for
    an answer."""
    days, journey = piece.life.days, piece.journey
    stage = stage_of(journey, days.order, days.day)
    plain = np.zeros(len(days.day), bool)
    factor = contact_factor(
        journey, days.order, days.day, np.full(len(days.day), -1.0), plain, plain
    )
    assert [set(factor[stage == s]) for s in range(4)] == [{x} for x in CONTACT.stage_x]
    assert CONTACT.stage_x[0] < CONTACT.stage_x[2]
    is_waiting = (stage == 2) & (journey.delivered[days.order] > days.day)
    for overdue_days, is_gone, is_unanswered, factor in (
        (CONTACT.overdue_days + 1.0, False, False, CONTACT.overdue_x),
        (-1.0, True, False, CONTACT.gone_x),
        (-1.0, False, True, CONTACT.unanswered_x),
    ):
        changed = contact_factor(
            journey,
            days.order,
            days.day,
            np.full(len(days.day), overdue_days),
            plain | is_gone,
            plain | is_unanswered,
        )
        assert changed[is_waiting] == pytest.approx(factor)


def test_the_average_effect_is_small(piece: StorePart, effects: np.ndarray) -> None:
    """A message in the first night in transit prevents less than a quarter of the later
    disputes."""
    life = piece.life
    days = life.days
    row = np.flatnonzero(
        (stage_of(piece.journey, days.order, days.day) == 2) & np.isfinite(days.contact_factor)
    )
    order, nth = np.unique(days.order[row], return_index=True)
    contact_day = np.full(len(life.threshold), -1)
    contact_day[order] = days.day[row[nth]]
    opened_day, _ = outcome(days, life.threshold, life.which_cause, effects, contact_day)
    before, after = (life.opened_day[order] >= 0).sum(), (opened_day[order] >= 0).sum()
    assert 0.01 < 1.0 - after / before < 0.25
