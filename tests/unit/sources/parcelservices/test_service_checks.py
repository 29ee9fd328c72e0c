"""A check of credentials says which methods may be called, and uses no quota."""

from __future__ import annotations

import pytest

from pipeline.sources.parcelservices.service_checks import check_connection
from tests.unit.sources.parcelservices.conftest import SERVICES, StillClock, settings_for
from tests.unit.sources.parcelservices.fake_services import KEY, fake_services

METHODS = {
    "seventeentrack": ["getquota", "register", "gettrackinfo"],
    "aftership": ["POST /trackings", "GET /trackings"],
}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_account_that_may_call_everything(service: str) -> None:
    with fake_services(quota=7) as fake:
        checks = check_connection(settings_for(service, fake.url), "main", StillClock())
        assert fake.used == 0
        assert fake.requests.total() == len(METHODS[service])
    assert [check.method for check in checks] == METHODS[service]
    assert all(check.may_call and check.cost for check in checks)
    if service == "seventeentrack":
        assert checks[0].detail == "7 parcels can be registered now"


def test_a_method_that_is_not_allowed(service: str) -> None:
    forbidden = "register" if service == "seventeentrack" else "POST trackings"
    with fake_services(forbidden={forbidden}) as fake:
        checks = check_connection(settings_for(service, fake.url), "main", StillClock())
    (missing,) = [check for check in checks if not check.may_call]
    assert missing.method in ("register", "POST /trackings")
    assert "new parcels are not followed" in missing.cost
    assert "401" in missing.detail or "-18010002" in missing.detail
    assert KEY not in missing.detail


def test_a_missing_secret_and_a_service_that_is_away(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_services(share=1.0, kinds=("reset",)) as fake:
        settings = settings_for(service, fake.url, attempts=1)
        checks = check_connection(settings, "main", StillClock())
        assert {check.may_call for check in checks} == {False}
        assert "closed" in checks[0].detail
        fake.requests.clear()
        monkeypatch.delenv("TRACK_KEY")
        checks = check_connection(settings, "main", StillClock())
        assert f"pull.{service}.main.key" in checks[0].detail
        assert not fake.requests
