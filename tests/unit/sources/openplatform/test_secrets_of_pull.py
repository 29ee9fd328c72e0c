"""No secret reaches a log, a message, a dump, or a file that others can read."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.connections.pull_report import PullReport
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from tests.unit.sources.openplatform.fake_platform import (
    APP_SECRET,
    CODE,
    FakePlatform,
    fake_platform,
)
from tests.unit.sources.openplatform.made_store import NOW, made_store, yesterday
from tests.unit.sources.openplatform.pull_sections import pull_section


def secrets_of(platform: FakePlatform) -> Iterator[str]:
    yield from (APP_SECRET, CODE)
    for number in range(platform.tokens + 1):
        yield f"access-token-{number}-of-the-store"
        yield f"refresh-token-{number}-of-the-store"


def files_with(folder: Path, secrets: list[str]) -> set[str]:
    return {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets)
    }


def test_make_pull_leaves_no_secret(
    tmp_path: Path, run_step: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Also not if the platform repeats the token in answers and errors, and while it fails."""
    shop = tmp_path / "shop"
    shop.mkdir()
    kinds = ("token", "signature", "html", "permission_of_one", "service_error", "status_500")
    shop_orders = made_store(6, yesterday())
    with fake_platform(shop_orders, share=0.3, kinds=kinds, is_echoing=True) as platform:
        (shop / "config.toml").write_text(pull_section(platform.url))
        runs = [run_step("pull", "--workspace", shop) for _ in range(2)]
        assert platform.faults.total() > 5
        secrets = list(secrets_of(platform))
    output = "".join(run.stdout + run.stderr for run in runs)
    assert "answers kept" in output
    assert "Traceback" not in output
    assert not [secret for secret in secrets if secret in output]
    assert files_with(shop, secrets) == {"token.json"}
    (dump, *_) = (shop / "pulled").rglob("*.jsonl")
    assert "[secret]" in dump.read_text()
    state = shop / "pull" / "aliexpress" / "main"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / "token.json").stat().st_mode) == 0o600


def test_a_token_that_the_platform_repeats_is_hidden_in_the_dump(
    pull: Callable[..., PullReport], dumps: Path
) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp, is_echoing=True) as platform:
        pull(platform.url, NOW)
        content = "".join(path.read_text() for path in dumps.rglob("*.jsonl"))
        assert content.count("[secret] [secret]") >= platform.requests.total()
        assert not [secret for secret in secrets_of(platform) if secret in content]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ('app_secret = "s3cr3t-0f-the-app-4711"', "app_secret"),
        ('url = "http://api-sg.aliexpress.com"', "https"),
        ('url = "https://user:s3cr3t-0f-the-app-4711@host"', "must not contain a user"),
        ('access_token = "s3cr3t-0f-the-app-4711"', "access_token"),
        ('api = "router"', "access_token"),
    ],
)
def test_a_secret_in_the_config_is_refused_and_not_shown(
    tmp_path: Path, change: str, match: str
) -> None:
    lines = pull_section("https://api-sg.aliexpress.com").splitlines()
    kept = [line for line in lines if not line.startswith(change.split(" ")[0] + " ")]
    (tmp_path / "config.toml").write_text("\n".join([*kept, change]))
    with pytest.raises(BadInput, match=match) as error:
        load_config(tmp_path)
    assert "s3cr3t" not in str(error.value)
