"""A real night: make nightly delivers it at its end, and its drafts can be released and sent."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl

from pipeline.load.contacts import read_own
from pipeline.workspace.workspace import Workspace
from tests.unit.deliver.conftest import FAST, webhook_target
from tests.unit.deliver.web_receiver import WebReceiver
from tests.unit.nights import AS_OF, latest

Step = Callable[..., subprocess.CompletedProcess[str]]


def test_a_night_is_delivered_and_its_drafts_are_sent(
    workspace: Path, web: WebReceiver, run_step: Step
) -> None:
    before = latest(workspace)
    _add(workspace, FAST.replace("attempts = 8", "attempts = 1") + webhook_target(web.url))
    web.status = 500
    night = ("nightly", "--workspace", workspace, "--as-of", AS_OF)
    failed = run_step(*night)
    assert failed.returncode == 22, failed.stderr
    assert "erp: 127.0.0.1: answered 500. The night stays published" in failed.stderr
    web.status = None
    assert run_step(*night).returncode == 0
    (body,) = web.received.taken.values()
    listed = pl.read_parquet(before / "contact_list.parquet")
    rows = json.loads(body)["data"]["rows"]
    assert [row["order_id"] for row in rows] == listed["order_id"].to_list()
    assert latest(workspace) == before
    _send(workspace, web, run_step, listed)


def _send(workspace: Path, web: WebReceiver, run_step: Step, listed: pl.DataFrame) -> None:
    _add(
        workspace,
        f'[deliver.channel]\nurl = "{web.url}/send"\nsecret = {{ env = "DELIVER_PASSWORD" }}\n'
        'quiet_from = "00:00"\nquiet_until = "00:00"\ndraft_days = 36500\n',
    )
    web.received.taken.clear()
    done = run_step("send", "--workspace", workspace, "--as-of", AS_OF, "--release", "all")
    assert done.returncode == 0, done.stderr
    sent = [json.loads(body)["data"] for body in web.received.taken.values()]
    automatic = listed.filter(pl.col("action") == "inform")
    buyers = {message["buyer_id"] for message in sent}
    assert buyers <= set(automatic["buyer_id"])
    # the store's files go on for ten days after this night
    printed = " ".join(done.stdout.split())
    news = re.findall(r"(\d+) (?:was contacted, or wrote, since|has a dispute)", printed)
    assert len(buyers) == len(sent) == automatic.height - sum(map(int, news)) > 0
    assigned = pl.read_parquet(latest(workspace) / "assignments.parquet")
    held = set(assigned.filter(pl.col("arm") == "held_out")["buyer_id"])
    assert held
    assert not held & buyers
    assert read_own(Workspace(workspace)).height == len(sent)


def test_a_refused_night_delivers_nothing(
    workspace: Path, web: WebReceiver, run_step: Step
) -> None:
    """The facts are too old for this night: it is refused, also in the steps that only send."""
    _add(workspace, FAST + webhook_target(web.url))
    for step in ("nightly", "deliver"):
        done = run_step(step, "--workspace", workspace, "--as-of", "2025-09-20")
        assert done.returncode == 11, done.stderr
    assert not web.received.taken


def _add(workspace: Path, text: str) -> None:
    config = workspace / "config.toml"
    config.write_text(f"{config.read_text()}\n{text}")
