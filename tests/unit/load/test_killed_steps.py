"""`requarantine` and `pull` are killed before any change on disk: no correction, contact or row is
lost, and the next run completes."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipeline.load.contacts import read_own, take_contacts
from pipeline.load.ingest import ingest
from pipeline.load.sheet_faults import fault_files
from pipeline.settings.config import load_config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import ROOT, leftovers

# runs a step and kills it before change number argv[1]; prints how many changes were left
DIE = """
import os, signal, sys
from pipeline.__main__ import main
left, folder = int(sys.argv[1]), os.path.abspath(sys.argv[2])
del sys.argv[1:3]

def die(event, arguments):
    global left
    if event in {"os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.link"}:
        if folder in os.path.abspath(str(arguments[0])):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
try:
    main()
finally:
    print("LEFT", left)
"""


def run_killed(kill_at: int, folder: Path, *arguments: object) -> tuple[int, int]:
    """(exit code, number of changes; 0 if it was killed)."""
    command = [sys.executable, "-c", DIE, str(kill_at), str(folder), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("LEFT")]
    return done.returncode, kill_at - int(lines[0].split()[1]) if lines else 0


@pytest.fixture
def corrected(make_source: Callable, tmp_path: Path) -> Path:
    """A workspace with a corrected order and a corrected contact in quarantine."""
    source = make_source("canonical")
    source.files["orders.csv"][4]["total_usd"] = "21;50"
    raw, folder = source.write(tmp_path / "raw"), tmp_path / "w"
    workspace = Workspace(folder)
    with workspace.locked():
        ingest(workspace, load_config(folder), Progress(), source="canonical", raw=raw)
    placed = workspace.table_files().read_placed().sort("order_id")
    day = placed["occurred_at"].max().date().isoformat()
    first, second = placed["order_id"][0], placed["order_id"][1]
    sheet = tmp_path / "s.csv"
    sheet.write_text(
        f"order_id,as_of,contacted_at\n{first},{day},someday\n{second},{day},{day} 23:59\n"
    )
    take_contacts(workspace, Progress(), file=sheet)
    [path] = fault_files(workspace)
    path.write_text(path.read_text().replace('""someday""', f'""{day} 23:59""'))
    orders = workspace.quarantine / "orders.csv"
    orders.write_text(orders.read_text().replace('""21;50""', '""21.50""'))
    return folder


def test_a_killed_requarantine_loses_no_correction_and_no_contact(
    corrected: Path, tmp_path: Path
) -> None:
    options = ("requarantine", "--workspace", tmp_path / "copy", "--source", "canonical")
    options += ("--raw", tmp_path / "raw")

    def fresh() -> Path:
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        return shutil.copytree(corrected, tmp_path / "copy", symlinks=True)

    code, count = run_killed(1_000_000, fresh(), *options)
    assert code == 0
    assert count > 12
    rows = Workspace(tmp_path / "copy").read_tables()["orders"].height
    for kill_at in range(1, count + 1, max(count // 4, 1)):
        workspace = Workspace(fresh())
        assert run_killed(kill_at, workspace.folder, *options)[0] == -9
        assert workspace.read_tables()["orders"].height in (rows - 1, rows)
        assert run_killed(1_000_000, workspace.folder, *options)[0] == 0
        tables = workspace.read_tables()
        assert tables["orders"].height == rows
        assert read_own(workspace).height == 2
        assert set(read_own(workspace)["contact_id"]) <= set(tables["contacts"]["contact_id"])
        assert fault_files(workspace) == []
        with workspace.locked():
            assert leftovers(workspace.folder) == []


def test_a_killed_pull_continues_with_all_rows(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    base = tmp_path / "shop.db"

    def put(first: int, last: int) -> None:
        with sqlite3.connect(base) as shop:
            shop.execute("create table if not exists sales (id integer primary key, note text)")
            shop.executemany(
                "insert into sales values (?, ?)", [(i, "x") for i in range(first, last)]
            )

    put(1, 50)
    (raw / "database.toml").write_text(
        f'url = "sqlite:///{base}"\n[[query]]\nname = "sales"\n'
        'sql = "select * from sales"\nwatermark = "id"\nkey = "id"\n'
    )
    code, count = run_killed(1_000_000, raw, "pull", "--raw", raw)
    assert code == 0
    assert count > 0
    for kill_at in range(1, min(count, 4) + 1):
        last = 50 + 10 * kill_at
        put(last - 10, last)
        run_killed(kill_at, raw, "pull", "--raw", raw)
        assert run_killed(1_000_000, raw, "pull", "--raw", raw)[0] == 0
        ids = pl.read_parquet(raw / "sales.parquet")["id"].cast(pl.Int64)
        assert sorted(ids) == list(range(1, last))
