"""A season of nights in a small simulated store: contacts, the hold-out, and learned effects."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from features.clock import day_number
from models.actions.hold_out import HELD_OUT
from pipeline.evaluation.replay_season import balance, learn_from_season, run_season
from pipeline.settings.config import Config
from pipeline.simulation.true_risk import Truth
from pipeline.simulation.world.simulated_orders import build_world
from pipeline.simulation.world.simulated_store import draw_piece
from pipeline.simulation.world.truth import order_truth

COUNT, FIRST = 4_000, date(2024, 1, 1)


@pytest.fixture(scope="module")
def truth() -> Truth:
    world = build_world(count_orders=COUNT, seed=5, first_day=FIRST, days=200)
    piece = draw_piece(world, np.arange(COUNT))
    days = piece.life.days
    calendar = replace(days, day=days.day + day_number(FIRST))
    return Truth(order_truth(world, piece), calendar)


@pytest.fixture(scope="module")
def candidates(truth: Truth) -> pl.DataFrame:
    """Ten nights of open orders, two orders per buyer, each with the same predicted probability."""
    days, start = truth.days, day_number(FIRST) + 100
    rows = pl.DataFrame({"number": days.order, "as_of_day": days.day.astype(np.int32)})
    open_then = rows.filter(pl.col("as_of_day").is_in(list(range(start, start + 10))))
    return open_then.with_columns(
        order_id=pl.format("o-{}", "number"),
        buyer_id=pl.format("b-{}", pl.col("number") // 2),
        stage=pl.lit("in_transit"),
        probability=pl.lit(0.1),
        order_value_usd=pl.lit(50.0),
        expected_value_usd=pl.lit(1.0),
        evidence_share=pl.lit(0.0),
        not_received_share=pl.lit(1.0),
        not_as_described_share=pl.lit(0.0),
        other_share=pl.lit(0.0),
    )


def test_a_season_contacts_no_one_twice_and_never_the_held_out(
    truth: Truth, candidates: pl.DataFrame
) -> None:
    config = Config()
    season = run_season(candidates, config)
    sent, held = season.filter(pl.col("arm") != HELD_OUT), season.filter(pl.col("arm") == HELD_OUT)
    assert sent.group_by("as_of_day").len()["len"].max() == config.decide.capacity
    assert sent["order_id"].is_unique().all()
    assert not set(sent["buyer_id"]) & set(held["buyer_id"])
    nights = (
        sent.sort("as_of_day")
        .group_by("buyer_id")
        .agg(pl.col("as_of_day").diff().min().alias("gap"))["gap"]
    )
    assert nights.is_null().all() or nights.min() >= config.decide.cool_off_days
    measures = balance(season, config.decide.holdout_share)
    assert measures["held_out_buyers_on_a_list"] == 0
    # 4 standard deviations of a share of 0.1
    assert abs(measures["share_held_out"] - 0.1) < 4 * (0.09 / measures["buyers"]) ** 0.5


def test_learned_effects_follow_the_hold_out(truth: Truth, candidates: pl.DataFrame) -> None:
    """With a predicted probability of 0.9, the few disputes look as if messages had prevented most.

    Only the hold-out, which has as few, shows that they did not.
    """
    config = Config()
    season = run_season(candidates.with_columns(probability=pl.lit(0.9)), config)
    beliefs = learn_from_season(season, truth, config)
    without = season.filter(pl.col("arm") != HELD_OUT)
    assert beliefs["in_transit", "not_received"].share < 0.5
    assert learn_from_season(without, truth, config)["in_transit", "not_received"].evidence == 0.0
