"""Run `killed_sender.py` and count what arrived. The tests use it with a few kills, `make bench`
with many (tests/bench/deliveries.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from pipeline.deliver.delivery_record import open_record
from pipeline.load.contacts import read_own
from pipeline.workspace.workspace import Workspace
from tests.unit.deliver.conftest import (
    BUCKET,
    FAST,
    chat_target,
    helpdesk_target,
    mail_target,
    s3_target,
    sftp_target,
    webhook_target,
)
from tests.unit.deliver.failing_proxy import failing_proxy
from tests.unit.deliver.made_night import NIGHT, listed_orders, make_night, publish_night
from tests.unit.deliver.receivers import PASSWORD, USER, mail_server, s3_store, sftp_server
from tests.unit.deliver.web_receiver import WebReceiver, web_receiver
from tests.unit.nights import ROOT

SENDER = Path(__file__).with_name("killed_sender.py")
# many of their answers never come
QUICK = FAST.replace("timeout_seconds = 1.0", "timeout_seconds = 0.3")
FILES = {"report.html", "contact_list.xlsx", "contact_list.csv", "README.txt", "manifest.json"}
# within the first third of a bulk send with failing answers
MESSAGE_SECONDS = 0.008
OPEN = 'quiet_from = "00:00"\nquiet_until = "00:00"\ndaily_cap = 100000\ndraft_days = 36500\n'


@dataclass(frozen=True)
class Counted:
    """`expected` things to arrive, of which `arrived` did, each at its receiver once; `dropped`:
    repeated ones that the receiver dropped by their key; `kills`: those that hit the step;
    `faults`: what the receiver did wrong; `differing`: repeats with other content."""

    expected: int
    arrived: int
    dropped: int
    kills: int
    faults: int
    differing: int = 0

    @property
    def is_right(self) -> bool:
        return self.arrived == self.expected and not self.differing


def nights_with(folder: Path, config: str, count: int, rows: int = 3) -> list[date]:
    """A workspace of `count` published nights."""
    nights = [NIGHT + timedelta(days=n) for n in range(count)]
    workspace = make_night(folder, rows)
    for night in nights[1:]:
        publish_night(workspace, listed_orders(rows), f"{night:%Y%m%d}T01-a", night)
    (folder / "config.toml").write_text(QUICK + config)
    return nights


def killed(
    folder: Path,
    step: str,
    nights: list[date],
    *,
    kills: int = 1,
    seconds: float = 0.2,
    chat: str = "",
) -> int:
    """Kill and finish the step for each night. Returns the kills that hit it."""
    command = [sys.executable, SENDER, folder, step, kills, seconds, *nights]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DELIVER_PASSWORD": PASSWORD,
        "DELIVER_USER": USER,
        "CHAT_URL": chat,
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    return int(done.stdout)


def over_web(kind: str, folder: Path, count: int, share: float) -> Counted:
    """Slack, Teams, a webhook or a helpdesk, at a receiver of which `share` of the answers fail."""
    with web_receiver(share) as web:
        config = {
            "slack": chat_target("slack"),
            "teams": chat_target("teams"),
            "webhook": webhook_target(web.url),
            "helpdesk": helpdesk_target(web.url),
        }[kind]
        nights = nights_with(folder, config, count)
        hits = killed(folder, "deliver", nights, chat=f"{web.url}/services/T0")
        return _counted(web, count * (3 if kind == "helpdesk" else 1), hits)


def over_mail(folder: Path, count: int, share: float) -> Counted:
    """Mails, at a server that compares their ids."""
    with mail_server(share) as mail:
        hits = killed(folder, "deliver", nights_with(folder, mail_target(mail.port), count))
        faults = mail.faults.total() - mail.faults["none"]
        return Counted(count, len(mail.mails), mail.dropped.total(), hits, faults)


def over_sftp(folder: Path, count: int, share: float) -> Counted:
    """Files on an SFTP server that are whole, through connections that break off. Under another
    name lies only what a kill left unfinished."""
    with tempfile.TemporaryDirectory() as home, sftp_server(Path(home)) as server:
        with failing_proxy(server.port, share) as proxy:
            config = sftp_target(replace(server, port=proxy.port))
            hits = killed(folder, "deliver", nights_with(folder, config, count))
        named = [file for file in Path(home).rglob("*") if file.is_file() and file.name in FILES]
        whole = sum(file.read_bytes() == _original(folder, file).read_bytes() for file in named)
        return Counted(count * len(FILES), whole, 0, hits, proxy.count_cut)


def over_s3(folder: Path, count: int, share: float) -> Counted:
    """Objects of an S3-compatible store that are whole, through connections that break off."""
    with s3_store(BUCKET) as (url, client):
        with failing_proxy(int(url.rpartition(":")[2]), share) as proxy:
            config = s3_target(f"http://127.0.0.1:{proxy.port}")
            hits = killed(folder, "deliver", nights_with(folder, config, count))
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        whole = 0
        for key in keys:
            body = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            whole += body == _original(folder, Path(key)).read_bytes()
        return Counted(count * len(FILES), whole, 0, hits, proxy.count_cut)


def _original(folder: Path, uploaded: Path) -> Path:
    return folder / "runs" / uploaded.parent.name / "latest" / uploaded.name


def bulk_send(folder: Path, buyers: int, kills: int, share: float) -> tuple[Counted, int]:
    """A released bulk send that is killed `kills` times. Returns also the contacts on record."""
    with web_receiver(share) as web:
        channel = (
            f'[deliver.channel]\nurl = "{web.url}/send"\nsecret = {{env = "DELIVER_PASSWORD"}}'
        )
        make_night(folder, buyers)
        (folder / "config.toml").write_text(
            f"{QUICK}{channel}\n{OPEN}[decide]\nholdout_share = 0.0\n"
        )
        hits = killed(folder, "send", [NIGHT], kills=kills, seconds=buyers * MESSAGE_SECONDS)
        by_buyer = Counter(
            json.loads(body)["data"]["buyer_id"] for body in web.received.taken.values()
        )
        assert set(by_buyer.values()) <= {1}, "a buyer got two messages"
    with open_record(folder) as record:
        sent = record.orders_in(str(NIGHT), "bulk:channel", "sent")
    assert len(sent) == buyers
    return _counted(web, buyers, hits), read_own(Workspace(folder)).height


def _counted(web: WebReceiver, expected: int, hits: int) -> Counted:
    received = web.received
    return Counted(
        expected,
        len(received.taken),
        received.dropped.total(),
        hits,
        received.faults.total(),
        len(received.differing),
    )


# kind -> a function of the workspace, the number of nights, and the share of failing answers
WAYS: dict[str, Callable[[Path, int, float], Counted]] = {
    "email": over_mail,
    **{kind: partial(over_web, kind) for kind in ("slack", "teams", "webhook", "helpdesk")},
    "sftp": over_sftp,
    "s3": over_s3,
}
