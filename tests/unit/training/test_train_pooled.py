"""train with POOL: the model of several stores, what it refuses, and a new store's first night."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.clock import calendar_day, day_number
from models.learner.cause import add_cause
from models.learner.gbm import from_text
from pipeline.load.ingest import ingest
from pipeline.night.nightly import nightly
from pipeline.registry.model_registry import CHALLENGER, CHAMPION, find_model
from pipeline.registry.registered_versions import registered_versions
from pipeline.settings.config import Config, load_config
from pipeline.settings.errors import BadInput, Refused, TooFewDisputes
from pipeline.simulation.simulate import simulate
from pipeline.training.fitting import fit_with_cause, matured_rows
from pipeline.training.train_pooled import (
    OWN,
    StoreRows,
    fit_pooled,
    rows_of_store,
    store_id,
    train_pooled,
)
from pipeline.training.walk_forward import matured_by, newest_day
from pipeline.workspace.checksums import read_manifest
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.conftest import FAST, STORE_START

# rows enough for every branch of the training, and few for speed
SMALL = FAST.replace("5000", "1000")
AS_OF, YOUNG_START, FIRST_NIGHT = date(2025, 6, 1), date(2025, 5, 25), date(2025, 6, 2)


def load_store(folder: Path, *, orders: int, seed: int, first: date, days: int) -> Path:
    """A loaded workspace of a simulated store."""
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(SMALL)
    workspace, config = Workspace(folder), load_config(folder)
    raw = simulate(workspace, config, Progress(), orders=orders, seed=seed, first=first, days=days)
    with workspace.locked():
        ingest(workspace, config, Progress(), source="canonical", raw=raw)
    return folder


@pytest.fixture(scope="module")
def pool(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two stores and a folder that is no workspace."""
    folder = tmp_path_factory.mktemp("pool")
    shutil.copytree(finished, folder / "secret-shop", symlinks=True)
    (folder / "secret-shop" / "config.toml").write_text(SMALL)
    load_store(folder / "second", orders=600, seed=8, first=STORE_START, days=200)
    (folder / "notes").mkdir()
    return folder


@pytest.fixture(scope="module")
def young_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that is a week old. Only read it."""
    folder = tmp_path_factory.mktemp("young") / "young"
    return load_store(folder, orders=200, seed=9, first=YOUNG_START, days=60)


@pytest.fixture(scope="module")
def trained(pool: Path, young_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The young store with a pooled champion. Only read it."""
    folder = tmp_path_factory.mktemp("trained") / "young"
    shutil.copytree(young_tables, folder, symlinks=True)
    train_into(folder, pool)
    return folder


def train_into(folder: Path, pool: Path, as_of: date = AS_OF) -> None:
    workspace = Workspace(folder)
    with workspace.locked(must_exist=True):
        train_pooled(workspace, load_config(folder), Progress(), as_of=as_of, pool=pool)


@pytest.fixture(scope="module")
def store_rows(pool: Path) -> tuple[StoreRows, Config]:
    folder = pool / "secret-shop"
    workspace, config = Workspace(folder), load_config(folder)
    tables = workspace.read_tables()
    rows, _ = matured_rows(workspace, tables, config, AS_OF)
    return StoreRows(rows, add_cause(tables, rows, day_number(AS_OF))), config


def test_a_pool_of_one_store_gives_the_stores_own_model(
    store_rows: tuple[StoreRows, Config],
) -> None:
    rows, config = store_rows
    own = fit_with_cause(rows.labelled, rows.caused, config)
    pooled, _ = fit_pooled({OWN: rows}, config, Path("pool"), AS_OF)
    assert [(each.store, each.weight) for each in pooled.pool] == [(OWN, 1.0)]
    assert replace(pooled, pool=()).to_text() == own.to_text()


def test_the_order_of_the_stores_does_not_change_a_byte(
    store_rows: tuple[StoreRows, Config],
) -> None:
    rows, config = store_rows
    half = StoreRows(rows.labelled.gather_every(3), rows.caused.gather_every(3))
    by_store = {"b": rows, "a": half}
    first, _ = fit_pooled(by_store, config, Path("pool"), AS_OF)
    second, _ = fit_pooled(dict(reversed(by_store.items())), config, Path("pool"), AS_OF)
    assert first.to_text() == second.to_text()
    assert from_text(*first.to_text()).pool == first.pool
    # the rows of the small store weigh more
    assert first.pool[0].weight > 1 > first.pool[1].weight


def test_the_model_names_no_store_and_holds_no_order(trained: Path, pool: Path) -> None:
    model = find_model(Workspace(trained)).model
    stores = {store_id(pool / name) for name in ("second", "secret-shop")}
    assert {each.store for each in model.pool} == stores
    assert all(each.rows > 0 and each.disputed_orders > 0 for each in model.pool)
    (version,) = registered_versions(Workspace(trained))
    assert (version.alias, version.tags["pooled_stores"]) == (CHAMPION, "2")
    (path,) = (trained / "mlartifacts").rglob("input_example.json")
    ((_, *example),) = json.loads(path.read_text())["data"]
    shown = dict(zip(model.feature_names, example, strict=True))
    means = {name: mean for name, (mean, _) in model.moments.items()}
    assert {name: shown[name] for name in means} == pytest.approx(means, rel=1e-5)
    for path in (trained / "mlartifacts").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"secret-shop" not in content
        assert b"o-0" not in content, path
    assert b"secret-shop" not in (trained / "mlflow.db").read_bytes()


def test_a_new_store_uses_the_pooled_model_on_its_first_night(
    trained: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained, tmp_path / "young", symlinks=True)
    workspace, config = Workspace(folder), load_config(folder)
    with workspace.locked():
        run = nightly(
            workspace, config, Progress(), as_of=FIRST_NIGHT, source=None, raw=None, is_forced=False
        )
    manifest = read_manifest(run)
    assert manifest["model"]["version"] == "1"
    assert len(manifest["pooled"]["stores"]) == 2
    disputes = workspace.read_tables()["disputes"].filter(pl.col("step") == "opened")
    known = disputes.filter(pl.col("known_day") < day_number(FIRST_NIGHT)).height
    assert manifest["pooled"]["own_disputes"] == known
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "trained on 2 stores together" in page
    assert pl.read_parquet(run / "scores.parquet")["probability"].is_between(0, 1).all()


def test_a_store_with_a_model_gets_a_challenger_with_its_own_rows(
    pool: Path, tmp_path: Path
) -> None:
    """The workspace itself may be one of the stores in the folder."""
    folder = shutil.copytree(pool, tmp_path / "pool", symlinks=True)
    before = {path: path.read_bytes() for path in (folder / "second").rglob("*.parquet")}
    train_into(folder / "secret-shop", folder)
    challenger = find_model(Workspace(folder / "secret-shop"), CHALLENGER)
    assert {each.store for each in challenger.model.pool} == {OWN, store_id(folder / "second")}
    assert {path: path.read_bytes() for path in (folder / "second").rglob("*.parquet")} == before


def link_stores(pool: Path, folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(pool / name)
    return folder


def test_stores_with_other_labels_are_refused(
    pool: Path, young_tables: Path, tmp_path: Path
) -> None:
    young = shutil.copytree(young_tables, tmp_path / "young", symlinks=True)
    (young / "config.toml").write_text(SMALL + "horizon_days = 14\n")
    with pytest.raises(Refused, match="horizon_days is 30, but 14 .* Set horizon_days = 14"):
        train_into(young, pool)


def test_a_copy_of_a_store_is_refused(pool: Path, young_tables: Path, tmp_path: Path) -> None:
    young = shutil.copytree(young_tables, tmp_path / "young", symlinks=True)
    copies = link_stores(pool, tmp_path / "copies", "second")
    shutil.copytree(pool / "second", copies / "twin", symlinks=True)
    with pytest.raises(Refused, match="second and twin were loaded from the same files"):
        train_into(young, copies)


def test_missing_stores_are_refused(pool: Path, young_tables: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    with pytest.raises(BadInput, match="there is no such folder"):
        train_into(young_tables, empty)
    empty.mkdir()
    with pytest.raises(BadInput, match="make ingest"):
        train_into(empty, pool)
    (empty / "young").symlink_to(young_tables)
    with pytest.raises(BadInput, match="has no loaded workspace besides young"):
        train_into(young_tables, empty)


def test_too_few_disputes_in_all_stores_are_refused(
    pool: Path, young_tables: Path, tmp_path: Path
) -> None:
    young = shutil.copytree(young_tables, tmp_path / "young", symlinks=True)
    few = link_stores(pool, tmp_path / "few", "second")
    with pytest.raises(TooFewDisputes, match=r"0 disputed orders of the 2 stores of .*/few"):
        train_into(young, few, date(2025, 1, 20))


def test_a_store_whose_data_end_early_is_used_up_to_their_end(
    pool: Path, capsys: pytest.CaptureFixture
) -> None:
    """Later nights would count as undisputed, because their disputes were never loaded."""
    store = Workspace(pool / "second")
    config = load_config(store.folder)
    end = newest_day(store.read_tables())
    rows = rows_of_store(store, config, date(2026, 3, 1), is_own=False)
    expected = rows_of_store(store, config, calendar_day(end), is_own=False)
    assert rows.labelled.equals(expected.labelled)
    assert rows.labelled["as_of_day"].max() == matured_by(end, config)
    assert "second: its newest fact is" in "".join(capsys.readouterr())
