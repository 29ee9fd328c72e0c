"""Nights of a store with too few disputes to train a model."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.clock import day_number
from features.tables import Tables
from pipeline.night.nightly import nightly
from pipeline.night.rule_scorer import ENDED_AFTER_DAYS, count_ended_orders, score_by_rules
from pipeline.settings.config import load_config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace, read_json
from tests.unit.conftest import FAST, NIGHT

EARLY, PAGE = date(2025, 3, 1), "page = {charts = false, indicator_weeks = 0}\n"
WARNING = "This list uses fixed rules"


def do(folder: Path, raw: Path, as_of: date, settings: str) -> Path:
    workspace = Workspace(folder)
    workspace.folder.mkdir(exist_ok=True)
    (workspace.folder / "config.toml").write_text(settings)
    with workspace.locked():
        return nightly(
            workspace,
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


def test_an_order_ends_at_midnight_in_the_stores_zone(
    tmp_path: Path, make_tables: Callable[..., Tables]
) -> None:
    """In Shanghai, 2 February starts at 16:00 UTC on 1 February."""
    as_of = date(2024, 6, 1)
    assert (as_of - date(2024, 2, 2)).days == ENDED_AFTER_DAYS
    tables = make_tables(
        orders="""
        order_id | occurred_at
        before   | 02-01T15:59
        at       | 02-01T16:00
        after    | 02-01T23:59
        """,
        disputes="""
        order_id | step   | occurred_at
        before   | opened | 02-20
        at       | opened | 02-20
        """,
        zone="Asia/Shanghai",
    )
    workspace = Workspace(tmp_path)
    workspace.write_tables(tables, {"input_sha256": {}})
    files = workspace.table_files()
    assert count_ended_orders(files, day_number(as_of)) == (1, 1)
    assert count_ended_orders(files, day_number(as_of) + 1) == (3, 2)


def test_orders_from_before_disputes_were_recorded_say_nothing(
    tmp_path: Path, make_tables: Callable[..., Tables]
) -> None:
    """A page said "0 of the 4,151 orders that have ended" next to a measured rate of 4 %."""
    old = "\n".join(f"old{number} | 01-{number % 28 + 1:02}" for number in range(50))
    tables = make_tables(
        orders=f"order_id | occurred_at\n{old}\nfirst | 03-01\nquiet | 03-05\nyoung | 06-20",
        disputes="order_id | step | occurred_at\nfirst | opened | 06-10\nyoung | opened | 06-28",
    )
    workspace = Workspace(tmp_path)
    workspace.write_tables(tables, {"input_sha256": {}})
    files = workspace.table_files()
    assert count_ended_orders(files, day_number(date(2024, 6, 30))) == (1, 1)
    assert count_ended_orders(files, day_number(date(2024, 7, 30))) == (2, 1)
    # before the first dispute is known, nothing is: the assumed rate alone counts
    assert count_ended_orders(files, day_number(date(2024, 6, 9))) == (0, 0)
    scorer = score_by_rules(files, load_config(tmp_path), date(2024, 6, 9))
    assert "assume that 3.0% of the orders are disputed (assumed_dispute_rate" in scorer.warning
    assert "0 of the" not in scorer.warning


def test_every_file_of_the_list_has_the_warning_about_rules(by_rules: Path) -> None:
    run = run_of(by_rules)
    facts = read_json(run / "manifest.json")
    assert facts["model"] == {
        "name": "dispute-risk",
        "version": "rules",
        "trained_as_of": EARLY.isoformat(),
    }
    assert facts["banner"][0].startswith(WARNING)
    assert facts["health"]["verdict"] == "unknown"
    assert WARNING in (run / "README.txt").read_text()
    page = (run / "report.html").read_text()
    assert WARNING in page
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


def test_a_model_takes_over_as_soon_as_there_are_enough_disputes(
    by_rules: Path, simulated_raw: Path
) -> None:
    run = do(by_rules, simulated_raw, NIGHT, FAST)
    facts = read_json(run / "manifest.json")
    assert facts["model"]["version"] == "1"
    assert not any(WARNING in line for line in facts["banner"])


def test_a_store_without_any_disputes_gets_its_list(
    simulated_raw: Path, tmp_path: Path, run_step: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for path in simulated_raw.iterdir():
        if path.is_file() and path.name not in ("disputes.csv", "messages.csv"):
            (raw / path.name).write_bytes(path.read_bytes())
    where = ("--workspace", tmp_path / "shop", "--as-of", EARLY)
    completed = run_step("nightly", *where, "--source", "canonical", "--raw", raw)
    assert completed.returncode == 0, completed.stderr
    assert WARNING in completed.stdout + completed.stderr
    assert (
        "The rules assume that 3.0% of the orders are disputed"
        in completed.stdout + completed.stderr
    )
    assert pl.read_parquet(run_of(tmp_path / "shop") / "contact_list.parquet").height > 0
    # the steps that need a model fail
    for step, code in (("train", 11), ("score", 12)):
        refused = run_step(step, *where)
        assert refused.returncode == code, refused.stderr
        assert "Traceback" not in refused.stderr
