"""A store that is pulled night by night has the tables of a store that is loaded from its own
dumps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.sources.openplatform.pull_store import PullReport
from tests.unit.sources.openplatform.conftest import StoreNight
from tests.unit.sources.openplatform.fake_platform import fake_platform
from tests.unit.sources.openplatform.loaded_tables import assert_same_tables, load_dumps, own_dumps


def test_three_nights_without_faults(
    store_nights: list[StoreNight], pull: Callable[..., PullReport], dumps: Path, tmp_path: Path
) -> None:
    with fake_platform(store_nights[0].store) as platform:
        for night in store_nights:
            platform.store, platform.seconds = night.store, night.moment.timestamp
            report = pull(platform.url, night.moment)
            assert not report.left
        assert not platform.refused
    shutil.copy(store_nights[-1].dumps / "products.csv", dumps)
    pulled = load_dumps(dumps, tmp_path / "pulled")
    own = own_dumps([night.dumps for night in store_nights], tmp_path / "own")
    assert_same_tables(pulled, load_dumps(own, tmp_path / "expected"))
