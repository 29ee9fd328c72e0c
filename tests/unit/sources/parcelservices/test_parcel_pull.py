"""Parcels are registered once and within the quota, asked about every night, and what a service
refuses is reported once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.connections.pull_report import PullReport
from pipeline.settings.errors import PullFailed
from pipeline.sources.parcelservices.open_parcels import Parcel
from tests.unit.sources.parcelservices.conftest import (
    NOW,
    SERVICES,
    StillClock,
    dump_texts,
    made_scans,
)
from tests.unit.sources.parcelservices.fake_services import NO_CARRIER, fake_services

Pull = Callable[..., PullReport]
NUMBERS = [f"LP{number:011}CN" for number in range(45)]


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_parcel_is_registered_once_and_asked_about_every_night(
    service: str, pull: Pull, tmp_path: Path
) -> None:
    with fake_services(scans=made_scans(NUMBERS)) as fake:
        for night in range(2):
            report = pull(service, fake, NUMBERS, StillClock(NOW + timedelta(days=night)))
            assert (report.stop, report.faults, report.left) == ("", [], {})
        assert set(fake.tried.values()) == {1}
        assert set(fake.asked.values()) == {2}
        assert fake.used == 45
        assert fake.largest <= (40 if service == "seventeentrack" else 50)
    assert set(tmp_path.rglob("*.jsonl")) == set((tmp_path / "shop" / "pulled").rglob("*.jsonl"))


def test_batches_are_as_large_as_allowed(pull: Pull) -> None:
    with fake_services(scans=made_scans(NUMBERS)) as fake:
        pull("seventeentrack", fake, NUMBERS)
        assert fake.requests == {"getquota": 1, "register": 2, "gettrackinfo": 2}


def test_requests_keep_the_pace(pull: Pull) -> None:
    """Three requests a second: each but the first waits nearly a third of a second."""
    clock = StillClock()
    with fake_services(scans=made_scans(NUMBERS)) as fake:
        pull("seventeentrack", fake, NUMBERS, clock, requests_per_second=3.0)
    waits = [wait for wait in clock.waits if wait > 0.2]
    assert len(waits) == 4
    assert max(waits) <= 1 / 3


def test_a_refused_number_is_reported_once_and_not_asked_again(service: str, pull: Pull) -> None:
    bad = NUMBERS[:3]
    with fake_services(
        scans=made_scans(NUMBERS[3:9]), refuses=dict.fromkeys(bad, NO_CARRIER)
    ) as fake:
        parcels = [Parcel(number, "Yanwen") for number in NUMBERS[:9]]
        (fault,) = pull(service, fake, parcels).faults
        assert fault.startswith(f"3 parcels of Yanwen refused for good (such as {bad[0]})")
        assert pull(service, fake, parcels).faults == []
        assert {fake.tried[number] for number in bad} == {1}
        # with a code for the carrier, they are tried again
        code = 190012 if service == "seventeentrack" else "yanwen"
        report = pull(service, fake, parcels, carriers={"Yanwen": code})
        assert (report.faults, report.left) == ([], {})
        assert {fake.registered[number] for number in bad} == {str(code)}
        assert fake.used == 9


def test_the_quota_is_respected_and_the_next_run_continues(service: str, pull: Pull) -> None:
    with fake_services(scans=made_scans(NUMBERS), quota=20) as fake:
        report = pull(service, fake, NUMBERS)
        assert "no" in report.stop
        assert report.left["parcels to register"][0] == 25
        # the most important ones come first
        assert set(fake.registered) == set(NUMBERS[:20])
        assert set(fake.asked) == set(NUMBERS[:20])
        fake.quota = 500
        assert pull(service, fake, NUMBERS).left == {}
        assert fake.used == 45


@pytest.mark.parametrize(("quota", "daily", "keep", "used"), [(30, 0, 10, 20), (500, 35, 0, 35)])
def test_17track_is_not_asked_for_more_than_its_quota(
    pull: Pull, quota: int, daily: int, keep: int, used: int
) -> None:
    with fake_services(scans=made_scans(NUMBERS), quota=quota, daily=daily) as fake:
        report = pull("seventeentrack", fake, NUMBERS, keep_quota=keep)
        assert fake.used == used
        assert report.stop == f"no quota for {45 - used} more parcels"


def test_a_delivered_parcel_is_not_asked_about_again(service: str, pull: Pull) -> None:
    scans = made_scans(NUMBERS[:2])
    delivered = ("Delivered", "Delivered_Other", "Signed")
    scans[NUMBERS[0]].append(("2018-01-24T08:00:00+08:00", "2018-01-24T00:00:00Z", *delivered))
    with fake_services(scans=scans) as fake:
        for night in range(3):
            clock = StillClock(NOW + timedelta(days=night))
            # its order may stay open for a while
            pull(service, fake, NUMBERS[:2], clock)
        assert [fake.asked[number] for number in NUMBERS[:2]] == [1, 3]


def test_a_parcel_that_never_arrives_is_given_up(service: str, pull: Pull) -> None:
    with fake_services(scans=made_scans(NUMBERS[:1])) as fake:
        for night in (0, 120, 121):
            pull(service, fake, [], StillClock(NOW + timedelta(days=night)))
            pull(service, fake, NUMBERS[:1], StillClock(NOW + timedelta(days=night)))
        assert fake.asked[NUMBERS[0]] == 3


def test_parcels_of_closed_orders_are_not_registered(service: str, pull: Pull) -> None:
    with fake_services(scans=made_scans(NUMBERS), quota=0) as fake:
        pull(service, fake, NUMBERS[:5])
        fake.quota = 100
        pull(service, fake, NUMBERS[4:8])
        assert set(fake.registered) == set(NUMBERS[4:8])


def test_a_parcel_that_17track_forgets_costs_quota_only_once_more(pull: Pull) -> None:
    with fake_services(scans=made_scans(NUMBERS[:1])) as fake:
        faults = []
        for night in range(6):
            faults += pull("seventeentrack", fake, NUMBERS[:1]).faults
            fake.registered.clear()
            assert fake.used <= 2, night
        (fault,) = faults
        assert "does not keep its registration" in fault


def test_faults_of_every_kind_lose_no_answer(service: str, pull: Pull, tmp_path: Path) -> None:
    scans = made_scans(NUMBERS)
    with fake_services(scans=scans, share=0.4) as fake:
        for night in range(4):
            report = pull(service, fake, NUMBERS, StillClock(NOW + timedelta(hours=night)))
        assert fake.faults.total() - fake.faults["none"] >= 5
        assert report.left == {}
        assert fake.used == 45
        # a number that was registered by an answer that got lost costs nothing the second time
        assert set(fake.registered) == set(NUMBERS)
    text = "\n".join(dump_texts(tmp_path / "shop"))
    assert all(number in text for number in NUMBERS)


def test_a_service_that_is_away_fails_the_run(service: str, pull: Pull) -> None:
    with fake_services(scans=made_scans(NUMBERS), share=0.0) as fake:
        pull(service, fake, NUMBERS)
        fake.share, fake.kinds = 1.0, ("status_500",)
        with pytest.raises(PullFailed, match=f"{service} main: no call was answered"):
            pull(service, fake, NUMBERS, attempts=1)
        fake.share = 0.0
        assert pull(service, fake, NUMBERS).left == {}


def test_a_service_that_goes_away_is_not_asked_for_hours(pull: Pull) -> None:
    many = [f"RX{number:09}CN" for number in range(250)]
    with fake_services(scans=made_scans(many)) as fake:
        pull("seventeentrack", fake, many)
        fake.share, fake.kinds = 1.0, ("reset",)
        fake.requests.clear()
        with pytest.raises(PullFailed, match="5 calls in a row failed"):
            pull("seventeentrack", fake, many, attempts=1)
        assert fake.requests.total() == 5


def test_a_wrong_key_fails_and_is_not_shown(
    service: str, pull: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACK_KEY", "wr0ng-key-of-nobody")
    with fake_services() as fake:
        pull(service, fake, [])
        assert not fake.requests
        report = pull(service, fake, NUMBERS)
    assert "Invalid" in report.missing["new parcels"]
    assert "wr0ng" not in str(report)


def test_a_throttled_service_ends_the_run_without_failure(service: str, pull: Pull) -> None:
    with fake_services(share=1.0, kinds=("status_429",)) as fake:
        report = pull(service, fake, NUMBERS, attempts=2)
    assert "answered 429; the next run continues" in report.stop
