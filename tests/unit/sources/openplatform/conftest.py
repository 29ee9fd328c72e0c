"""A small simulated store as it is on three nights, and a pull of it from a fake platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.tables import Tables
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.pull_report import PullReport
from pipeline.connections.store_folders import StoreFolders
from pipeline.settings.config import Config
from pipeline.simulation.exports.export_aliexpress import write_dumps
from pipeline.simulation.simulate import simulate
from pipeline.sources.openplatform.pull_store import pull_store
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources.openplatform.fake_platform import APP_SECRET, CODE
from tests.unit.sources.openplatform.fake_store import FakeStore, read_store
from tests.unit.sources.openplatform.loaded_tables import load_dumps, own_dumps
from tests.unit.sources.openplatform.night_clock import NightClock, store_settings

NIGHTS = (date(2025, 3, 25), date(2025, 4, 10), date(2025, 4, 24))


@dataclass(frozen=True)
class StoreNight:
    """The store at the end of a day: when, its canonical files, its dumps, and what the platform
    answers."""

    moment: datetime
    raw: Path
    dumps: Path
    store: FakeStore


@pytest.fixture(scope="session")
def store_nights(tmp_path_factory: pytest.TempPathFactory) -> list[StoreNight]:
    """The store at the end of each of `NIGHTS`."""
    folder = tmp_path_factory.mktemp("pulled-store")
    raw = simulate(
        Workspace(folder / "w"), Config(), Progress(), orders=220, first=date(2025, 1, 1), days=115
    )
    return [_night(raw, folder, night) for night in NIGHTS]


def _night(raw: Path, folder: Path, night: date) -> StoreNight:
    until = folder / f"raw-{night}"
    dumps = folder / f"dumps-{night}"
    until.mkdir()
    dumps.mkdir()
    for path in raw.glob("*.csv"):
        table = pl.read_csv(path, infer_schema=False)
        table.filter(pl.col("known_at").str.slice(0, 10) <= str(night)).write_csv(until / path.name)
    write_dumps(until, dumps)
    # as if the dumps had been taken at the end of this day, whenever the last fact was
    for path in dumps.glob("*.jsonl"):
        path.rename(path.with_name(f"{path.stem[:-15]}{night}T2359.jsonl"))
    moment = datetime.combine(night, datetime.min.time(), UTC) + timedelta(hours=23, minutes=59)
    return StoreNight(moment, until, dumps, read_store(dumps))


@pytest.fixture(scope="session")
def expected(store_nights: list[StoreNight], tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The tables of the store from its own dumps of all nights."""
    folder = tmp_path_factory.mktemp("expected")
    own = own_dumps([night.dumps for night in store_nights], folder / "own")
    return load_dumps(own, folder / "w")


@pytest.fixture(autouse=True)
def secrets_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AE_SECRET", APP_SECRET)
    monkeypatch.setenv("AE_CODE", CODE)
    # a proxy of this machine would be between the tests and their servers
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def pull(tmp_path: Path) -> Callable[..., PullReport]:
    """Pull the store from the platform at `url`, at a moment, into `tmp_path / "shop"`."""

    def run(
        url: str, moment: datetime, clock: PullClock | None = None, **changes: Any
    ) -> PullReport:
        folders = StoreFolders.of(tmp_path / "shop", "main")
        clock = clock or NightClock(moment)
        return pull_store("main", store_settings(url, **changes), folders, lambda text: None, clock)

    return run


@pytest.fixture
def dumps(tmp_path: Path) -> Path:
    """Where `pull` keeps the answers."""
    return tmp_path / "shop" / "pulled" / "aliexpress"
