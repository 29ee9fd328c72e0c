"""Six leaks that history features are known for: seeded into a copy of the program, `leak-proof`
finds each."""

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

ROOT = Path(__file__).resolve().parents[3]
# what is done wrong: the file, the right line, and what it is replaced by
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
        'keys.join(facts, on=on, how="inner").filter(is_visible(pl.col("known_day"), pl.col("as_of_day")))',
        'keys.join(facts, on=on, how="inner")',
    ),
    "shares over the whole table": (
        "features/asof.py",
        "first_cuts = count_before(cuts, told + 1) + 1",
        "first_cuts = np.minimum(count_before(cuts, told + 1) + 1, len(cuts))",
    ),
    "a revised fact replaces the first": (
        "features/totals/order_facts.py",
        'facts.filter(pl.col("known_at") == pl.col("known_at").min().over("order_id"))',
        'facts.filter(pl.col("known_at") == pl.col("known_at").max().over("order_id"))',
    ),
    "a link between facts that was learnt later": (
        "features/totals/entity_facts.py",
        '_LATER = pl.max_horizontal("known_day", "member_day").alias("known_day")',
        '_LATER = pl.col("known_day")',
    ),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of a small simulated store. Shared: copy it."""
    place = Workspace(tmp_path_factory.mktemp("leaks"))
    config = load_config(place.folder)
    raw = simulate(place, config, Progress(), orders=600, first=date(2024, 1, 1), days=150)
    with place.locked():
        ingest(place, config, Progress(), source="canonical", raw=raw)
    return place.folder


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
    """A copy of the program in which one line is wrong; the folder it is in."""
    name, right, wrong = LEAKS[leak]
    for package in ("features", "models", "pipeline"):
        shutil.copytree(
            ROOT / package, program / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    text = (program / name).read_text(encoding="utf-8")
    assert text.count(right) == 1
    (program / name).write_text(text.replace(right, wrong), encoding="utf-8")
    return program


def test_the_program_as_it_is_has_none(store: Path, tmp_path: Path) -> None:
    workspace = shutil.copytree(store, tmp_path / "w", symlinks=True)
    told = prove(ROOT, workspace)
    assert told.returncode == 0, told.stderr
    assert "0 violations" in told.stderr + told.stdout
    result = pl.read_csv(workspace / RESULT)
    assert set(result["moves"]) == {"yes"}
    assert result.select("altered", "deleted", "added").sum().sum_horizontal().item() > 3_000


@pytest.mark.parametrize("leak", LEAKS)
def test_leak_proof_finds(leak: str, store: Path, tmp_path: Path) -> None:
    told = prove(
        with_leak(leak, tmp_path / "program"), shutil.copytree(store, tmp_path / "w", symlinks=True)
    )
    assert told.returncode == 16, told.stderr
    assert "does not keep to the rule of time" in told.stderr
    assert len(told.stderr) < 2_000, "some are named, the file has all"
    assert "Traceback" not in told.stderr
    assert pl.read_csv(tmp_path / "w" / RESULT)["violations"].sum() > 0


def test_too_little_to_tell_apart_is_refused(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    config = load_config(tmp_path)
    raw = simulate(place, config, Progress(), orders=100, first=date(2024, 1, 1), days=10)
    with place.locked():
        ingest(place, config, Progress(), source="canonical", raw=raw)
    told = prove(ROOT, tmp_path)
    assert told.returncode == 11
    assert "fewer than sixty days" in told.stderr


def test_a_single_bit_is_seen() -> None:
    one = pl.DataFrame({"a": [0.0, 1.0, None], "b": ["x", "y", "z"]})
    assert changed(one, one.clone()) == []
    assert changed(one, one.with_columns(a=pl.Series([-0.0, 1.0, None]))) == ["a"]
    assert changed(one, one.with_columns(a=pl.Series([0.0, np.nextafter(1.0, 2.0), None]))) == ["a"]
    assert changed(
        one, one.with_columns(a=pl.Series([0.0, 1.0, 0.0]), b=pl.Series(["x", "y", None]))
    ) == ["a", "b"]
