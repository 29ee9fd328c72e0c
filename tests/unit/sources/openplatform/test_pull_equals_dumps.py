"""A store that is pulled night by night has the tables of a store that is loaded from its own
dumps: without faults, with faults of every kind, and with kills."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from polars.testing import assert_frame_equal

from features.build.registry import build_features
from features.clock import day_number
from features.spine import build_spine
from features.tables import Tables
from pipeline.connections.pull_report import PullReport
from pipeline.connections.store_folders import StoreFolders
from pipeline.settings.config import Config
from pipeline.settings.source_settings import SourceSettings
from tests.unit.nights import ROOT
from tests.unit.sources.openplatform.conftest import NIGHTS, StoreNight
from tests.unit.sources.openplatform.fake_platform import FAULTS, FakePlatform, fake_platform
from tests.unit.sources.openplatform.loaded_tables import (
    assert_same_tables,
    load_dumps,
    with_own_messages,
)

PULLER = Path(__file__).parent / "killed_puller.py"
# runs of one night until nothing is left: a failed job is tried once in each
MOST_RUNS = 12
KILLS = 3


def begin(platform: FakePlatform, night: StoreNight) -> None:
    platform.store, platform.seconds = night.store, night.moment.timestamp
    platform.requests.clear()


def test_three_nights_without_faults(
    store_nights: list[StoreNight],
    pull: Callable[..., PullReport],
    dumps: Path,
    tmp_path: Path,
    expected: Tables,
) -> None:
    with fake_platform(store_nights[0].store) as platform:
        for night in store_nights:
            begin(platform, night)
            report = pull(platform.url, night.moment)
            assert not report.left
        assert not platform.refused
        # a later night asks only for what is new and for the parcels on their way
        assert platform.requests["aliexpress.solution.order.info.get"] < len(night.store.orders) / 2
    shutil.copy(store_nights[-1].dumps / "products.csv", dumps)
    assert_same_tables(load_dumps(dumps, tmp_path / "w"), expected)


def test_faults_of_every_kind_change_nothing(
    store_nights: list[StoreNight],
    pull: Callable[..., PullReport],
    dumps: Path,
    tmp_path: Path,
    expected: Tables,
) -> None:
    with fake_platform(store_nights[0].store, share=0.05) as platform:
        # each kind at least once, whatever is drawn; those of rows need pages with rows
        platform.planned = [text for fault in FAULTS for text in ("", fault)]
        for night in store_nights:
            begin(platform, night)
            assert any(not pull(platform.url, night.moment).left for _ in range(MOST_RUNS))
        assert set(platform.faults) == set(FAULTS)
        assert platform.faults.total() > 40
    shutil.copy(store_nights[-1].dumps / "products.csv", dumps)
    assert_same_tables(load_dumps(dumps, tmp_path / "w"), expected)


def test_kills_change_nothing(
    store_nights: list[StoreNight],
    pull: Callable[..., PullReport],
    dumps: Path,
    tmp_path: Path,
    expected: Tables,
) -> None:
    """Killed after a number of requests that differs each time, also in the middle of a write."""
    with fake_platform(store_nights[0].store, share=0.02) as platform:
        for night in store_nights:
            begin(platform, night)
            for kill in range(KILLS):
                before = platform.requests.total()
                process = start_pull(tmp_path, platform.url, night)
                more = 5 + 40 * kill
                while process.poll() is None and platform.requests.total() < before + more:
                    time.sleep(0.005)
                process.send_signal(signal.SIGKILL)
                process.wait()
            assert any(not pull(platform.url, night.moment).left for _ in range(MOST_RUNS))
    assert not list(dumps.rglob("*.part"))
    shutil.copy(store_nights[-1].dumps / "products.csv", dumps)
    assert_same_tables(load_dumps(dumps, tmp_path / "w"), expected)


def start_pull(folder: Path, url: str, night: StoreNight) -> subprocess.Popen[bytes]:
    """Pull in a process of its own."""
    folders = StoreFolders.of(folder / "shop", "main")
    command = [sys.executable, PULLER, url, night.moment.isoformat(), folders.state, folders.dumps]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(list(map(str, command)), env=environment)


def test_pulled_messages_give_the_features_of_canonical_messages(
    store_nights: list[StoreNight], pull: Callable[..., PullReport], dumps: Path, tmp_path: Path
) -> None:
    """The messages of the store's own files, with the platform's numbers of orders, give the same
    features as those that were pulled."""
    night = store_nights[-1]
    with fake_platform(night.store) as platform:
        begin(platform, night)
        assert not pull(platform.url, night.moment).left
    config = Config(sources=SourceSettings(history="as_it_happened"))
    pulled = load_dumps(dumps, tmp_path / "w", config)
    canonical = with_own_messages(pulled, night.raw, [night.moment])
    assert canonical["messages"].height > 50
    days = [day_number(NIGHTS[-1]) - 7 * weeks for weeks in range(10)]
    features = [build_features(t, build_spine(t, days)) for t in (pulled, canonical)]
    assert_frame_equal(*features, check_exact=True)
    names = [name for name in features[0].columns if name.startswith("conversation_count_")]
    assert all(features[0][name].sum() > 0 for name in names if "contacts" not in name)
