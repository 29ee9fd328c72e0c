"""make connect: questions, a test of the credentials, and a section of config.toml."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pexpect
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from typer.testing import CliRunner, Result

from pipeline.cli.app import app
from pipeline.connect.platform_table import PLATFORMS
from pipeline.load.pulling.pull_lines import pull_lines
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, PullFailed
from tests.unit.connections.memory_keyring import memory_keyring
from tests.unit.our_packages import ROOT
from tests.unit.sources.openplatform.fake_platform import (
    APP_KEY,
    APP_SECRET,
    CODE,
    FakePlatform,
    fake_platform,
)
from tests.unit.sources.openplatform.made_store import made_store, yesterday

TRACKING = "aliexpress.ds.order.tracking.get"
ORDERS = "aliexpress.solution.order.get"
MESSAGES = "aliexpress.message.redefining.versiontwo.querymsgrelationlist"
CONFIG = """# our shop, since 2019
policy = "aliexpress-classic"   # the usual one

[decide]
capacity = 40  # two agents
"""
# platform, App Key, where, App Secret, callback URL, code
TYPED = ["aliexpress", APP_KEY, "file", APP_SECRET, "https://shop.example/back", CODE]


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    with fake_platform(made_store(3, yesterday())) as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "config.toml").write_text(CONFIG)
    return folder


def fast(url: str) -> list[str]:
    """Options for a platform on this machine."""
    settings = (f"url={url}", "first_wait_seconds=0", "requests_per_second=1000")
    return [part for setting in settings for part in ("--answer", setting)]


def connect(shop: Path, url: str, *options: str, typed: list[str] | None = None) -> Result:
    arguments = ["connect", "--workspace", str(shop), *fast(url), *options]
    return CliRunner().invoke(app, arguments, input="".join(f"{line}\n" for line in typed or []))


def secrets_in_config(shop: Path, platform: FakePlatform) -> list[str]:
    text = (shop / "config.toml").read_text()
    return [s for s in (APP_SECRET, CODE, platform.access, platform.refresh) if s in text]


def test_the_answers_are_tested_and_written(shop: Path, platform: FakePlatform) -> None:
    platform.forbidden = {MESSAGES}
    done = connect(shop, platform.url, typed=TYPED)
    assert done.exception is None, done.output
    output = " ".join(done.output.split())
    assert f"client_id={APP_KEY}&redirect_uri=https%3A%2F%2Fshop.example%2Fback" in output
    assert f"may call {ORDERS}" in output
    assert f"may not call {MESSAGES}: no messages: the earliest sign" in output
    assert "6 questions answered" in output
    text = (shop / "config.toml").read_text()
    assert text.startswith(CONFIG)
    assert not secrets_in_config(shop, platform)
    store = load_config(shop).pull.aliexpress["main"]
    state = shop / "pull" / "aliexpress" / "main"
    assert store.app_secret.file == str(state / "app_secret")
    assert store.code
    for name, content in (("app_secret", APP_SECRET), ("code", CODE)):
        assert (state / name).read_text() == f"{content}\n"
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600
    assert json.loads((state / "token.json").read_text())["access"] == platform.access
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert not list((shop / "pull").glob(".connect-*"))
    # the first pull uses this token: the code counts once
    pulled = CliRunner().invoke(app, ["pull", "--workspace", str(shop)])
    assert pulled.exception is None, pulled.output
    assert platform.tokens == 1
    lines = list(pull_lines(shop / "pulled" / "aliexpress"))
    assert lines[0].startswith("aliexpress main: last pulled 2")
    assert lines[1].startswith(f"aliexpress main: may not call {MESSAGES}: the platform answered")
    assert lines[1].endswith("the earliest sign of a dispute is missing")


def test_nothing_is_written_if_the_test_fails(shop: Path, platform: FakePlatform) -> None:
    wrong = [*TYPED[:3], "wr0ng-s3cret", *TYPED[4:]]
    failed = connect(shop, platform.url, typed=[*wrong, "n"])
    assert isinstance(failed.exception, PullFailed)
    assert "main: nothing was written. " in str(failed.exception)
    assert "IncompleteSignature" in str(failed.exception)
    assert (shop / "config.toml").read_text() == CONFIG
    assert not (shop / "pull").exists()
    platform.forbidden = {ORDERS}
    failed = connect(shop, platform.url, typed=[*TYPED, "n"])
    assert "nothing works" in " ".join(failed.output.split())
    assert isinstance(failed.exception, PullFailed)
    assert (shop / "config.toml").read_text() == CONFIG
    # the seller may want it all the same
    kept = connect(shop, platform.url, typed=[*TYPED, "y"])
    assert kept.exception is None
    assert "main" in load_config(shop).pull.aliexpress


def test_wrong_answers_are_asked_again(shop: Path, platform: FakePlatform) -> None:
    pasted = f"https://shop.example/back?code={CODE}&state=1"
    typed = ["ebay", "aliexpress", "no key!", APP_KEY, "cloud", "env", "NOT_SET", "AE_SECRET"]
    done = connect(shop, platform.url, typed=[*typed, "https://shop.example/back", pasted])
    assert done.exception is None, done.output
    output = " ".join(done.output.split())
    for message in (
        "'ebay' is not one of aliexpress",
        "app_key: String should match pattern",
        "keep: write one of file, env, keyring",
        "the environment variable NOT_SET is not set",
    ):
        assert message in output
    store = load_config(shop).pull.aliexpress["main"]
    assert store.app_secret.env == "AE_SECRET"
    assert platform.tokens == 1


def test_all_answers_can_be_options(shop: Path, platform: FakePlatform) -> None:
    platform.forbidden = {TRACKING}
    done = connect(
        shop,
        platform.url,
        *("--platform", "aliexpress", "--store", "second", "--answer", f"app_key={APP_KEY}"),
        *("--answer", "daily_requests=900", "--answer", "callback_url=https://shop.example"),
        *("--secret", "app_secret=env:AE_SECRET", "--secret", "code=env:AE_CODE"),
    )
    assert done.exception is None, done.output
    store = load_config(shop).pull.aliexpress["second"]
    assert store.daily_requests == 900
    # the app may use the other way to ask for scans
    assert store.tracking == "by_parcel"
    assert "0 questions answered" in done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--answer", "app_secret=pl4nted"], "app_secret: a secret is never an answer"),
        (["--answer", "app_secrett=pl4nted"], "app_secrett: no platform has such a setting"),
        (["--secret", "app_secret=pl4nted"], "app_secret: write where the secret is"),
        (["--secret", "app_secret=env:pl4nted!"], "app_secret: write where the secret is"),
        (["--platform", "ebay"], "'ebay' is not one of aliexpress"),
        (["--platform", "aliexpress", "--keep", "x", "--answer", "app_key=1"], "keep: write one"),
        (["--platform", "aliexpress", "--answer", "daily_requests=1"], "daily_requests: Input"),
    ],
)
def test_a_wrong_option_ends_the_step(shop: Path, options: list[str], message: str) -> None:
    done = connect(shop, "http://127.0.0.1:9", *options)
    assert isinstance(done.exception, BadInput)
    assert message in str(done.exception)
    shown = (
        done.output
        + str(done.exception)
        + "".join(path.read_text() for path in shop.rglob("*") if path.is_file())
    )
    assert "pl4nted" not in shown


def test_without_a_terminal_the_missing_option_is_named(shop: Path) -> None:
    done = connect(shop, "http://127.0.0.1:9")
    assert done.exit_code == 2
    assert "here PLATFORM=..." in " ".join(done.output.split())
    done = connect(shop, "http://127.0.0.1:9", "--platform", "aliexpress")
    assert "ANSWERS='app_key=...'" in " ".join(done.output.split())
    for keep in ("file", "env"):
        options = ["--platform", "aliexpress", "--keep", keep, "--answer", "app_key=1"]
        done = connect(shop, "http://127.0.0.1:9", *options)
        assert "SECRETS='app_secret=env:NAME'" in " ".join(done.output.split())


def test_a_store_is_connected_anew(shop: Path, platform: FakePlatform) -> None:
    """A new authorisation keeps the store's other settings and its state."""
    assert connect(shop, platform.url, typed=TYPED).exception is None
    config = shop / "config.toml"
    config.write_text(config.read_text() + "most_rows = 77  # mine\n")
    platform.tokens, platform.signatures = 0, set()
    typed = [TYPED[0], "main", *TYPED[1:]]
    again = connect(shop, platform.url, typed=typed)
    assert again.exception is None, again.output
    assert "there is main: connect it anew" in again.output
    assert "most_rows = 77  # mine" in config.read_text()
    assert list(load_config(shop).pull.aliexpress) == ["main"]


def test_a_typed_secret_goes_into_the_keyring(shop: Path, platform: FakePlatform) -> None:
    typed = [*TYPED[:2], "keyring", *TYPED[3:]]
    entry = "shop-aliexpress-main-app_secret"
    with memory_keyring() as memory:
        done = connect(shop, platform.url, typed=typed)
        assert done.exception is None, done.output
        assert memory.entries == {("dispute-risk", entry): APP_SECRET}
        store = load_config(shop).pull.aliexpress["main"]
        assert store.app_secret.keyring == f"dispute-risk/{entry}"
        assert not (shop / "pull" / "aliexpress" / "main" / "app_secret").exists()
        pulled = CliRunner().invoke(app, ["pull", "--workspace", str(shop)])
        assert pulled.exception is None, pulled.output


def test_without_a_keyring_another_place_is_asked_for(shop: Path, platform: FakePlatform) -> None:
    with memory_keyring():
        keyring.set_keyring(NoKeyring())
        done = connect(shop, platform.url, typed=[*TYPED[:2], "keyring", *TYPED[2:]])
    assert done.exception is None, done.output
    assert "no keyring that is safe" in " ".join(done.output.split())
    assert load_config(shop).pull.aliexpress["main"].app_secret.file


def test_every_platform_of_the_table_has_its_settings() -> None:
    for platform in PLATFORMS.values():
        fields = platform.section.model_fields
        for question in platform.questions:
            assert question.is_setting == (question.key in fields), question.key


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_secret_is_not_shown_on_a_terminal(shop: Path, platform: FakePlatform) -> None:
    command = ["-m", "pipeline", "connect", "--workspace", str(shop), *fast(platform.url)]
    child = pexpect.spawn(
        sys.executable,
        command,
        cwd=ROOT,
        encoding="utf-8",
        timeout=120,
        dimensions=(40, 200),
        env={**os.environ, "TERM": "dumb"},
    )
    shown = ""
    for prompt, answer in zip(
        ("Platform", "App Key", "Where to keep", "App Secret", "Callback URL", "The code"),
        TYPED,
        strict=True,
    ):
        child.expect(f"{prompt}.*: ")
        shown += child.before + child.after
        child.sendline(answer)
    child.expect(pexpect.EOF)
    shown += child.before
    child.close()
    assert child.exitstatus == 0, shown
    assert APP_KEY in shown
    assert "may call" in shown
    assert APP_SECRET not in shown
    assert CODE not in shown
    assert "main" in load_config(shop).pull.aliexpress
