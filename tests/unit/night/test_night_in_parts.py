"""Orders scored in any parts, as by the workers of a cluster, give the same night to the bit."""

from __future__ import annotations

import pickle
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from features.clock import day_number
from models.actions.action_options import action_options
from models.actions.hold_out import HELD_OUT
from models.contact.queues import QUEUES
from models.learner.gbm import DisputeModel
from models.reasons.risk_rules import SignModel
from models.scoring.night_scoring import NightScoring
from models.scoring.scored_part import ScoredPart
from pipeline.engines.engine import build_night
from pipeline.engines.spark_buckets import needed_orders, no_features, pack, scored_schema, unpack
from pipeline.night.night_actions import NightActions, night_actions
from pipeline.night.night_queues import night_queues
from pipeline.night.scored_orders import assigned_orders, contact_list, decide_night
from pipeline.registry.model_registry import require_champion
from pipeline.settings.config import Config
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import NIGHT


@pytest.fixture(scope="module")
def features(finished: Path) -> pl.DataFrame:
    return build_night(Workspace(finished).table_files(), day_number(NIGHT), Config())


@pytest.fixture(scope="module")
def known(finished: Path) -> NightActions:
    workspace = Workspace(finished)
    return night_actions(workspace, workspace.table_files(), Config(), NIGHT)


# in this small store, no action is worth the usual least
CONFIG = Config(actions={"least_worth_usd": 0.01})


def scoring_of(finished: Path, known: NightActions, kind: str) -> NightScoring:
    model = SignModel(0.05) if kind == "rules" else require_champion(Workspace(finished)).model
    rules, least = CONFIG.actions.rules(known.stopped), CONFIG.actions.least_worth_usd
    return NightScoring(model, known.cost, known.actions, known.posterior, rules, least)


def through_workers(
    scoring: NightScoring, features: pl.DataFrame, orders: pl.DataFrame, count: int, seed: int
) -> ScoredPart:
    """What the driver makes of `count` buckets, each scored by a worker of its own."""
    tables: list[pa.Table] = [scored_schema(scoring).empty_table()]
    for number in range(count):
        part = features.filter(pl.col("order_id").hash(seed) % count == number)
        if part.height:
            received = pickle.loads(pickle.dumps(scoring))
            tables.append(pack(received.decide(part, orders), scoring))
    every = pl.from_arrow(pa.concat_tables(reversed(tables)))
    assert isinstance(every, pl.DataFrame)
    more = every.join(needed_orders(every), on="order_id").select("order_id", "more")
    return unpack(every.drop("more"), more, scoring)


@pytest.mark.parametrize("kind", ["champion", "rules"])
@pytest.mark.parametrize(("count", "seed"), [(1, 1), (7, 2), (60, 3)])
def test_a_night_in_parts_is_the_same_night(
    finished: Path, features: pl.DataFrame, known: NightActions, kind: str, count: int, seed: int
) -> None:
    files, config = Workspace(finished).table_files(), CONFIG
    scoring = scoring_of(finished, known, kind)
    orders = files.read_all_of("orders")
    whole, parts = scoring(features), through_workers(scoring, features, orders, count, seed)
    assert parts.considered.height < whole.scores.height
    assert_frame_equal(parts.scores, whole.scores, check_exact=True)
    assert parts.sums.to_numbers() == whole.sums.to_numbers()
    one, other = (
        decide_night(files, part, scoring.may_act, known, config, NIGHT) for part in (whole, parts)
    )
    assert_frame_equal(other.scored, one.scored, check_exact=True)
    assert_frame_equal(other.night.candidates, one.night.candidates, check_exact=True)
    assert other.night.choice.prices == one.night.choice.prices
    assigned = [assigned_orders(decided) for decided in (one, other)]
    assert assigned[0].height
    assert_frame_equal(assigned[1], assigned[0], check_exact=True)
    if kind == "champion":
        scorer = require_champion(Workspace(finished))
        to_do = [each.filter(pl.col("arm") != HELD_OUT) for each in assigned]
        lists = [contact_list(files, scorer, rows, known, day_number(NIGHT)) for rows in to_do]
        assert lists[0].height
        assert_frame_equal(lists[1], lists[0], check_exact=True)
    queued = [
        night_queues(files, decided.open_orders(), assigned[0], config, NIGHT)
        for decided in (one, other)
    ]
    assert set(queued[0]["queue"]) <= set(QUEUES)
    assert queued[0].height
    assert_frame_equal(queued[1], queued[0], check_exact=True)


def test_only_orders_with_a_use_come_back_with_their_features(
    finished: Path, features: pl.DataFrame, known: NightActions
) -> None:
    scoring = scoring_of(finished, known, "champion")
    orders = Workspace(finished).table_files().read_all_of("orders")
    part = through_workers(scoring, features, orders, 5, 4)
    rows = scoring(features).considered.join(
        orders.select("order_id", "buyer_id", store="store_id"), on="order_id"
    )
    options = action_options(
        rows.with_columns(message_language=pl.lit("en")),
        scoring.actions,
        scoring.posterior,
        scoring.rules,
        scoring.least_worth_usd,
    )
    worth_it = options.filter(pl.col("value_usd") >= scoring.least_worth_usd)
    buyers = worth_it.select("buyer_id").unique()
    others = orders.join(buyers, on="buyer_id", how="semi").select("order_id")
    wanted = features.join(others, on="order_id", how="semi")["order_id"]
    assert set(wanted) <= set(part.considered["order_id"])
    assert not set(part.best["order_id"]) & set(worth_it["order_id"])


def test_the_model_travels_as_text(finished: Path, known: NightActions) -> None:
    scoring = scoring_of(finished, known, "champion")
    assert isinstance(scoring.model, DisputeModel)
    sent = pickle.dumps(scoring)
    assert scoring.model.to_text()[0].encode() in sent
    assert b"lightgbm" not in sent
    # a worker keeps the model for its next task
    assert pickle.loads(sent).model is pickle.loads(sent).model


def test_a_night_without_open_orders_has_all_columns(finished: Path, known: NightActions) -> None:
    part = scoring_of(finished, known, "champion")(no_features())
    assert part.scores.is_empty()
    assert part.considered.is_empty()
    assert part.sums.mean("probability") is None
