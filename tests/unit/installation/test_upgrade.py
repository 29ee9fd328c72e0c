"""A workspace of each earlier release is taken over: the new program goes on where the old one was.

The old program itself makes the workspace, from the commit of its release, with today's packages.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipeline.configuration.config_check import check_configuration
from pipeline.workspace.workspace import Workspace
from tests.unit.conftest import FAST, HANGS_SECONDS
from tests.unit.our_packages import ROOT

# release -> its commit. A new release adds the one before it.
RELEASES = {"0.1.0": "55084b7b32812d3d7f5e296b42e1c63fbd1dfaaa"}
# settings that the first release had too
OLD_SETTINGS = "\n".join(FAST.splitlines()[:1]) + "\nmin_training_disputes = 5\n"
OLD_NIGHT, NEW_NIGHT, LATER_NIGHT = "2025-07-09", "2025-07-10", "2025-07-11"
# what a workspace can have today and 0.1.0 did not know: optional columns, and pulled answers
LATER_COLUMNS = {
    "orders": ("payment_type", "voucher_usd", "buyer_country"),
    "order_lines": ("origin_country",),
    "products": ("length_cm",),
    "messages": ("text",),
    "tracking": ("location",),
}
TRACKING_SERVICE = '\n[pull.seventeentrack.main]\nkey = { env = "TRACK_KEY" }\n'
PARTS = ("features", "models", "pipeline")


def program_of(commit: str, folder: Path) -> Path:
    """The packages of a commit in `folder`; skips the test in a clone without history."""
    packed = subprocess.run(
        ["git", "archive", commit, *PARTS], cwd=ROOT, capture_output=True, check=False
    )
    if packed.returncode:
        pytest.skip("this clone has no history: the earlier release is not in it")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module", params=RELEASES)
def old_workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with tables, a champion and a published night, all made by an earlier release."""
    folder = tmp_path_factory.mktemp("upgrade")
    program = program_of(RELEASES[request.param], folder / "program")
    workspace = folder / "store"
    workspace.mkdir()
    (workspace / "config.toml").write_text(OLD_SETTINGS)
    store = ("--orders", "1500", "--first", "2025-01-01", "--days", "200")
    source = ("--source", "canonical", "--raw", str(workspace / "raw"))
    for step in (("simulate", *store), ("nightly", *source, "--as-of", OLD_NIGHT)):
        command = [sys.executable, "-m", "pipeline", step[0], "--workspace", str(workspace)]
        # a test in this process may have left the address of its own registry
        environment = {name: text for name, text in os.environ.items() if "MLFLOW" not in name}
        ended = subprocess.run(
            [*command, *step[1:]],
            cwd=program,
            env=environment,
            capture_output=True,
            text=True,
            timeout=HANGS_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
    return workspace


def test_the_settings_of_the_old_workspace_are_still_allowed(old_workspace: Path) -> None:
    assert check_configuration(old_workspace)


def test_the_next_night_uses_the_tables_and_the_model_of_the_old_program(
    old_workspace: Path, run_step: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    ended = run_step("score", "--workspace", old_workspace, "--as-of", NEW_NIGHT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    run = old_workspace / "runs" / NEW_NIGHT / "latest"
    assert pl.read_parquet(run / "scores.parquet").height > 100
    assert (run / "report.html").exists()


@pytest.mark.parametrize("step", ["report", "impact", "clock", "kpi"])
def test_a_step_reads_the_night_of_the_old_program(
    old_workspace: Path, run_step: Callable[..., subprocess.CompletedProcess[str]], step: str
) -> None:
    """It works, or says which file is of an earlier version and how to make the night again."""
    ended = run_step(step, "--workspace", old_workspace, "--as-of", OLD_NIGHT)
    assert "Traceback" not in ended.stderr, ended.stderr
    if ended.returncode:
        assert "an earlier version of this program made this run" in ended.stderr
        assert f"make nightly AS_OF={OLD_NIGHT} FORCE=1" in ended.stderr


def test_columns_that_came_later_are_empty_in_the_old_tables(old_workspace: Path) -> None:
    tables = Workspace(old_workspace, "upgrade", print).read_tables()
    for table, columns in LATER_COLUMNS.items():
        stored = pl.read_parquet_schema(old_workspace / "tables" / f"{table}.parquet")
        assert not stored.keys() & set(columns), "the earlier release had these columns already"
        for column in columns:
            assert tables[table][column].is_null().all(), column
    assert tables["orders"].height > 1000


@pytest.fixture
def with_what_came_later(old_workspace: Path, tmp_path: Path) -> tuple[Path, str]:
    """A copy of the old workspace, with an optional column in its files and with an answer of a
    tracking service; and the order that the answer is about."""
    workspace = tmp_path / "store"
    shutil.copytree(old_workspace, workspace, symlinks=True)
    orders = pl.read_csv(workspace / "raw" / "orders.csv", infer_schema=False)
    orders.with_columns(payment_type=pl.lit("wallet")).write_csv(workspace / "raw" / "orders.csv")
    with (workspace / "config.toml").open("a") as file:
        file.write(TRACKING_SERVICE)
    sent = pl.read_csv(workspace / "raw" / "shipments.csv", infer_schema=False)
    last = sent.filter(pl.col("known_at") < OLD_NIGHT).sort("known_at").row(-1, named=True)
    event = {
        "time_utc": f"{OLD_NIGHT}T10:00:00Z",
        "sub_status": "InTransit_CustomsProcessing",
        "description": "upgraded",
        "location": "Riga",
    }
    info = {
        "latest_status": {"status": "InTransit", "sub_status": event["sub_status"]},
        "tracking": {"providers": [{"provider": {"key": 3011}, "events": [event]}]},
    }
    answer = {"number": last["shipment_id"], "carrier": 3011, "track_info": info}
    pulled = workspace / "pulled" / "tracking" / "seventeentrack" / "main"
    pulled.mkdir(parents=True)
    body = json.dumps({"event": "TRACKING_UPDATED", "data": answer})
    (pulled / f"{OLD_NIGHT}.jsonl").write_text(body + "\n")
    return workspace, last["order_id"]


def test_a_night_with_pulled_answers_and_new_columns_keeps_the_old_model(
    with_what_came_later: tuple[Path, str],
    run_step: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    workspace, order = with_what_came_later
    raw = workspace / "raw"
    files = ("--source", "canonical", "--raw", raw, "--no-pull")
    ended = run_step("nightly", "--workspace", workspace, *files, "--as-of", LATER_NIGHT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    tables = workspace / "tables"
    assert set(pl.read_parquet(tables / "orders.parquet")["payment_type"]) == {"wallet"}
    scans = pl.read_parquet(tables / "tracking.parquet").filter(order_id=order, location="Riga")
    assert scans["sub_status"].to_list() == ["InTransit_CustomsProcessing"]
    manifests = [
        json.loads((workspace / "runs" / night / "latest" / "manifest.json").read_text())
        for night in (OLD_NIGHT, LATER_NIGHT)
    ]
    assert manifests[0]["model"]["version"] == manifests[1]["model"]["version"]
    clock = pl.read_csv(workspace / "runs" / LATER_NIGHT / "latest" / "dispute_clock.csv")
    assert {"answer_step", "answer_language"} <= set(clock.columns)
