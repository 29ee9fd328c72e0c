"""Fixtures of the unit tests: source folders, steps run as a user runs them, and a finished nightly
run of a small simulated store."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pipeline.night.nightly import nightly
from pipeline.settings.config import load_config
from pipeline.simulation.simulate import simulate
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import NIGHT, ROOT
from tests.unit.source_folders import Source, sound_source

STORE_START = date(2025, 1, 1)
# only a step that hangs takes longer, however busy the machine is
HANGS_SECONDS = 600
# a message costs next to nothing: in such a small store, few orders would be worth one otherwise
FAST = "max_training_rows = 5000\nmin_training_disputes = 5\nactions = {least_worth_usd = 0.0}\n"
# without the charts and rates, which take seconds; the browser tests have them
FAST += "page = {charts = false, indicator_weeks = 0}\n"


@pytest.fixture
def make_source() -> Callable[[str], Source]:
    """Make a source without faults, which the test may change before it writes it."""
    return sound_source


@pytest.fixture(scope="session")
def run_step() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m pipeline ...` as a user does."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=HANGS_SECONDS, check=False
        )

    return run


# Replaces the quarantine, the tables and the last run with content that has the same mark, and
# prints minus the number of changes on disk. Kills itself before change number argv[3], if given.
_REPLACE_ALL = """
import os, signal, sys
from datetime import date
from pathlib import Path
import polars as pl
from features.tables import TABLES, create_tables
from pipeline.workspace.manifest import new_id
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import RUN_FILES

folder, mark, changes_left = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
CHANGES = {"os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir"}

def die_at_a_change(event, arguments):
    global changes_left
    if event in CHANGES and str(folder) in os.path.abspath(str(arguments[0])):
        changes_left -= 1
        if changes_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

rows = {name: pl.DataFrame({key: [mark] for key in table.key}) for name, table in TABLES.items()}
sys.addaudithook(die_at_a_change)
workspace = Workspace(folder)
with workspace.locked():
    full = {n: pl.concat([TABLES[n].empty(), rows[n]], how="diagonal") for n in TABLES}
    workspace.write_quarantine({"orders.csv": pl.DataFrame({"row": [mark]})})
    workspace.write_tables(create_tables(full, zone="UTC"), {"mark": mark})
    with workspace.new_run(date(2025, 7, 10), new_id()) as run:
        for name in RUN_FILES:
            (run / name).write_text(mark)
print(changes_left)
"""


@pytest.fixture(scope="session")
def replace_all() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Replace everything in a workspace in a separate process, which is killed by SIGKILL before
    change number `kill_at`."""

    def run(folder: Path, mark: str, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", _REPLACE_ALL, str(folder), mark, str(kill_at)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def simulated_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw files of a simulated store with 1,500 orders in 200 days."""
    workspace = Workspace(tmp_path_factory.mktemp("store"))
    return simulate(
        workspace,
        load_config(workspace.folder),
        Progress(),
        orders=1500,
        first=STORE_START,
        days=200,
    )


@pytest.fixture(scope="session")
def do_night(simulated_raw: Path) -> Callable[..., Path]:
    """Do the nightly run in a workspace, within this process. Returns the run folder."""

    def do(folder: Path, *, is_forced: bool = False, raw: Path = simulated_raw) -> Path:
        workspace = Workspace(folder)
        if not (folder / "config.toml").exists():
            (folder / "config.toml").write_text(FAST)
        with workspace.locked():
            return nightly(
                workspace,
                load_config(folder),
                Progress(),
                as_of=NIGHT,
                source="canonical",
                raw=raw,
                is_forced=is_forced,
            )

    return do


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, do_night: Callable[..., Path]) -> Path:
    """A workspace with a finished nightly run. It is shared, so only read it."""
    folder = tmp_path_factory.mktemp("finished")
    do_night(folder)
    return folder


@pytest.fixture
def workspace(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished workspace, which the test may change."""
    return shutil.copytree(finished, tmp_path / "workspace", symlinks=True)
