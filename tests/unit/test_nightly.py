"""A night: what it writes, that it repeats to the byte, and that a killed run never spoils the last list."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import mlflow
import numpy as np
import polars as pl
import pytest
from filelock import FileLock

from features.clock import day_number
from features.registry import build_features
from features.spine import build_spine
from pipeline.config import Config, load_config
from pipeline.errors import Refused
from pipeline.progress import Progress
from pipeline.score import score
from pipeline.store import Workspace
from pipeline.tracking import tracking_uri

ROOT = Path(__file__).resolve().parents[2]
AS_OF = "2025-07-10"
NIGHT = date.fromisoformat(AS_OF)
RUN_FILES = ["contact_list.csv", "manifest.json", "scores.parquet"]
LIST_COLUMNS = [
    "rank", "order_id", "buyer_id", "product_id", "stage", "probability",
    "reason_1", "reason_2", "reason_3", "contact_by", "expected_value_usd",
]  # fmt: skip


def latest(workspace: Path) -> Path:
    return (workspace / "runs" / AS_OF / "latest").resolve(strict=True)


def nightly_command(workspace: Path, raw: Path) -> list[str]:
    where = ["--workspace", str(workspace), "--source", "canonical", "--raw", str(raw), "--as-of", AS_OF]
    return [sys.executable, "-m", "pipeline", "nightly", *where, "--force"]


def leftovers(workspace: Path) -> list[Path]:
    return list(workspace.rglob(".new-*"))


def kill_after(command: list[str], seconds: float) -> None:
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    run.kill()
    run.wait()


# -- what a night writes -------------------------------------------------------------------------------------------


def test_night_writes_the_contracted_files_and_columns(finished: Path) -> None:
    run = latest(finished)
    assert sorted(path.name for path in run.iterdir()) == RUN_FILES
    scores, listed = pl.read_parquet(run / "scores.parquet"), pl.read_csv(run / "contact_list.csv")
    assert scores.columns == ["order_id", "as_of", "stage", "probability", "expected_value_usd"]
    assert listed.columns == LIST_COLUMNS
    assert scores["as_of"].unique().to_list() == [NIGHT]
    assert scores["order_id"].is_unique().all()
    assert scores["probability"].is_between(0, 1, closed="none").all()
    assert 1 <= listed.height <= Config().decide.capacity
    assert listed["rank"].to_list() == list(range(1, listed.height + 1))
    assert set(listed["order_id"]) <= set(scores["order_id"])
    assert listed["expected_value_usd"].is_sorted(descending=True)
    assert (finished / "quarantine").is_dir()
    assert (finished / "tables/orders.parquet").exists()
    assert leftovers(finished) == []


def test_list_holds_only_open_undisputed_orders(finished: Path) -> None:
    tables = Workspace(finished).read_tables()
    opened = tables["disputes"].filter(pl.col("step") == "opened", pl.col("known_day") < day_number(NIGHT))
    scored = pl.read_parquet(latest(finished) / "scores.parquet")["order_id"]
    assert not set(scored) & set(opened["order_id"])
    placed = tables["orders"].filter(pl.col("known_day") < day_number(NIGHT))
    assert set(scored) <= set(placed["order_id"])


def test_manifest_tells_what_the_night_was_made_from(finished: Path, simulated_raw: Path) -> None:
    run = latest(finished)
    manifest = json.loads((run / "manifest.json").read_text())
    raw = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in simulated_raw.glob("*.csv")}
    assert manifest["inputs"]["sha256"] == raw
    assert manifest["inputs"]["config"]["max_training_rows"] == 5000
    assert manifest["source"]["source"] == "canonical"
    assert manifest["source"]["input_rows"]["orders.csv"] == manifest["source"]["table_rows"]["orders"] == 1500
    assert manifest["rows"]["scores"] == pl.read_parquet(run / "scores.parquet").height
    assert manifest["rows"]["contact_list"] == pl.read_csv(run / "contact_list.csv").height
    assert manifest["model"] == {"name": "dispute-risk", "version": "1", "trained_as_of": AS_OF}
    assert (manifest["seed"], manifest["as_of"], manifest["run_id"]) == (7, AS_OF, run.name)
    assert {"python", "polars", "lightgbm", "mlflow"} <= set(manifest["versions"])
    assert manifest["git_revision"]
    assert {"ingest", "features", "train", "score"} <= set(manifest["timings_seconds"])


# -- doing it again ------------------------------------------------------------------------------------------------


def test_done_night_is_skipped_and_force_repeats_it_to_the_byte(workspace: Path, do_night: Callable[..., Path]) -> None:
    first, tables = latest(workspace), (workspace / "tables").resolve()
    assert do_night(workspace) == first
    assert (workspace / "tables").resolve() == tables
    assert do_night(workspace, is_forced=True) != first
    assert latest(workspace) != first
    for name in ("contact_list.csv", "scores.parquet"):
        assert (latest(workspace) / name).read_bytes() == (first / name).read_bytes()


def test_two_fresh_workspaces_give_the_same_bytes(
    finished: Path, tmp_path: Path, do_night: Callable[..., Path]
) -> None:
    do_night(tmp_path)
    for name in ("contact_list.csv", "scores.parquet"):
        assert (latest(tmp_path) / name).read_bytes() == (latest(finished) / name).read_bytes()


def test_score_is_skipped_until_its_settings_change(workspace: Path) -> None:
    place, first = Workspace(workspace), latest(workspace)
    assert score(place, load_config(workspace), Progress(), as_of=NIGHT) == first
    run = score(place, load_config(workspace, capacity=3), Progress(), as_of=NIGHT)
    assert latest(workspace) == run != first
    assert pl.read_csv(run / "contact_list.csv").height == 3


def test_model_in_the_registry_gives_the_scorers_probabilities(finished: Path) -> None:
    place = Workspace(finished)
    mlflow.set_tracking_uri(tracking_uri(place))
    model = mlflow.pyfunc.load_model("models:/dispute-risk@champion")
    tables = place.read_tables()
    rows = build_features(tables, build_spine(tables, [day_number(NIGHT)])).sort("order_id")
    scores = pl.read_parquet(latest(finished) / "scores.parquet").sort("order_id")
    columns = model.metadata.get_input_schema().input_names()
    assert rows["order_id"].to_list() == scores["order_id"].to_list()
    np.testing.assert_array_equal(model.predict(rows.select(columns).to_pandas()), scores["probability"].to_numpy())


def test_night_without_open_orders_writes_an_empty_list(workspace: Path, run_step: Callable) -> None:
    with (workspace / "config.toml").open("a") as config:
        config.write("max_data_age_days = 4000\n")
    told = run_step("nightly", "--workspace", workspace, "--as-of", "2027-01-01")
    assert told.returncode == 0, told.stderr
    run = workspace / "runs/2027-01-01/latest"
    assert (run / "contact_list.csv").read_text() == ",".join(LIST_COLUMNS) + "\n"
    assert pl.read_parquet(run / "scores.parquet").height == 0
    assert json.loads((run / "manifest.json").read_text())["rows"] == {"scores": 0, "contact_list": 0}


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [
    "tidy --workspace w", "ingest --workspace w", "score --workspace w --as-of 2025-02-30",
    "ingest --workspace w --source excel --raw .", "nightly --workspace w --as-of 2025-07-10 --source olist",
])  # fmt: skip
def test_wrong_usage_is_two(run_step: Callable, line: str) -> None:
    told = run_step(*line.split())
    assert (told.returncode, "Traceback" in told.stderr) == (2, False)
    assert not (ROOT / "w").exists()


def test_night_before_all_facts_is_refused_with_eleven(workspace: Path, run_step: Callable) -> None:
    told = run_step("score", "--workspace", workspace, "--as-of", "2024-01-01")
    assert (told.returncode, "Traceback" in told.stderr) == (11, False)
    assert "nothing is known before 2024-01-01" in told.stderr
    assert not (workspace / "runs/2024-01-01").exists()


def test_night_long_after_the_newest_fact_is_refused(workspace: Path) -> None:
    with pytest.raises(Refused, match=r"days older than 2025-09-01; at most 7 are allowed"):
        score(Workspace(workspace), load_config(workspace), Progress(), as_of=date(2025, 9, 1))
    assert not (workspace / "runs/2025-09-01").exists()


def test_score_without_champion_is_twelve(workspace: Path, run_step: Callable) -> None:
    (workspace / "mlflow.db").unlink()
    told = run_step("score", "--workspace", workspace, "--as-of", AS_OF)
    assert (told.returncode, "Traceback" in told.stderr) == (12, False)
    assert "make train" in told.stderr


def test_held_workspace_is_thirteen_at_once_and_the_lock_falls_with_its_holder(
    workspace: Path, simulated_raw: Path, run_step: Callable
) -> None:
    options = ("--workspace", workspace, "--source", "canonical", "--raw", simulated_raw)
    with FileLock(workspace / ".lock"):
        told = run_step("ingest", *options)
    assert (told.returncode, "Traceback" in told.stderr) == (13, False)
    assert "another run" in told.stderr
    assert run_step("ingest", *options).returncode == 0


# -- sudden ends ---------------------------------------------------------------------------------------------------


def test_killed_nightly_leaves_a_complete_latest_and_the_next_run_completes(
    workspace: Path, simulated_raw: Path
) -> None:
    command = nightly_command(workspace, simulated_raw)
    expected = (latest(workspace) / "contact_list.csv").read_bytes()
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    whole = time.monotonic() - started
    for share in (0.5, 0.6, 0.7, 0.8, 0.9, 0.97):
        kill_after(command, share * whole)
        assert sorted(path.name for path in latest(workspace).iterdir()) == RUN_FILES
        assert (latest(workspace) / "contact_list.csv").read_bytes() == expected
        assert Workspace(workspace).read_tables()["orders"].height == 1500
    former = latest(workspace)
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert latest(workspace) != former
    assert (latest(workspace) / "contact_list.csv").read_bytes() == expected
    assert leftovers(workspace) == []


# MLflow makes its database table by table, each kept at once; half of them cannot be opened again
DIE_IN_DATABASE = """
import os, signal
from sqlalchemy import Engine, event
from pipeline.__main__ import main

@event.listens_for(Engine, "after_cursor_execute")
def die(connection, cursor, statement, *rest):
    if "CREATE TABLE _alembic_tmp" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

main()
"""


def test_nightly_killed_while_it_makes_the_model_database_completes_the_next_time(
    tmp_path: Path, finished: Path, simulated_raw: Path
) -> None:
    shutil.copy(finished / "config.toml", tmp_path)
    command = nightly_command(tmp_path, simulated_raw)
    killed = subprocess.run([sys.executable, "-c", DIE_IN_DATABASE, *command[3:]], cwd=ROOT, check=False)
    assert killed.returncode == -9
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr[-300:]
    assert (latest(tmp_path) / "contact_list.csv").read_bytes() == (latest(finished) / "contact_list.csv").read_bytes()
    assert leftovers(tmp_path) == []


def test_kill_at_any_change_on_disk_leaves_the_former_state_or_the_new_one(
    tmp_path: Path, replace_all: Callable
) -> None:
    def marks() -> tuple[set[str], set[str]]:
        tables = Workspace(tmp_path).read_tables()
        of_tables = {Workspace(tmp_path).read_ingest_facts()["mark"]}
        of_tables |= {table[0, 0] for table in tables.frames.values()}
        return of_tables, {(latest(tmp_path) / name).read_text() for name in RUN_FILES}

    assert replace_all(tmp_path, "0").returncode == 0
    count = -int(replace_all(tmp_path, "0").stdout)
    assert count > 10
    former = "0"
    for kill_at in range(1, count + 1):
        mark = str(kill_at)
        assert replace_all(tmp_path, mark, kill_at).returncode == -9
        of_tables, of_run = marks()
        assert of_tables in ({former}, {mark})
        assert of_run in ({former}, {mark})
        with Workspace(tmp_path).locked():
            assert leftovers(tmp_path) == []
        assert replace_all(tmp_path, f"{mark}+").returncode == 0
        assert marks() == ({f"{mark}+"}, {f"{mark}+"})
        assert [path.name for path in (tmp_path / "quarantine").iterdir()] == ["orders.csv"]
        former = f"{mark}+"
    assert len(list((tmp_path / "versions").iterdir())) <= 2
    assert (tmp_path / "tables").readlink().parts[0] == "versions"
