"""The nights of many stores: one that fails, hangs or is busy never stops another."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipeline.fleet.fleet import fleet
from pipeline.fleet.fleet_stores import FleetStore, find_stores
from pipeline.fleet.fleet_summary import PAGE, TABLE
from pipeline.fleet.run_fleet import FleetRules, run_fleet
from pipeline.settings.errors import BadInput, FleetIncomplete
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import NIGHT
from tests.unit.sources.openplatform.pull_sections import pull_section

NEXT = NIGHT + timedelta(days=1)
LIST = "contact_list.parquet"


def read_summary(folder: Path, night: date) -> dict[str, dict[str, object]]:
    rows = pl.read_csv(folder / "fleet" / night.isoformat() / TABLE).to_dicts()
    return {str(row["store"]): row for row in rows}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, finished: Path) -> Path:
    """Three stores after the night of `NEXT`: one as it should be, one whose title is hostile and
    whose files are missing, and one that another run has locked."""
    folder = tmp_path_factory.mktemp("stores")
    shutil.copytree(finished, folder / "good", symlinks=True)
    shutil.copytree(finished, folder / "busy", symlinks=True)
    (folder / "=<b>cut<b>" / "raw").mkdir(parents=True)
    (folder / "notes").mkdir()
    with Workspace(folder / "busy").locked(), pytest.raises(FleetIncomplete, match="1 of 3"):
        fleet(folder, FleetRules(jobs=2), as_of=NEXT, source="canonical", options=("--wait", "0"))
    return folder


def test_each_store_has_its_row_and_the_good_one_its_list(stores: Path) -> None:
    rows = read_summary(stores, NEXT)
    good, busy = rows["good"], rows["busy"]
    facts = [good[name] for name in ("state", "exit_code", "attempts", "message")]
    assert facts == ["done", 0, 1, ""]
    run = Workspace(stores / "good").latest(NEXT)
    assert run is not None
    assert good["listed"] == pl.read_parquet(run / LIST).height
    assert (stores / "fleet" / NEXT.isoformat() / str(good["page"])).resolve().is_file()
    # another run may have ended meanwhile, so it was tried twice
    assert (busy["state"], busy["exit_code"], busy["attempts"]) == ("failed", 13, 2)
    assert Workspace(stores / "busy").latest(NEXT) is None
    # files that are missing will be missing again
    (hostile,) = (row for name, row in rows.items() if "cut" in name)
    assert (hostile["state"], hostile["exit_code"], hostile["attempts"]) == ("failed", 10, 1)
    assert "store.toml: no such file" in str(hostile["message"])


def test_a_store_has_the_same_list_as_alone(
    stores: Path, finished: Path, tmp_path: Path, run_step: Callable[..., object]
) -> None:
    alone = shutil.copytree(finished, tmp_path / "good", symlinks=True)
    run_step("nightly", "--workspace", alone, "--as-of", NEXT)
    one, other = (Workspace(folder).latest(NEXT) for folder in (alone, stores / "good"))
    assert one
    assert other
    for name in (LIST, "scores.parquet"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_the_names_of_stores_are_harmless_on_the_page_and_in_the_table(stores: Path) -> None:
    folder = stores / "fleet" / NEXT.isoformat()
    page, table = ((folder / name).read_text() for name in (PAGE, TABLE))
    assert "<b>" not in page
    assert "&lt;b&gt;cut" in page
    assert "\n=" not in table


def test_a_night_that_is_done_is_not_repeated(
    stores: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Workspace(stores / "good").latest(NEXT)
    only = stores / "one"
    only.mkdir()
    (only / "good").symlink_to(stores / "good")
    fleet(only, FleetRules(), as_of=NEXT, source=None, options=())
    assert Workspace(stores / "good").latest(NEXT) == before
    assert "1 of 1 stores are done" in capsys.readouterr().out


def test_a_store_that_takes_too_long_is_stopped_and_later_ones_do_not_start(
    tmp_path: Path, finished: Path
) -> None:
    for name in ("a", "b"):
        shutil.copytree(finished, tmp_path / name, symlinks=True)
    rules = FleetRules(budget_seconds=0.2, store_seconds=1.0)
    with Workspace(tmp_path / "a").locked(), pytest.raises(FleetIncomplete, match="0 of 2"):
        # waits for ten minutes
        fleet(tmp_path, rules, as_of=NEXT, source=None, options=("--wait", "10"))
    rows = read_summary(tmp_path, NEXT)
    assert {name: row["state"] for name, row in rows.items()} == {
        "a": "out of time",
        "b": "not started",
    }
    # the lock of the stopped one is free
    with Workspace(tmp_path / "a").locked():
        pass


def test_a_store_in_use_gets_its_list_at_the_second_attempt(tmp_path: Path, finished: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "a", symlinks=True)
    lock = ExitStack()
    lock.enter_context(Workspace(folder).locked())
    asked: list[str] = []

    def arguments(store: FleetStore) -> list[str]:
        asked.append(store.name)
        if len(asked) == 2:
            lock.close()
        return ["--workspace", str(folder), "--as-of", NEXT.isoformat(), "--wait", "0"]

    stores, log = find_stores(tmp_path), tmp_path / "a.log"
    (result,) = run_fleet(stores, FleetRules(), arguments, lambda _: log, "", lambda _: None)
    assert (result.state, result.attempts) == ("done", 2)
    assert Workspace(folder).latest(NEXT)


def test_a_list_without_what_is_new_is_not_called_done(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(finished, tmp_path / "a", symlinks=True)
    monkeypatch.setenv("AE_SECRET", "secret")
    monkeypatch.setenv("AE_CODE", "code")
    settings = (folder / "config.toml").read_text()
    # a port that is taken, and does not answer
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        section = pull_section(address) + "timeout_seconds = 0.2\n"
        (folder / "config.toml").write_text(f"{settings}\n{section}")
        with pytest.raises(FleetIncomplete, match="0 of 1"):
            fleet(tmp_path, FleetRules(attempts=3), as_of=NEXT, source=None, options=())
    (row,) = read_summary(tmp_path, NEXT).values()
    run = Workspace(folder).latest(NEXT)
    assert run is not None
    assert (row["state"], row["exit_code"], row["attempts"]) == ("failed", 24, 1)
    assert row["listed"] == pl.read_parquet(run / LIST).height
    assert "without what is new" in str(row["message"])


def test_stores_that_waited_longest_come_first(tmp_path: Path, finished: Path) -> None:
    for name in ("a", "new"):
        shutil.copytree(finished, tmp_path / name, symlinks=True)
    (tmp_path / "never" / "tables").mkdir(parents=True)
    older = tmp_path / "a" / "runs"
    (older / NIGHT.isoformat()).rename(older / (NIGHT - timedelta(days=3)).isoformat())
    assert [store.name for store in find_stores(tmp_path)] == ["never", "a", "new"]


def test_a_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no store"):
        find_stores(tmp_path)
    with pytest.raises(BadInput, match="no such folder"):
        find_stores(tmp_path / "missing")
