"""Six leaks typical of history features: `leak-proof` reports each in a modified program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.load.ingest import ingest
from pipeline.settings.config import load_config
from pipeline.simulation.simulate import simulate
from pipeline.training.leak_proof import RESULT, changed
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.property.program_copies import ROOT, copy_program

# the mistake: the file, the right line, and the wrong line that replaces it
LEAKS = {
    "event time instead of known time": (
        "features/tables.py",
        'known_day=clock.local_day(pl.col("known_at"), zone)',
        'known_day=clock.local_day(pl.col("occurred_at"), zone)',
    ),
    "a fact stamped at the cutoff counts": (
        "features/clock.py",
        "return known_day < as_of_day",
        "return known_day <= as_of_day",
    ),
    "the status column as it is now": (
        "features/asof.py",
        'keys.join(facts, on=on, how="inner").filter(known)',
        'keys.join(facts, on=on, how="inner")',
    ),
    "shares over the whole table": (
        "features/asof.py",
        "first_cuts = count_before(cuts, fact_days + 1) + 1",
        "first_cuts = np.minimum(count_before(cuts, fact_days + 1) + 1, len(cuts))",
    ),
    "a revised fact replaces the first": (
        "features/totals/first_facts.py",
        'facts.filter(pl.col("known_at") == pl.col("known_at").min().over("order_id"))',
        'facts.filter(pl.col("known_at") == pl.col("known_at").max().over("order_id"))',
    ),
    "a link between facts that became known later": (
        "features/totals/entity_facts.py",
        '_LATER = pl.max_horizontal("known_day", "member_day").alias("known_day")',
        '_LATER = pl.col("known_day")',
    ),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of a small simulated store. Shared: copy it."""
    workspace = Workspace(tmp_path_factory.mktemp("leaks"))
    config = load_config(workspace.folder)
    raw = simulate(workspace, config, Progress(), orders=600, first=date(2024, 1, 1), days=150)
    with workspace.locked():
        ingest(workspace, config, Progress(), source="canonical", raw=raw)
    return workspace.folder


def prove(program: Path, workspace: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "leak-proof",
        "--workspace",
        str(workspace),
        "--nights",
        "1",
    ]
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=program, env=env, capture_output=True, text=True, timeout=300, check=False
    )


def with_leak(leak: str, program: Path) -> Path:
    """The folder of a copy of the program in which one line is wrong."""
    name, right, wrong = LEAKS[leak]
    copy_program(program)
    text = (program / name).read_text(encoding="utf-8")
    assert text.count(right) == 1
    (program / name).write_text(text.replace(right, wrong), encoding="utf-8")
    return program


def test_the_unmodified_program_has_no_leak(store: Path, tmp_path: Path) -> None:
    workspace = shutil.copytree(store, tmp_path / "w", symlinks=True)
    done = prove(ROOT, workspace)
    assert done.returncode == 0, done.stderr
    assert "0 violations" in done.stderr + done.stdout
    result = pl.read_csv(workspace / RESULT)
    assert set(result["moves"]) == {"yes"}
    assert result.select("altered", "deleted", "added").sum().sum_horizontal().item() > 3_000


@pytest.mark.parametrize("leak", LEAKS)
def test_leak_proof_reports(leak: str, store: Path, tmp_path: Path) -> None:
    done = prove(
        with_leak(leak, tmp_path / "program"), shutil.copytree(store, tmp_path / "w", symlinks=True)
    )
    assert done.returncode == 16, done.stderr
    assert "does not keep to the rule of time" in done.stderr
    assert len(done.stderr) < 2_000, "the message names some, the file has all"
    assert "Traceback" not in done.stderr
    assert pl.read_csv(tmp_path / "w" / RESULT)["violations"].sum() > 0


def test_too_little_history_is_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    config = load_config(tmp_path)
    raw = simulate(workspace, config, Progress(), orders=100, first=date(2024, 1, 1), days=10)
    with workspace.locked():
        ingest(workspace, config, Progress(), source="canonical", raw=raw)
    done = prove(ROOT, tmp_path)
    assert done.returncode == 11
    assert "fewer than sixty days" in done.stderr


def test_a_single_bit_is_reported() -> None:
    one = pl.DataFrame({"a": [0.0, 1.0, None], "b": ["x", "y", "z"]})
    assert changed(one, one.clone()) == []
    assert changed(one, one.with_columns(a=pl.Series([-0.0, 1.0, None]))) == ["a"]
    assert changed(one, one.with_columns(a=pl.Series([0.0, np.nextafter(1.0, 2.0), None]))) == ["a"]
    assert changed(
        one, one.with_columns(a=pl.Series([0.0, 1.0, 0.0]), b=pl.Series(["x", "y", None]))
    ) == ["a", "b"]
