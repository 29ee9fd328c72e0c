"""Readers and contacts share a workspace with a night; two steps that replace something do not."""

from __future__ import annotations

import os
import shutil
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from features.tables import TABLES, create_tables
from pipeline.load.contacts import read_own, take_contacts
from pipeline.load.ingest import ingest
from pipeline.settings.config import load_config
from pipeline.settings.errors import WorkspaceBusy
from pipeline.workspace.progress import Progress
from pipeline.workspace.run_log import LOG, RunLog
from pipeline.workspace.workspace import Workspace, write_whole
from tests.unit.nights import AS_OF, latest


def store_tables(workspace: Workspace, mark: str) -> None:
    rows = pl.DataFrame({"order_id": [mark]})
    frame = pl.concat([TABLES["orders"].empty(), rows], how="diagonal")
    workspace.write_tables(create_tables({"orders": frame}, zone="UTC"), {"mark": mark})


def mark_of(workspace: Workspace) -> set[str]:
    orders = workspace.read_tables()["orders"]["order_id"].to_list()
    return {*orders, workspace.read_ingest_facts()["mark"]}


def test_a_busy_workspace_names_the_step_and_since_when_but_no_path(tmp_path: Path) -> None:
    with Workspace(tmp_path, "train").locked():
        with pytest.raises(WorkspaceBusy) as refused, Workspace(tmp_path, "nightly").locked():
            pass
    text = str(refused.value)
    assert ": train, since 20" in text
    assert "UTC" in text
    assert str(tmp_path.parent) not in text
    with Workspace(tmp_path).locked():
        pass


def test_a_night_waits_for_the_stated_time_and_says_so(tmp_path: Path) -> None:
    lines: list[str] = []
    holder = Workspace(tmp_path, "train").locked()
    holder.__enter__()
    threading.Timer(0.5, holder.__exit__, (None, None, None)).start()
    with Workspace(tmp_path, "nightly", lines.append).locked(wait_seconds=60):
        pass
    assert "train, since" in lines[0]
    assert "Waiting for up to 1 minutes" in lines[0]
    started = time.monotonic()
    with Workspace(tmp_path, "train").locked():
        with pytest.raises(WorkspaceBusy, match="waited 0.3 seconds"):
            with Workspace(tmp_path).locked(wait_seconds=0.3):
                pass
    assert 0.3 <= time.monotonic() - started < 30


def test_a_step_sees_the_same_tables_to_its_end(tmp_path: Path) -> None:
    night, other = Workspace(tmp_path, "nightly"), Workspace(tmp_path, "contacts")
    with night.locked():
        store_tables(night, "a")
        assert mark_of(night) == {"a"}
        with other.shared():
            store_tables(other, "b")
            assert mark_of(other) == {"b"}
        assert mark_of(night) == {"a"}
    assert mark_of(night) == {"b"}


def test_nobody_removes_the_unfinished_files_and_tables_of_another_step(tmp_path: Path) -> None:
    reader, other = Workspace(tmp_path), Workspace(tmp_path)
    store_tables(reader, "a")
    with reader.shared():
        assert mark_of(reader) == {"a"}
        with reader.replaced(tmp_path / "runs" / AS_OF / "kpi-1") as unfinished:
            with other.locked():
                store_tables(other, "b")
            with other.locked():
                assert unfinished.exists()
            assert mark_of(reader) == {"a"}
    with other.locked():
        assert len(list((tmp_path / "versions").iterdir())) == 1


@pytest.mark.parametrize("step", ["kpi", "report", "contacts", "clock", "quarantine"])
def test_readers_and_contacts_work_while_a_model_is_trained(
    workspace: Path, run_step: Callable, step: str
) -> None:
    order = pl.read_parquet(latest(workspace) / "contact_list.parquet")["order_id"][0]
    file = workspace / "s.csv"
    file.write_text(f"order_id,contacted_at\n{order},{AS_OF} 10:00\n")
    options = {"contacts": ("--file", file), "quarantine": ()}.get(step, ("--as-of", AS_OF))
    with Workspace(workspace, "train").locked():
        done = run_step(step, "--workspace", workspace, *options)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_second_step_that_replaces_something_is_refused(
    workspace: Path, run_step: Callable
) -> None:
    with Workspace(workspace, "train").locked():
        refused = run_step("train", "--workspace", workspace, "--as-of", AS_OF)
    assert refused.returncode == 13
    assert "train, since" in refused.stderr


def test_a_contact_that_comes_during_an_ingest_is_in_its_tables(
    workspace: Path, simulated_raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = pl.read_parquet(latest(workspace) / "contact_list.parquet")["order_id"][0]
    file = workspace / "s.csv"
    file.write_text(f"order_id,as_of,contacted_at\n{order},{AS_OF},{AS_OF} 10:00\n")
    write = Workspace.write_tables

    def with_a_contact(self: Workspace, *arguments: object) -> None:
        with Workspace(workspace).shared():
            take_contacts(Workspace(workspace), Progress(), file=file)
        write(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Workspace, "write_tables", with_a_contact)
    store = Workspace(workspace)
    with store.locked():
        ingest(
            store,
            load_config(workspace),
            Progress(),
            source="canonical",
            raw=simulated_raw,
            is_forced=True,
        )
    own = read_own(store)["contact_id"].to_list()
    assert len(own) == 1
    assert set(own) <= set(store.read_tables()["contacts"]["contact_id"])


def test_files_are_closed_to_others_whatever_the_umask(
    workspace: Path, run_step: Callable, tmp_path: Path
) -> None:
    order = pl.read_parquet(latest(workspace) / "contact_list.parquet")["order_id"][0]
    shutil.copytree(workspace, tmp_path / "copy", symlinks=True)
    workspace = tmp_path / "copy"
    file = workspace / "s.csv"
    file.write_text(f"order_id,contacted_at\n{order},{AS_OF}\nx,{AS_OF}\n")
    started = time.time()
    previous = os.umask(0)
    try:
        write_whole(workspace / "direct.json", "{}")
        assert run_step("contacts", "--workspace", workspace, "--file", file).returncode == 0
        done = run_step("clock", "--workspace", workspace, "--as-of", AS_OF)
        assert done.returncode == 0, done.stderr
    finally:
        os.umask(previous)
    assert stat.S_IMODE(workspace.stat().st_mode) & 0o007 == 0
    new = [
        path
        for path in workspace.rglob("*")
        if path.is_file() and not path.is_symlink() and path.lstat().st_ctime > started
    ]
    assert {"own_contacts.parquet", "dispute_clock.csv", LOG, "direct.json"} <= {
        path.name for path in new
    }
    assert [path for path in new if stat.S_IMODE(path.stat().st_mode) & 0o137] == []


def test_a_run_beside_another_one_is_no_run_that_was_killed(tmp_path: Path) -> None:
    first = RunLog(tmp_path, "train")
    first.begin()
    text = (tmp_path / LOG).read_text().replace(str(os.getpid()), str(os.getppid()))
    (tmp_path / LOG).write_text(text)
    later = RunLog(tmp_path, "kpi")
    later.begin()
    later.piece(name="x")
    assert "former_run_without_end" not in (tmp_path / LOG).read_text()
