"""A secret is in the environment or in a file of its owner, and nowhere else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.connections.call_faults import SecretFault
from pipeline.connections.secret_values import SecretValues
from pipeline.deliver.web_requests import signed
from pipeline.settings.delivery.delivery_section import SecretSource
from pipeline.workspace.workspace import Workspace
from tests.unit.deliver.conftest import (
    FAST,
    chat_target,
    helpdesk_target,
    mail_target,
    s3_target,
    sftp_target,
    webhook_target,
)
from tests.unit.deliver.made_night import NIGHT
from tests.unit.deliver.receivers import MailServer, SftpServer
from tests.unit.deliver.web_receiver import WebReceiver

PLANTED = "planted-secret-90210"


@pytest.mark.parametrize("is_failing", [False, True])
def test_a_planted_secret_appears_nowhere(
    store: Workspace,
    web: WebReceiver,
    mail: MailServer,
    sftp: SftpServer,
    monkeypatch: pytest.MonkeyPatch,
    run_step: Callable[..., subprocess.CompletedProcess[str]],
    is_failing: bool,
) -> None:
    """All kinds of targets and the channel, as a user runs them, taken and refused."""
    monkeypatch.setenv("DELIVER_PASSWORD", PLANTED)
    monkeypatch.setenv("DELIVER_USER", PLANTED)
    path = "nowhere" if is_failing else "services"
    monkeypatch.setenv("CHAT_URL", f"{web.url}/{path}/{PLANTED}")
    web.status = 403 if is_failing else None
    mail.planned = ["never"] if is_failing else []
    targets = (
        mail_target(mail.port, 'user = "robot"\npassword = { env = "DELIVER_PASSWORD" }')
        + chat_target("slack")
        + webhook_target(web.url)
        + helpdesk_target(web.url)
        + sftp_target(sftp)
        + s3_target("http://127.0.0.1:9")
        + '[deliver.channel]\nurl = { env = "CHAT_URL" }\nsecret = { env = "DELIVER_USER" }\n'
        'quiet_from = "00:00"\nquiet_until = "00:00"\ndraft_days = 36500\n'
    )
    (store.folder / "config.toml").write_text(
        FAST.replace("attempts = 8", "attempts = 2") + targets
    )
    printed = ""
    for arguments in (("deliver",), ("send", "--release", "all"), ("deliver", "--dry-run")):
        done = run_step(*arguments, "--workspace", store.folder, "--as-of", NIGHT)
        assert done.returncode == (0 if "--dry-run" in arguments else _code(arguments, is_failing))
        printed += done.stdout + done.stderr
    assert "Traceback" not in printed
    assert PLANTED not in printed
    holding = [
        file
        for file in store.folder.rglob("*")
        if file.is_file() and PLANTED.encode() in file.read_bytes()
    ]
    assert holding == []
    assert (store.folder / "log.jsonl").stat().st_size > 1_000
    assert bool(web.received.taken) is not is_failing


def _code(arguments: tuple[str, ...], is_failing: bool) -> int:
    # the S3 store and the login of the mail server are missing in both cases
    return 22 if arguments[0] == "deliver" or is_failing else 0


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{PLANTED}\n")
    source = SecretSource(file=str(file))
    for mode in (0o644, 0o640, 0o660, 0o602):
        file.chmod(mode)
        with pytest.raises(SecretFault, match="chmod 600"):
            SecretValues().read(source, "deliver.x")
    file.chmod(0o600)
    secrets = SecretValues()
    assert secrets.read(source, "deliver.x") == PLANTED
    assert secrets.hide(f"a {PLANTED} b") == "a [secret] b"


def test_a_secret_that_cannot_be_used_is_named_by_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 20_001)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name in ("large", "bytes"):
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("EMPTY", " ")
    monkeypatch.setenv("LINES", "a\nb")
    monkeypatch.setenv("PLAIN", f"http://shop.example/{PLANTED}")
    for file, says in (
        ("pipe", "is a named pipe"),
        ("large", "larger than 20,000 bytes"),
        ("bytes", "is not UTF-8"),
        ("missing", "cannot be read"),
    ):
        with pytest.raises(SecretFault, match=f"deliver.x: .*{says}"):
            SecretValues().read(SecretSource(file=str(tmp_path / file)), "deliver.x")
    for variable, says in (("EMPTY", "is empty"), ("LINES", "one line"), ("NONE", "is not set")):
        with pytest.raises(SecretFault, match=says):
            SecretValues().read_line(SecretSource(env=variable), "deliver.x")
    with pytest.raises(SecretFault, match="must begin with https://") as error:
        SecretValues().read_url(SecretSource(env="PLAIN"), "deliver.x")
    assert PLANTED not in str(error.value)


def test_a_signature_is_that_of_the_specification() -> None:
    """The example of the libraries of Standard Webhooks."""
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        1_614_265_330,
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
