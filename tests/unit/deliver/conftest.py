"""The servers that deliveries go to, started once for all tests, and a night to send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.deliver.targets.deliver_night import deliver_night
from pipeline.settings.config import load_config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.deliver.made_night import make_night
from tests.unit.deliver.receivers import (
    PASSWORD,
    USER,
    MailServer,
    SftpServer,
    mail_server,
    s3_store,
    sftp_server,
)
from tests.unit.deliver.web_receiver import WebReceiver, web_receiver

FAST = """[deliver]
first_wait_seconds = 0.01
longest_wait_seconds = 0.02
timeout_seconds = 1.0
attempts = 8
"""
BUCKET = "nights"


@pytest.fixture(autouse=True)
def secrets_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELIVER_PASSWORD", PASSWORD)
    monkeypatch.setenv("DELIVER_USER", USER)
    # a proxy of this machine would stand between the tests and their servers
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[SftpServer]:
    folder = tmp_path / "sftp"
    folder.mkdir()
    with sftp_server(folder) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[tuple[str, Any]]:
    with s3_store(BUCKET) as store:
        yield store


@pytest.fixture
def s3(s3_server: tuple[str, Any]) -> Iterator[tuple[str, Any]]:
    """The store, emptied afterwards."""
    yield s3_server
    client = s3_server[1]
    for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=item["Key"])


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    """A workspace with a published night of three listed orders."""
    return make_night(tmp_path / "shop")


@pytest.fixture
def deliver(store: Workspace) -> Callable[..., None]:
    """Deliver the night with these targets in config.toml."""

    def run(targets: str, **options: Any) -> None:
        (store.folder / "config.toml").write_text(FAST + targets)
        deliver_night(store, load_config(store.folder), Progress(), **options)

    return run


def mail_target(port: int, more: str = "") -> str:
    return (
        f'[deliver.email.lead]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        f'sender = "night@shop.example"\nto = ["lead@shop.example"]\n{more}\n'
    )


def webhook_target(url: str, more: str = "") -> str:
    return (
        f'[deliver.webhook.erp]\nurl = "{url}/nights"\n'
        f'secret = {{ env = "DELIVER_PASSWORD" }}\n{more}\n'
    )


def sftp_target(server: SftpServer, more: str = "") -> str:
    return (
        f'[deliver.sftp.archive]\nhost = "127.0.0.1"\nport = {server.port}\nuser = "{USER}"\n'
        f'password = {{ env = "DELIVER_PASSWORD" }}\nhost_key = "{server.host_key}"\n{more}\n'
    )


def s3_target(url: str) -> str:
    return (
        f'[deliver.s3.lake]\nendpoint = "{url}"\nbucket = "{BUCKET}"\n'
        'access_key = { env = "DELIVER_USER" }\nsecret_key = { env = "DELIVER_PASSWORD" }\n'
    )


def helpdesk_target(url: str, product: str = "zendesk", more: str = "") -> str:
    return (
        f'[deliver.helpdesk.desk]\nproduct = "{product}"\nurl = "{url}"\n'
        f'user = "robot@shop.example"\ntoken = {{ env = "DELIVER_PASSWORD" }}\n{more}\n'
    )


def chat_target(kind: str) -> str:
    return f'[deliver.{kind}.team]\nurl = {{ env = "CHAT_URL" }}\n'
