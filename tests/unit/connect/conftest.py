"""The app of a seller on a fake platform, for the steps `connect` and `nightly`."""

from __future__ import annotations

import pytest

from tests.unit.sources.openplatform.fake_platform import APP_SECRET, CODE


@pytest.fixture(autouse=True)
def app_of_the_seller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AE_SECRET", APP_SECRET)
    monkeypatch.setenv("AE_CODE", CODE)
    # a proxy of this machine would be between the tests and their servers
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
