"""A run that is killed at any moment does not damage existing files, and the next run completes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.workspace.workspace import Workspace
from tests.unit.nights import ROOT, RUN_FILES, latest, leftovers, nightly_command


def kill_after(command: list[str], seconds: float) -> None:
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    run.kill()
    run.wait()


def test_killed_nightly_leaves_a_complete_latest_and_the_next_run_completes(
    workspace: Path, simulated_raw: Path
) -> None:
    command = nightly_command(workspace, simulated_raw)
    expected = (latest(workspace) / "contact_list.csv").read_bytes()
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    whole = time.monotonic() - started
    for share in (0.5, 0.7, 0.85, 0.97):
        kill_after(command, share * whole)
        assert sorted(path.name for path in latest(workspace).iterdir()) == RUN_FILES
        assert (latest(workspace) / "contact_list.csv").read_bytes() == expected
        assert Workspace(workspace).read_tables()["orders"].height == 1500
    previous = latest(workspace)
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert latest(workspace) != previous
    assert (latest(workspace) / "contact_list.csv").read_bytes() == expected
    assert leftovers(workspace) == []


def test_a_reader_who_stops_reading_does_not_stop_the_run(
    workspace: Path, simulated_raw: Path
) -> None:
    previous = latest(workspace)
    run = subprocess.Popen(
        nightly_command(workspace, simulated_raw), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert run.stdout is not None
    run.stdout.readline()
    run.stdout.close()
    assert run.wait(timeout=600) == 0
    assert latest(workspace) != previous


# MLflow creates its database table by table, each in its own commit; a partial one cannot be opened
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


def test_nightly_killed_while_it_creates_the_model_database_completes_the_next_time(
    tmp_path: Path, finished: Path, simulated_raw: Path
) -> None:
    shutil.copy(finished / "config.toml", tmp_path)
    command = nightly_command(tmp_path, simulated_raw)
    killed = subprocess.run(
        [sys.executable, "-c", DIE_IN_DATABASE, *command[3:]], cwd=ROOT, check=False
    )
    assert killed.returncode == -9
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-300:]
    assert (latest(tmp_path) / "contact_list.csv").read_bytes() == (
        latest(finished) / "contact_list.csv"
    ).read_bytes()
    assert leftovers(tmp_path) == []


def test_a_kill_at_any_change_on_disk_leaves_the_previous_or_the_new_state(
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
    previous = "0"
    for kill_at in range(1, count + 1):
        mark = str(kill_at)
        assert replace_all(tmp_path, mark, kill_at).returncode == -9
        of_tables, of_run = marks()
        assert of_tables in ({previous}, {mark})
        assert of_run in ({previous}, {mark})
        with Workspace(tmp_path).locked():
            assert leftovers(tmp_path) == []
        assert replace_all(tmp_path, f"{mark}+").returncode == 0
        assert marks() == ({f"{mark}+"}, {f"{mark}+"})
        assert [path.name for path in (tmp_path / "quarantine").iterdir()] == ["orders.csv"]
        previous = f"{mark}+"
    assert len(list((tmp_path / "versions").iterdir())) <= 2
    assert (tmp_path / "tables").readlink().parts[0] == "versions"
