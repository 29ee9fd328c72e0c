"""Nights of a store with too few disputes to learn from."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipeline.night.nightly import nightly
from pipeline.settings.config import load_config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace, read_json
from tests.unit.conftest import FAST, NIGHT

EARLY, PAGE = date(2025, 3, 1), "page = {charts = false, indicator_weeks = 0}\n"
SAID = "This list is made by rules alone"


def do(folder: Path, raw: Path, as_of: date, settings: str) -> Path:
    place = Workspace(folder)
    place.folder.mkdir(exist_ok=True)
    (place.folder / "config.toml").write_text(settings)
    with place.locked():
        return nightly(
            place,
            load_config(folder),
            Progress(),
            as_of=as_of,
            source="canonical",
            raw=raw,
            is_forced=False,
        )


@pytest.fixture(scope="module")
def by_rules(simulated_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of a store that is two months old."""
    folder = tmp_path_factory.mktemp("young")
    do(folder, simulated_raw, EARLY, PAGE)
    return folder


def run_of(folder: Path, as_of: date = EARLY) -> Path:
    return (folder / "runs" / as_of.isoformat() / "latest").resolve()


def test_the_list_says_everywhere_that_it_is_made_by_rules(by_rules: Path) -> None:
    run = run_of(by_rules)
    facts = read_json(run / "manifest.json")
    assert facts["model"] == {
        "name": "dispute-risk",
        "version": "rules",
        "trained_as_of": EARLY.isoformat(),
    }
    assert facts["banner"][0].startswith(SAID)
    assert facts["health"]["verdict"] == "unknown"
    assert SAID in (run / "README.txt").read_text()
    page = (run / "report.html").read_text()
    assert SAID in page
    assert ">Too few closed disputes to train a model; this list uses fixed rules." in page
    assert "Model version" not in page.replace("Model version {version}", "")


def test_every_listed_order_has_a_reason_and_a_plausible_chance(by_rules: Path) -> None:
    run = run_of(by_rules)
    listed, scores = (
        pl.read_parquet(run / "contact_list.parquet"),
        pl.read_parquet(run / "scores.parquet"),
    )
    assert listed.height > 0
    assert (listed["reason_1"] != "").all()
    assert (listed["expected_value_usd"] > 0).all()
    assert scores["probability"].is_between(0, 0.5, closed="right").all()
    assert 0.005 < scores["probability"].mean() < 0.08
    assert (scores["probability_low"] == 0).all()
    assert (scores["probability_high"] == 1).all()
    assert scores["not_received_share"].null_count() == scores.height


def test_the_same_night_again_gives_the_same_list(
    by_rules: Path, simulated_raw: Path, tmp_path: Path
) -> None:
    again = do(tmp_path, simulated_raw, EARLY, PAGE)
    for name in ("contact_list.csv", "scores.parquet", "assignments.parquet"):
        assert (again / name).read_bytes() == (run_of(by_rules) / name).read_bytes(), name


def test_a_model_takes_over_as_soon_as_there_is_enough(by_rules: Path, simulated_raw: Path) -> None:
    run = do(by_rules, simulated_raw, NIGHT, FAST)
    facts = read_json(run / "manifest.json")
    assert facts["model"]["version"] == "1"
    assert not any(SAID in line for line in facts["banner"])


def test_a_store_without_any_disputes_gets_its_list(
    simulated_raw: Path, tmp_path: Path, run_step: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for path in simulated_raw.iterdir():
        if path.is_file() and path.name not in ("disputes.csv", "messages.csv"):
            (raw / path.name).write_bytes(path.read_bytes())
    where = ("--workspace", tmp_path / "shop", "--as-of", EARLY)
    done = run_step("nightly", *where, "--source", "canonical", "--raw", raw)
    assert done.returncode == 0, done.stderr
    assert SAID in done.stdout + done.stderr
    assert "3.0% of the orders are taken to be disputed" in done.stdout + done.stderr
    assert pl.read_parquet(run_of(tmp_path / "shop") / "contact_list.parquet").height > 0
    # who asks for a model is told that there is none
    for step, code in (("train", 11), ("score", 12)):
        refused = run_step(step, *where)
        assert refused.returncode == code, refused.stderr
        assert "Traceback" not in refused.stderr
