"""Scans from pulled answers equal those of the same answers in a folder, with faults and with
kills."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline.connections.pull_report import PullReport
from pipeline.sources.parcelservices.parcel_pull import pull_parcels
from pipeline.sources.source_context import SideFiles, SourceContext
from pipeline.sources.tracking.tracking_source import with_tracking
from tests.unit.sources.parcelservices.conftest import (
    NOW,
    SERVICES,
    StillClock,
    dump_texts,
    made_scans,
    parcels_of,
    settings_for,
)
from tests.unit.sources.parcelservices.fake_services import (
    FAULTS,
    KEY,
    FakeServices,
    aftership,
    fake_services,
    seventeen,
)
from tests.unit.sources.tracking_bodies import store

NUMBERS = [f"H-{number}" for number in range(10)]
# a fork of a process that has the modules already starts at once
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pipeline.sources.parcelservices.parcel_pull"])


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def loaded(folder: Path) -> pl.DataFrame:
    """The scans of a store with nightly dumps, with this TRACKING folder."""
    data = replace(store(), is_known_late=True)
    read = with_tracking(data, SourceContext(folder, side_files=SideFiles(tracking=folder)))
    assert read.files[-1].quarantine().is_empty()
    return read.frames["tracking"].sort("scan_id")


def saved(fake: FakeServices, service: str, folder: Path, moment: datetime) -> None:
    """Save the service's answer as a user would, with its time in the name."""
    folder.mkdir(exist_ok=True)
    items = [{"number": number} for number in NUMBERS]
    if service == "seventeentrack":
        answer = seventeen(fake, "gettrackinfo", items)
    else:
        answer = aftership(fake, "GET", {"tracking_numbers": [",".join(NUMBERS)]}, None)[1]
    (folder / f"answer-{moment:%Y-%m-%dT%H%M%S}.json").write_text(json.dumps(answer))


def test_pulled_answers_equal_saved_ones(
    service: str, pull: Callable[..., PullReport], tmp_path: Path
) -> None:
    """Each scan is known since the night that first showed it."""
    # each kind once, three in a row, and a good answer after them
    kinds = [kind for kind in FAULTS if kind not in ("empty_track", "repeated")]
    planned = [text for first in range(0, 10, 3) for text in (*kinds[first : first + 3], "")]
    planned.append("repeated")
    with fake_services(planned=planned) as fake:
        for night in range(3):
            fake.scans = made_scans(NUMBERS, count=night + 2)
            moment = NOW + timedelta(days=night)
            report = pull(service, fake, NUMBERS, StillClock(moment), attempts=20)
            assert report.left == {}
            saved(fake, service, tmp_path / "own", moment)
        assert set(kinds) <= set(fake.faults)
    pulled = loaded(tmp_path / "shop" / "pulled" / "tracking")
    assert_frame_equal(pulled, loaded(tmp_path / "own"))
    assert pulled.height == 10 * 4
    assert set(pulled["known_at"]) == {NOW + timedelta(days=night) for night in range(3)}
    assert pulled["occurred_at"].min() == datetime(2018, 1, 18, 4, 57, 26, tzinfo=UTC)


def _pull_once(service: str, url: str, shop: Path, numbers: list[str]) -> None:
    os.environ |= {"TRACK_KEY": KEY, "NO_PROXY": "127.0.0.1"}
    settings = settings_for(service, url)
    pull_parcels("main", settings, shop, parcels_of(numbers), lambda text: None, StillClock())


def test_kills_register_nothing_twice_and_lose_no_answer(
    service: str, pull: Callable[..., PullReport], tmp_path: Path
) -> None:
    count = 400 if service == "seventeentrack" else 60
    numbers = [f"LP{number:09}CN" for number in range(count)]
    with fake_services(scans=made_scans(numbers, 1)) as fake:
        for kill in range(3):
            process = FORKS.Process(
                target=_pull_once, args=(service, fake.url, tmp_path / "shop", numbers)
            )
            process.start()
            least = fake.requests.total() + 4 + 2 * kill
            while fake.requests.total() < least and process.is_alive():
                time.sleep(0.001)
            process.kill()
            process.join()
        report = pull(service, fake, numbers)
        assert (report.left, report.faults) == ({}, [])
        assert fake.used == count
    texts = dump_texts(tmp_path / "shop")
    assert all(json.loads(text) for text in texts)
    assert {number for number in numbers if number in "\n".join(texts)} == set(numbers)
    assert not list((tmp_path / "shop").rglob("*.part"))


def test_only_parcels_with_news_are_kept_again(
    service: str, pull: Callable[..., PullReport], tmp_path: Path
) -> None:
    folder = tmp_path / "shop" / "pulled" / "tracking"
    with fake_services() as fake:
        fake.scans = made_scans(NUMBERS, 2)
        pull(service, fake, NUMBERS, StillClock(NOW))
        first, scans = dump_texts(tmp_path / "shop"), loaded(folder)
        assert all(any(number in line for line in first) for number in NUMBERS)
        # nothing new: no line
        pull(service, fake, NUMBERS, StillClock(NOW + timedelta(days=1)))
        assert dump_texts(tmp_path / "shop") == first
        fake.scans[NUMBERS[3]] = made_scans(NUMBERS, 3)[NUMBERS[3]]
        pull(service, fake, NUMBERS, StillClock(NOW + timedelta(days=2)))
    (line,) = set(dump_texts(tmp_path / "shop")) - set(first)
    assert [number for number in NUMBERS if number in line] == [NUMBERS[3]]
    later = loaded(folder)
    assert later.height == scans.height + 1
    assert_frame_equal(later.join(scans, on="scan_id", how="semi"), scans)
