"""The access token: from a code, renewed before it ends and when the platform refuses it, and kept
so that no one else can read it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.connections.pull_report import PullReport
from pipeline.settings.errors import PullFailed
from tests.unit.sources.openplatform.fake_platform import fake_platform
from tests.unit.sources.openplatform.made_store import NOW, made_store

Pull = Callable[..., PullReport]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return tmp_path / "shop" / "pull" / "aliexpress" / "main" / "token.json"


def test_a_code_becomes_a_token_once(pull: Pull, token_file: Path) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        pull(platform.url, NOW)
        assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
        assert json.loads(token_file.read_text())["access"] == platform.access
        # the platform accepts a code once: the second run uses the stored token
        assert not pull(platform.url, NOW).left
        assert platform.tokens == 1
        assert not platform.refused


def test_a_token_is_renewed_before_it_ends(pull: Pull, token_file: Path) -> None:
    with fake_platform(made_store(), life_seconds=10 * 86_400) as platform:
        for days, tokens in ((0, 1), (6, 1), (9, 2), (10, 2), (18, 3)):
            now = NOW + timedelta(days=days)
            platform.seconds = now.timestamp
            assert not pull(platform.url, now).left
            assert platform.tokens == tokens, days
        assert json.loads(token_file.read_text())["refresh"] == platform.refresh


def test_a_token_that_ends_in_the_middle_is_replaced(pull: Pull) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        platform.planned = ["", "", "", "token", "", "", "", "token"]
        assert not pull(platform.url, NOW).left
        assert platform.faults["token"] == 2
        assert platform.tokens == 3


def test_without_a_valid_token_the_message_says_what_to_do(pull: Pull, token_file: Path) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        pull(platform.url, NOW)
        content = json.loads(token_file.read_text())
        token_file.write_text(json.dumps(content | {"access": "old-one", "refresh": "old-two"}))
        with pytest.raises(
            PullFailed, match=r"Authorise the app again: open http\S+client_id="
        ) as e:
            pull(platform.url, NOW)
        assert "old-two" not in str(e.value)
        token_file.chmod(0o644)
        with pytest.raises(PullFailed, match="chmod 600"):
            pull(platform.url, NOW)
        token_file.chmod(0o600)
        token_file.write_text("{")
        with pytest.raises(PullFailed, match="damaged"):
            pull(platform.url, NOW)


def test_a_wrong_code_is_a_clear_failure(pull: Pull, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AE_CODE", "used-already")
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        with pytest.raises(PullFailed, match="InvalidCode"):
            pull(platform.url, NOW)


def test_a_refresh_token_is_enough_to_begin(pull: Pull, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        platform.grant()
        monkeypatch.setenv("AE_REFRESH", platform.refresh)
        assert not pull(platform.url, NOW, code=None, refresh_token={"env": "AE_REFRESH"}).left
        assert platform.tokens == 2


@pytest.mark.parametrize("sign_method", ["md5", "hmac"])
def test_the_older_router(pull: Pull, monkeypatch: pytest.MonkeyPatch, sign_method: str) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        platform.grant()
        monkeypatch.setenv("AE_ACCESS", platform.access)
        report = pull(
            f"{platform.url}/router/rest",
            NOW,
            api="router",
            sign_method=sign_method,
            code=None,
            access_token={"env": "AE_ACCESS"},
        )
        assert not report.left
        assert not platform.refused
        _, form = platform.queries[-1]
        assert form["v"] == "2.0"
        # the time in China; each request has a later one
        assert form["timestamp"].startswith("2025-06-10 20:00:0")
