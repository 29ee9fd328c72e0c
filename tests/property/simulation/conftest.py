"""A simulated world of 30,000 orders, and order-nights of one of its years."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from features.build.registry import FEATURE_NAMES, build_features
from features.clock import day_number
from features.labels import LabelWindow, build_labels
from features.spine import build_spine
from features.tables import TABLES, create_tables
from models.reasons.baseline import rule_scores
from pipeline.settings.config import load_config
from pipeline.simulation.attainable_risk import attainable_risk
from pipeline.simulation.knowable_risk import knowable_risk
from pipeline.simulation.simulate import simulate
from pipeline.simulation.true_risk import Truth, read_truth
from pipeline.simulation.world.simulated_facts import product_frame
from pipeline.simulation.world.simulated_orders import World, build_world
from pipeline.simulation.world.simulated_store import ZONE, StorePart, draw_piece, piece_frames
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

COUNT, HORIZON = 30_000, 30
TRUTH_COUNT = 40_000
FIRST_DAY = date(2024, 1, 1)


@pytest.fixture(scope="session")
def world() -> World:
    return build_world(count_orders=COUNT, seed=3, first_day=FIRST_DAY, days=731)


@pytest.fixture(scope="session")
def piece(world: World) -> StorePart:
    """All orders of the world. Shared: only read it."""
    return draw_piece(world, np.arange(COUNT))


@pytest.fixture(scope="session")
def nightly_rows(world: World, piece: StorePart) -> pl.DataFrame:
    """Order-nights every two weeks of a year, with features, labels, rules of thumb, and the
    attainable and the knowable risk."""
    frames = piece_frames(world, piece) | {"products": product_frame(world)}
    tables = create_tables(
        {name: frames.get(name, table.empty()) for name, table in TABLES.items()}, zone=ZONE
    )
    start = day_number(FIRST_DAY)
    spine = build_spine(tables, [start + night for night in range(300, 660, 14)])
    features = build_features(tables, spine)
    label = build_labels(tables, spine, LabelWindow(HORIZON, 1), start + 731)["label"]
    number = spine["order_id"].str.strip_prefix("o-").cast(pl.Int64).to_numpy() - 1
    risk = attainable_risk(world, number, spine["as_of_day"].to_numpy() - start, HORIZON, 4)
    knowable = knowable_risk(world, number, spine["as_of_day"].to_numpy() - start, HORIZON, 16)
    rows = features.select("order_id", "as_of_day", "stage", *FEATURE_NAMES).with_columns(
        label=label,
        true_risk=pl.Series(risk),
        knowable_risk=pl.Series(knowable),
        number=pl.Series(number),
    )
    return pl.concat([rows, rule_scores(features)], how="horizontal").drop_nulls("label")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A simulated store. Shared: only read it."""
    workspace = Workspace(tmp_path_factory.mktemp("truth"))
    simulate(
        workspace,
        load_config(workspace.folder),
        Progress(),
        orders=TRUTH_COUNT,
        first=date(2024, 1, 1),
        days=731,
        seed=2,
    )
    return workspace


@pytest.fixture(scope="session")
def truth(workspace: Workspace) -> Truth:
    return read_truth(workspace)
