"""Features and spells of a stored store are the same whatever the size of its parts, to the bit."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.build.registry import build_features
from features.spine import build_spine, open_spells, sample_spine
from features.tables import TABLES, Tables, create_tables
from pipeline.engines import engine, stored_nights
from pipeline.engines.stored_nights import feature_parts, read_spells
from pipeline.settings.config import Config
from pipeline.simulation.world.simulated_store import simulate_store
from pipeline.training.fitting import training_dataset
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace
from tests.conftest import day

FIRST, LAST = day("2024-01-20"), day("2024-07-10")
WINDOW = Config().dispute_window


@pytest.fixture(scope="module")
def tables() -> Tables:
    frames = simulate_store(count_orders=1500, seed=3, first_day=date(2024, 1, 1), days=200)
    # some orders without a lane: their totals are unknown
    orders = frames["orders"].with_columns(
        lane=pl.when(pl.int_range(pl.len()) % 10 > 0).then("lane")
    )
    return create_tables(frames | {"orders": orders}, zone="Asia/Shanghai")


@pytest.fixture(scope="module")
def files(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> TableFiles:
    workspace = Workspace(tmp_path_factory.mktemp("files"))
    workspace.write_tables(tables, {})
    return workspace.table_files()


def in_parts(files: TableFiles, spine: pl.DataFrame, orders_per_part: int) -> pl.DataFrame:
    return pl.concat(feature_parts(files, spine, orders_per_part))


@pytest.mark.parametrize("orders_per_part", [10_000, 1500, 299, 83])
def test_sampled_nights_have_the_features_of_the_whole_store(
    tables: Tables, files: TableFiles, orders_per_part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_nights, "ROWS_AT_ONCE", 400)
    spine = sample_spine(
        files.read_all(), first_day=FIRST, last_day=LAST, max_rows=3000, seed=7, window=WINDOW
    )
    assert spine["as_of_day"].n_unique() > 150
    whole = build_features(files.read_all(), spine)
    assert_frame_equal(in_parts(files, spine, orders_per_part), whole, check_exact=True)
    assert whole["lane_dispute_share_90d"].n_unique() > 100


def test_parts_without_a_row_still_count_in_the_totals(files: TableFiles) -> None:
    spine = build_spine(files.read_all(), [LAST - 30], WINDOW).head(1)
    whole = build_features(files.read_all(), spine)
    assert_frame_equal(in_parts(files, spine, 50), whole, check_exact=True)


def test_a_spine_without_rows_has_no_features(files: TableFiles) -> None:
    spine = build_spine(files.read_all(), [], WINDOW)
    whole = build_features(files.read_all(), spine)
    assert whole.is_empty()
    assert_frame_equal(in_parts(files, spine, 299), whole)


def test_a_store_without_orders_has_no_features(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write_tables(create_tables({}, zone="UTC"), {})
    empty = workspace.table_files()
    assert read_spells(empty, WINDOW, 10).is_empty()
    spine = build_spine(empty.read_all(), [FIRST], WINDOW)
    assert_frame_equal(in_parts(empty, spine, 10), build_features(empty.read_all(), spine))


def test_an_unknown_order_is_an_error(files: TableFiles) -> None:
    spine = build_spine(files.read_all(), [LAST - 30], WINDOW).head(2)
    unknown = spine.with_columns(order_id=pl.lit("no such order"))
    with pytest.raises(ValueError, match="2 rows of the spine are of unknown orders"):
        in_parts(files, unknown, 299)


@pytest.mark.parametrize("orders_per_part", [10_000, 299, 1])
def test_spells_are_those_of_the_whole_store(files: TableFiles, orders_per_part: int) -> None:
    whole = open_spells(files.read_all(), WINDOW)
    orders_per_part = max(orders_per_part, whole.height // 100)
    assert_frame_equal(read_spells(files, WINDOW, orders_per_part), whole)


def test_rows_keep_the_order_of_the_spine(files: TableFiles) -> None:
    config = Config(engine={"orders_per_part": 170})
    spine = build_spine(files.read_all(), [LAST - 30, LAST - 20], WINDOW).sample(
        fraction=1.0, shuffle=True, seed=1
    )
    whole = build_features(files.read_all(), spine)
    assert_frame_equal(engine.build_features(files.open_all(), spine, config), whole)


def test_training_rows_do_not_depend_on_parts(files: TableFiles) -> None:
    small = Config(max_training_rows=1000, engine={"orders_per_part": 170})
    whole = Tables(files.read_all().frames, files.zone, usual_life_days=files.usual_life_days)
    rows = training_dataset(whole, small, LAST - 31)
    assert rows.height > 800
    for stored in (files.read_all(), files.open_all()):
        assert_frame_equal(training_dataset(stored, small, LAST - 31), rows, check_exact=True)


def test_tables_on_demand_are_those_read_at_once(files: TableFiles) -> None:
    lazy, whole = files.open_all(), files.read_all()
    assert list(lazy.frames) == list(TABLES)
    assert len(lazy.frames) == len(TABLES)
    for name in TABLES:
        assert_frame_equal(lazy[name], whole[name])
    with pytest.raises(KeyError):
        lazy["stock"]


def test_only_the_columns_asked_for_are_read(files: TableFiles) -> None:
    columns = ("order_id", "known_day")
    expected = files.read_all()["tracking"].select(columns)
    for stored in (files.read_all(), files.open_all()):
        assert_frame_equal(stored.select("tracking", *columns), expected)
