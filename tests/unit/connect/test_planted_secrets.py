"""Secrets of every kind are planted; nothing that the steps write or print has one of them."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from tests.unit.connect.test_nightly_pulls import night_of
from tests.unit.deliver.conftest import chat_target, mail_target, webhook_target
from tests.unit.deliver.receivers import mail_server
from tests.unit.deliver.web_receiver import web_receiver
from tests.unit.sources.openplatform.fake_platform import (
    APP_KEY,
    APP_SECRET,
    CODE,
    FakePlatform,
    fake_platform,
)
from tests.unit.sources.openplatform.made_store import days_ago, loadable_store

PASSWORD, HOOK_KEY, CHAT_PATH = "sm7p-pa55/w0rd+", "wh00k-key-4242", "ch4t-address-77"
CONFIG = """actions = {least_worth_usd = 0.0}
page = {charts = false, indicator_weeks = 0}
[deliver]
first_wait_seconds = 0.01
longest_wait_seconds = 0.02
attempts = 2
"""
# where a secret belongs: files of mode 0600 in a folder of mode 0700
KEPT = {"app_secret", "code", "token.json"}


def test_no_secret_is_in_anything_that_is_written_or_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform and the receivers repeat secrets in answers and errors, and fail."""
    kinds = ("token", "signature", "html", "service_error", "status_500")
    shop = loadable_store(6, days_ago(12))
    with (
        fake_platform(shop, kinds=kinds, is_echoing=True) as platform,
        web_receiver() as web,
        mail_server() as mail,
    ):
        monkeypatch.setenv("DELIVER_PASSWORD", PASSWORD)
        monkeypatch.setenv("DELIVER_USER", HOOK_KEY)
        monkeypatch.setenv("CHAT_URL", f"{web.url}/services/{CHAT_PATH}")
        mail.planned, web.status = ["never"], 403
        login = 'user = "robot"\npassword = { env = "DELIVER_PASSWORD" }'
        hook = webhook_target(web.url).replace("DELIVER_PASSWORD", "DELIVER_USER")
        targets = mail_target(mail.port, login) + chat_target("slack") + hook
        (tmp_path / "config.toml").write_text(CONFIG + targets)
        printed = "".join(_printed(tmp_path, platform))
        assert platform.faults.total() > 3
        secrets = [APP_SECRET, CODE, PASSWORD, HOOK_KEY, CHAT_PATH]
        for number in range(platform.tokens + 1):
            secrets += [f"access-token-{number}-of-", f"refresh-token-{number}-of-"]
    for word in ("may call", "the list is published", "not delivered", "Authorise the app again"):
        assert word in printed, word
    assert "Traceback" not in printed
    forms = [form for secret in secrets for form in _forms(secret)]
    assert not [form for form in forms if form in printed]
    assert _holding(tmp_path, forms) == KEPT
    assert len(list(tmp_path.rglob("*"))) > 30


def _printed(folder: Path, platform: FakePlatform) -> Iterator[str]:
    """What the steps print, from the first connection to a night whose token is lost."""
    settings = (f"url={platform.url}", "first_wait_seconds=0", "requests_per_second=1000")
    answers = [part for setting in settings for part in ("--answer", setting)]
    typed = ["aliexpress", APP_KEY, "file", APP_SECRET, "https://shop.example", CODE, "y"]
    night = ("--as-of", night_of())
    token = folder / "pull" / "aliexpress" / "main" / "token.json"
    for step in (
        ("connect", *answers),
        ("pull",),
        ("config check",),
        ("config show",),
        ("nightly", *night),
    ):
        platform.share = 0.0 if step[0] == "connect" else 0.2
        if step[0] == "nightly":
            # as if the platform had forgotten it
            token.write_text(token.read_text().replace(f"-{platform.tokens}-", "-0-"))
        arguments = [*step[0].split(), *step[1:], "--workspace", str(folder)]
        done = CliRunner().invoke(app, arguments, input="\n".join(typed) + "\n")
        yield f"{done.output}{done.exception or ''}".replace("\n", " ")
    raw = str(folder / "pulled" / "aliexpress")
    done = CliRunner().invoke(app, ["doctor", "--source", "aliexpress", "--raw", raw])
    yield f"{done.output}{done.exception or ''}"


def _forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}


def _holding(folder: Path, forms: list[str]) -> set[str]:
    """The names of the files that have one of the texts, also within a workbook."""
    holding = set()
    for path in folder.rglob("*"):
        if path.is_file():
            parts = [path.read_bytes()]
            if path.suffix == ".xlsx":
                with zipfile.ZipFile(path) as book:
                    parts += [book.read(name) for name in book.namelist()]
            if any(form.encode() in part for form in forms for part in parts):
                holding.add(path.name)
    return holding
