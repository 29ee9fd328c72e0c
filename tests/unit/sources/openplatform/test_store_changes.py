"""The store's nights as changes only: together they are the store, and late ones come later."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from features.tables import Tables
from tests.unit.sources.openplatform.conftest import NIGHTS, StoreNight
from tests.unit.sources.openplatform.fake_store import FakeStore, Row, read_store
from tests.unit.sources.openplatform.loaded_tables import assert_same_tables, load_dumps
from tests.unit.sources.openplatform.store_changes import StoreChanges


def test_changes_of_all_nights_are_the_store_and_load_alike(
    store_nights: list[StoreNight], expected: Tables, tmp_path: Path
) -> None:
    store, own = FakeStore(), tmp_path / "own"
    own.mkdir()
    for former, night in zip(
        store_nights, StoreChanges(store_nights[-1].raw, tmp_path).nights(NIGHTS), strict=True
    ):
        assert night.moment == former.moment
        store.merge(read_store(night.dumps))
        for name in ("orders", "issues", "relations"):
            assert _by_id(getattr(store, name)) == _by_id(getattr(former.store, name))
        for name in ("details", "tracking", "issue_details", "messages"):
            assert getattr(store, name) == getattr(former.store, name)
        for path in night.dumps.glob("*.jsonl"):
            path.rename(own / path.name)
    shutil.copy(store_nights[-1].dumps / "products.csv", own)
    assert_same_tables(load_dumps(own, tmp_path / "w"), expected)


def test_late_changes_come_a_night_later(store_nights: list[StoreNight], tmp_path: Path) -> None:
    raw, late = store_nights[-1].raw, FakeStore()
    days = [NIGHTS[0], *(NIGHTS[0].replace(day=day) for day in (26, 27, 28))]
    on_time = list(StoreChanges(raw, tmp_path / "on-time").nights(days))
    nights = list(StoreChanges(raw, tmp_path / "late", late_share=0.5).nights(days))
    assert sum(night.count_late for night in nights[:-1]) > 0
    assert [night.count_late for night in on_time] == [0] * len(days)
    for night in nights:
        late.merge(read_store(night.dumps))
    shown = FakeStore()
    for night in on_time[:-1]:
        shown.merge(read_store(night.dumps))
    known = _by_id(late.orders)
    # a night later, whatever was late is there
    assert all(
        known[key]["gmt_update"] >= row["gmt_update"] for key, row in _by_id(shown.orders).items()
    )


def _by_id(rows: list[Row]) -> dict[Any, Row]:
    names = ("channel_id", "issue_id", "order_id")
    return {next(row[name] for name in names if name in row): row for row in rows}
