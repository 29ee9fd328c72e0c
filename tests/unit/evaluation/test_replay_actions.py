"""The replay of actions on a small simulated store whose candidates need no model."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from features.clock import day_number
from features.tables import CAUSE_SHARES
from models.actions.action_options import MODIFIERS
from pipeline.evaluation.actions.action_candidates import RULE_FEATURES
from pipeline.evaluation.actions.action_seasons import scenario_names
from pipeline.evaluation.actions.replay_actions import ActionReplay
from pipeline.evaluation.actions.season_learning import LearningPolicy, ReplayWorld
from pipeline.evaluation.actions.season_rows import SeasonRows, action_costs
from pipeline.settings.action_files import load_actions
from pipeline.settings.action_settings import ActionSettings
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.simulation.action_outcomes import ActionWorld, true_loss_shares
from pipeline.simulation.true_risk import Truth
from pipeline.simulation.world.simulated_disputes import settle_disputes
from pipeline.simulation.world.simulated_orders import World, build_world
from pipeline.simulation.world.simulated_store import StorePart, draw_piece
from pipeline.simulation.world.truth import order_truth

COUNT, FIRST, NIGHTS = 6_000, date(2024, 1, 1), 10
FIXED_USD = 60.0
ACTIONS = load_actions()


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(count_orders=COUNT, seed=5, first_day=FIRST, days=200)


@pytest.fixture(scope="module")
def piece(world: World) -> StorePart:
    return draw_piece(world, np.arange(COUNT))


def season(truth: Truth, risk: ActionWorld, start: int, nights: int = NIGHTS) -> SeasonRows:
    """Open orders of some nights; the store knows their true chances and causes."""
    days = truth.days
    row = np.flatnonzero((days.day >= start) & (days.day < start + nights))
    number = days.order[row]
    opened = truth.orders["opened_day"].fill_null(2**30).to_numpy()[number]
    row, number = row[opened >= days.day[row]], number[opened >= days.day[row]]
    chance = risk.risk(row)
    shares = risk.hazard_ahead[row] / np.maximum(risk.hazard_ahead[row].sum(axis=1), 1e-12)[:, None]
    value = truth.orders["total_usd"].to_numpy()[number]
    known = dict.fromkeys([*RULE_FEATURES, "order_age_days"], pl.lit(1.0))
    may = {f"may_{action.name}": pl.lit(True) for action in ACTIONS}
    rows = pl.DataFrame(
        {
            "number": number,
            "as_of_day": days.day[row].astype(np.int32),
            "buyer_number": number // 2,
            "order_value_usd": value,
            "probability": chance,
            **{name: shares[:, n] for n, name in enumerate(CAUSE_SHARES)},
        }
    ).with_columns(
        stage=pl.lit("in_transit"), **known, **may, **{name: pl.lit("no") for name in MODIFIERS}
    )
    order = rows.select(pl.arg_sort_by("as_of_day", "number")).to_series().to_numpy()
    rows, chance, shares = rows[order], chance[order], shares[order]
    # actions of other stages are not possible
    rows = rows.with_columns(
        pl.lit("in_transit" in action.applies_to).alias(f"may_{action.name}") for action in ACTIONS
    )
    cost = rows["order_value_usd"].to_numpy()[:, None] * true_loss_shares() + FIXED_USD
    disputes = chance[:, None] * shares
    costs = action_costs(rows, ACTIONS, ActionSettings())
    return SeasonRows.of(rows, disputes, disputes * cost, costs)


@pytest.fixture(scope="module")
def replay(world: World, piece: StorePart) -> ReplayWorld:
    days = piece.life.days
    truth = Truth(
        order_truth(world, piece), replace(days, day=days.day + day_number(world.first_day))
    )
    actions = ActionWorld.of(truth, world.seed, "published", [a.name for a in ACTIONS])
    cost = truth.orders["total_usd"].to_numpy()[:, None] * true_loss_shares() + FIXED_USD
    return ReplayWorld(actions, ACTIONS, Config(), cost, [f"b-{n}" for n in range(COUNT)])


@pytest.fixture(scope="module")
def tables(replay: ReplayWorld) -> tuple[pl.DataFrame, pl.DataFrame]:
    starts = [day_number(FIRST) + day for day in (30, 65, 100, 140)]
    seasons = [season(replay.world.truth, replay.world, start) for start in starts]
    return ActionReplay(replay, seasons).compare()


@pytest.fixture(scope="module")
def result(tables: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    return tables[0]


def expected(result: pl.DataFrame, policy: str) -> float:
    return float(result.filter(pl.col("policy") == policy)["expected_usd"].item())


def test_doing_nothing_saves_nothing(result: pl.DataFrame) -> None:
    assert result.row(0, named=True)["policy"] == "nothing"
    assert result.row(0, named=True)["saved_usd"] == 0.0


def test_no_policy_expects_more_than_the_oracle(result: pl.DataFrame) -> None:
    assert expected(result, "oracle, actions") >= result["expected_usd"].max() - 1e-9
    assert expected(result, "oracle, actions") > expected(result, "oracle, messages") > 0.0


def test_no_policy_exceeds_the_capacity(result: pl.DataFrame) -> None:
    assert result["actions"].max() <= Config().decide.capacity * NIGHTS


def test_the_cells_gain_and_a_costly_hand_rule_loses(result: pl.DataFrame) -> None:
    assert expected(result, "cells with their true mean effects") > 0.0
    assert expected(result, "delivered late: refund 15 %") < 0.0


def test_the_stops_count_what_the_learned_policy_did(
    tables: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    result, stops = tables
    seasons = result.filter(pl.col("policy").str.contains(r"learned: .* as it went"))
    assert seasons["season"].to_list() == [1, 2]
    assert stops["uses"].sum() == seasons["actions"].sum() > 0
    assert stops["last_night"].max() < 2 * NIGHTS


@pytest.mark.parametrize(("factor", "is_stopped"), [(-8.0, True), (0.9, False)])
def test_only_an_action_that_does_great_harm_is_stopped_within_its_season(
    replay: ReplayWorld, factor: float, is_stopped: bool
) -> None:
    at = replay.world.actions.index("inform")
    effects = replay.world.effects.copy()
    effects[at] = factor
    harmed = replace(replay, world=replace(replay.world, effects=effects))
    starts = [day_number(FIRST) + day for day in (20, 100)]
    shadow, first = (season(harmed.world.truth, harmed.world, start, 60) for start in starts)
    policy = LearningPolicy(harmed, harmed.left_alone(shadow))
    taken = policy.live(first, shadow)
    used = (taken.filter(pl.col("action") == at)["as_of_day"] - starts[1]).to_list()
    assert 0 in used
    if is_stopped:
        assert max(used) < 30
    else:
        assert max(used) >= 50
        assert not policy.stopped_on


def test_the_true_loss_shares_are_those_of_the_simulated_disputes(
    world: World, piece: StorePart
) -> None:
    orders = piece.orders
    disputes = settle_disputes(world.draws, orders, piece.journey, piece.life)
    lost = np.where(np.isfinite(disputes.refunded), disputes.refund, 0.0)
    share = lost.sum() / orders.total_usd[disputes.order].sum()
    expected_share = (true_loss_shares()[disputes.cause] * orders.total_usd[disputes.order]).sum()
    assert share == pytest.approx(expected_share / orders.total_usd[disputes.order].sum(), rel=0.25)


def test_an_unknown_scenario_is_refused() -> None:
    assert scenario_names("weak, strong") == ["weak", "strong"]
    with pytest.raises(BadInput, match="no scenario 'stronk'"):
        scenario_names("stronk")
