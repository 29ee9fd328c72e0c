"""A run that is killed while it renews the token: the platform sends each token only once."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.connections.pull_report import PullReport
from pipeline.settings.errors import PullFailed
from pipeline.sources.openplatform.token_file import TokenFile, TokenFileFault
from tests.unit.our_packages import ROOT
from tests.unit.sources.openplatform import fake_platform as fake
from tests.unit.sources.openplatform.fake_platform import fake_platform
from tests.unit.sources.openplatform.made_store import NOW, made_store

LIFE = 10 * 86_400
# the line, the disk, the length, the name, the folder
CHANGES_OF_KEEPING = 5


def test_only_a_kill_before_the_first_write_loses_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "VALID_SECONDS", 1e12)
    points = [str(number) for number in range(1, CHANGES_OF_KEEPING + 1)] + ["SIGTERM", "0"]
    with fake_platform(made_store(), life_seconds=LIFE) as platform:
        command = [sys.executable, "-m", "tests.unit.sources.openplatform.killed_refresh"]
        run = subprocess.run(
            [*command, platform.url, str(tmp_path), *points],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert not run.stderr
        *kept, lost = json.loads(run.stdout)
        granted = platform.tokens
    assert granted == len(points) + 1
    assert kept == [
        [-(signal.SIGTERM if point == "SIGTERM" else signal.SIGKILL), access]
        for number, point in enumerate(points[:-1], 2)
        for access in [f"access-token-{number}-of-the-store"]
    ]
    ended, problem = lost
    assert ended == -signal.SIGKILL
    assert "An earlier run was stopped" in problem
    assert "Authorise the app again" in problem


def test_a_full_disk_is_reported_before_the_platform_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    with (
        pytest.raises(TokenFileFault, match="No space left on device"),
        TokenFile(tmp_path / "token.json").prepared(),
    ):
        raise AssertionError("the platform would be asked")


def test_a_late_answer_does_not_replace_a_newer_authorisation(tmp_path: Path) -> None:
    for name, made in (("token.json", 20.0), ("token.next", 10.0)):
        (tmp_path / name).write_text(json.dumps({"access": name, "made": made}) + "\n")
        (tmp_path / name).chmod(0o600)
    stored = TokenFile(tmp_path / "token.json").read()
    assert stored
    assert stored.access == "token.json"


def test_a_prepared_file_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "token.next").write_text("")
    (tmp_path / "token.next").chmod(0o644)
    with TokenFile(tmp_path / "token.json").prepared():
        assert stat.S_IMODE((tmp_path / "token.next").stat().st_mode) == 0o600


def test_a_token_that_cannot_be_renewed_serves_until_it_ends(
    pull: Callable[..., PullReport], tmp_path: Path
) -> None:
    """Everything is pulled, and the exit code says that someone must act."""
    with fake_platform(made_store(), seconds=NOW.timestamp, life_seconds=LIFE) as platform:
        pull(platform.url, NOW)
        file = tmp_path / "shop" / "pull" / "aliexpress" / "main" / "token.json"
        content = json.loads(file.read_text())
        file.write_text(json.dumps(content | {"refresh": "lost-refresh-token"}))
        later = NOW + timedelta(days=9)
        platform.seconds = later.timestamp
        before = platform.requests.total()
        with pytest.raises(PullFailed, match=r"what is new was pulled, but .*InvalidCode"):
            pull(platform.url, later)
        assert platform.requests.total() > before
        assert platform.tokens == 1
        # at its end, the store cannot be pulled any more
        ended = NOW + timedelta(days=11)
        platform.seconds = ended.timestamp
        with pytest.raises(PullFailed, match="main: pull.aliexpress.main: no access token"):
            pull(platform.url, ended)
