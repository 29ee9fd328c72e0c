"""What a night does when a data check fails: it refuses and keeps the previous list, or adds a
warning to the list."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from features.clock import day_number
from features.labels import build_labels
from models.learner.gbm import from_text
from pipeline.history.past_lists import past_lists
from pipeline.night.score import score
from pipeline.registry.model_registry import require_champion
from pipeline.settings.check_settings import GATE_ACTIONS
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, Refused
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace, read_json
from tests.unit.nights import AS_OF, NIGHT, latest


def configure(workspace: Path, *lines: str) -> None:
    with (workspace / "config.toml").open("a") as config:
        config.write("".join(f"{line}\n" for line in lines))


def do_score(workspace: Path, days: int = 0) -> Path:
    return score(
        Workspace(workspace), load_config(workspace), Progress(), as_of=NIGHT + timedelta(days=days)
    )


def test_the_manifest_has_every_reading(finished: Path) -> None:
    readings = read_json(latest(finished) / "manifest.json")["data_gates"]
    assert {reading["gate"] for reading in readings} >= set(GATE_ACTIONS) - {
        "champion_knows_outcome",
        "base_rate",
        # nothing is pulled
        "pull",
    }
    assert not any(reading["is_out"] for reading in readings)
    assert read_json(latest(finished) / "manifest.json")["banner"] == []


def test_a_failed_check_keeps_the_previous_list_and_records_why(
    workspace: Path, run_step: Callable
) -> None:
    previous = latest(workspace)
    configure(
        workspace,
        "[data_gates]",
        "count_ratio = 1.001",
        "[data_gates.actions]",
        'row_counts = "refuse"',
    )
    # a week with few scans, as in an export that was cut off
    store = Workspace(workspace)
    scans = store.table_files().read_all_of("tracking")
    store.replace_table("tracking", scans.filter(pl.col("known_day") < day_number(NIGHT) - 6), {})
    completed = run_step("score", "--workspace", workspace, "--as-of", AS_OF, "--force")
    assert (completed.returncode, "Traceback" in completed.stderr) == (11, False)
    assert "tracking: " in completed.stderr
    assert "rows in the last 7 days" in completed.stderr
    assert 'row_counts = "banner"' in completed.stderr
    assert latest(workspace) == previous
    record = json.loads((workspace / "refused" / f"{AS_OF}.json").read_text())
    assert [r["says"] for r in record["data_gates"] if r["is_out"]][0].startswith("tracking: ")
    assert record["inputs"]["sha256"]
    # with a warning instead, the list is published and the record is gone
    text = (workspace / "config.toml").read_text().replace('"refuse"', '"banner"')
    (workspace / "config.toml").write_text(text)
    completed = run_step("score", "--workspace", workspace, "--as-of", AS_OF, "--force")
    assert completed.returncode == 0, completed.stderr
    assert "note: tracking: " in completed.stdout
    readme = (latest(workspace) / "README.txt").read_text()
    assert readme.startswith("WARNING: tracking: ")
    assert "tracking: " in read_json(latest(workspace) / "manifest.json")["banner"][0]
    assert not (workspace / "refused" / f"{AS_OF}.json").exists()


@pytest.mark.parametrize(
    ("lines", "gate"),
    [
        (["drift_size = 0.0001", "drift_share = 0.0"], "drift"),
        (["champion_age_days = 1"], "champion_age"),
    ],
)
def test_each_check_can_refuse(workspace: Path, lines: list[str], gate: str) -> None:
    configure(workspace, "[data_gates]", *lines, f'actions = {{ {gate} = "refuse" }}')
    with pytest.raises(Refused, match=f'{gate} = "banner"'):
        do_score(workspace, days=3)
    assert not (workspace / "runs" / str(NIGHT + timedelta(days=3))).exists()


def test_an_ignored_check_is_read_but_not_shown(workspace: Path) -> None:
    configure(workspace, "[data_gates]", "drift_size = 0.0001", 'actions = { drift = "ignore" }')
    run = do_score(workspace)
    drift = [r for r in read_json(run / "manifest.json")["data_gates"] if r["gate"] == "drift"]
    assert (drift[0]["is_out"], read_json(run / "manifest.json")["banner"]) == (True, [])


def test_a_night_before_the_training_day_gets_a_warning(workspace: Path) -> None:
    run = do_score(workspace, days=-3)
    assert "has already seen the outcomes" in (run / "README.txt").read_text()


def test_an_unknown_check_is_an_error(workspace: Path) -> None:
    configure(workspace, "[data_gates]", 'actions = { wind = "refuse" }')
    with pytest.raises(BadInput, match="no data check wind"):
        load_config(workspace)


def test_a_model_of_an_earlier_version_has_nothing_to_compare_with(finished: Path) -> None:
    booster, rest = require_champion(Workspace(finished)).model.to_text()
    parts = json.loads(rest)
    assert len(parts["moments"]) > 50
    assert 0 < parts["learnt_rate"] < 1
    del parts["moments"], parts["learnt_rate"]
    model = from_text(booster, json.dumps(parts))
    assert (model.moments, model.learnt_rate) == ({}, None)


# -- how good past lists were


def test_past_lists_count_final_outcomes_of_honest_nights_only(workspace: Path) -> None:
    store, config = Workspace(workspace), load_config(workspace)
    later = NIGHT + timedelta(days=config.horizon_days + config.reporting_delay_days)
    assert past_lists(store, store.table_files(), config, later - timedelta(days=1)) is None
    # a night whose model was trained later does not count
    score(store, config, Progress(), as_of=NIGHT - timedelta(days=2))
    past = past_lists(store, store.table_files(), config, later)
    assert past is not None
    assert (past.first, past.last, past.nights) == (NIGHT, NIGHT, 1)
    scores = pl.read_parquet(latest(workspace) / "scores.parquet")
    listed = pl.read_parquet(latest(workspace) / "contact_list.parquet")["order_id"]
    spine = scores.select("order_id", as_of_day=pl.lit(day_number(NIGHT), pl.Int32))
    labels = build_labels(store.read_tables(), spine, config.label_window, day_number(later))
    assert (past.scored, past.listed) == (scores.height, listed.len())
    assert past.scored_disputed == labels["label"].sum()
    assert (
        past.listed_disputed
        == labels.filter(pl.col("order_id").is_in(listed.implode()))["label"].sum()
    )
    assert past.sum_probability == pytest.approx(scores["probability"].sum())
    assert past_lists(store, store.table_files(), config, later + timedelta(days=31)) is None
