"""Pulls of parcels from the fake services, at one moment and without waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.connections.pull_clock import PullClock
from pipeline.connections.pull_report import PullReport
from pipeline.settings.delivery.tracking_settings import AfterShip, SeventeenTrack
from pipeline.sources.parcelservices.open_parcels import Parcel
from pipeline.sources.parcelservices.parcel_pull import pull_parcels
from tests.unit.sources.parcelservices.fake_services import KEY, FakeServices

SERVICES = ("seventeentrack", "aftership")
NOW = datetime(2018, 1, 25, 2, 0, tzinfo=UTC)
FAST = {"first_wait_seconds": 0.0, "requests_per_second": 1_000.0, "timeout_seconds": 5.0}
KINDS = {"seventeentrack": SeventeenTrack, "aftership": AfterShip}


class StillClock(PullClock):
    """Shows one moment all the time, and does not wait."""

    def __init__(self, moment: datetime = NOW) -> None:
        super().__init__()
        self.moment = moment
        self.waits: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture(autouse=True)
def key_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACK_KEY", KEY)
    # a proxy of this machine would be between the tests and their servers
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def settings_for(service: str, url: str, **changes: Any) -> SeventeenTrack | AfterShip:
    """The settings of an account at the fake service."""
    return KINDS[service](**{"url": url, "key": {"env": "TRACK_KEY"}, **FAST, **changes})


def made_scans(numbers: list[str], count: int = 3) -> dict[str, list[tuple[str, ...]]]:
    """Scans of each parcel, six hours apart, in China's time."""
    first = datetime(2018, 1, 18, 4, 57, 26, tzinfo=UTC)
    steps = (("InfoReceived", "InfoReceived"), ("InTransit", "InTransit_PickedUp"))
    later = ("InTransit", "InTransit_Departure")
    scans = {}
    for position, number in enumerate(numbers):
        times = [first + timedelta(hours=6 * step, minutes=position) for step in range(count)]
        scans[number] = [
            (
                (at + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00"),
                at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                *(steps[step] if step < 2 else later),
                f"step {step}",
            )
            for step, at in enumerate(times)
        ]
    return scans


def parcels_of(numbers: list[str], carrier: str = "") -> list[Parcel]:
    return [Parcel(number, carrier) for number in numbers]


@pytest.fixture
def pull(tmp_path: Path) -> Callable[..., PullReport]:
    """Pull parcels of a service into the workspace `tmp_path / "shop"`."""

    def run(
        service: str,
        fake: FakeServices,
        numbers: list[str] | list[Parcel],
        clock: PullClock | None = None,
        **changes: Any,
    ) -> PullReport:
        parcels = [each if isinstance(each, Parcel) else Parcel(each) for each in numbers]
        settings = settings_for(service, fake.url, **changes)
        shop = tmp_path / "shop"
        return pull_parcels(
            "main", settings, shop, parcels, lambda text: None, clock or StillClock()
        )

    return run


def dump_texts(shop: Path) -> list[str]:
    """The lines of all dumps of a workspace."""
    paths = sorted((shop / "pulled" / "tracking").rglob("*.jsonl"))
    return [line for path in paths for line in path.read_text().splitlines()]
