"""What a night does when a gate is out: refuse with its record and the last list in place, or a
banner on the list."""

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
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, Refused
from pipeline.settings.list_settings import GATE_ACTIONS
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


def test_the_manifest_tells_every_reading(finished: Path) -> None:
    readings = read_json(latest(finished) / "manifest.json")["data_gates"]
    assert {reading["gate"] for reading in readings} >= set(GATE_ACTIONS) - {
        "champion_knows_outcome",
        "base_rate",
    }
    assert not any(reading["is_out"] for reading in readings)
    assert read_json(latest(finished) / "manifest.json")["banner"] == []


def test_a_gate_that_refuses_keeps_the_last_list_and_says_why(
    workspace: Path, run_step: Callable
) -> None:
    former = latest(workspace)
    configure(
        workspace,
        "[data_gates]",
        "count_ratio = 1.001",
        "[data_gates.actions]",
        'row_counts = "refuse"',
    )
    # a week of few orders, as an export that broke off
    place = Workspace(workspace)
    orders = place.table_files().read_all_of("tracking")
    place.replace_table("tracking", orders.filter(pl.col("known_day") < day_number(NIGHT) - 6), {})
    told = run_step("score", "--workspace", workspace, "--as-of", AS_OF, "--force")
    assert (told.returncode, "Traceback" in told.stderr) == (11, False)
    assert "tracking: " in told.stderr
    assert "rows in the last 7 days" in told.stderr
    assert 'row_counts = "banner"' in told.stderr
    assert latest(workspace) == former
    record = json.loads((workspace / "refused" / f"{AS_OF}.json").read_text())
    assert [r["says"] for r in record["data_gates"] if r["is_out"]][0].startswith("tracking: ")
    assert record["inputs"]["sha256"]
    # let through with a warning, the record is gone
    text = (workspace / "config.toml").read_text().replace('"refuse"', '"banner"')
    (workspace / "config.toml").write_text(text)
    told = run_step("score", "--workspace", workspace, "--as-of", AS_OF, "--force")
    assert told.returncode == 0, told.stderr
    assert "note: tracking: " in told.stdout
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
def test_each_gate_can_refuse(workspace: Path, lines: list[str], gate: str) -> None:
    configure(workspace, "[data_gates]", *lines, f'actions = {{ {gate} = "refuse" }}')
    with pytest.raises(Refused, match=f'{gate} = "banner"'):
        do_score(workspace, days=3)
    assert not (workspace / "runs" / str(NIGHT + timedelta(days=3))).exists()


def test_an_ignored_gate_is_read_and_says_nothing(workspace: Path) -> None:
    configure(workspace, "[data_gates]", "drift_size = 0.0001", 'actions = { drift = "ignore" }')
    run = do_score(workspace)
    drift = [r for r in read_json(run / "manifest.json")["data_gates"] if r["gate"] == "drift"]
    assert (drift[0]["is_out"], read_json(run / "manifest.json")["banner"]) == (True, [])


def test_a_night_before_the_champion_knows_its_outcome_and_says_so(workspace: Path) -> None:
    run = do_score(workspace, days=-3)
    assert "has already seen the outcomes" in (run / "README.txt").read_text()


def test_an_unknown_gate_is_an_error(workspace: Path) -> None:
    configure(workspace, "[data_gates]", 'actions = { wind = "refuse" }')
    with pytest.raises(BadInput, match="no gate wind"):
        load_config(workspace)


def test_a_model_of_a_former_version_has_nothing_to_compare_with(finished: Path) -> None:
    booster, rest = require_champion(Workspace(finished)).model.to_text()
    told = json.loads(rest)
    assert len(told["moments"]) > 50
    assert 0 < told["learnt_rate"] < 1
    del told["moments"], told["learnt_rate"]
    model = from_text(booster, json.dumps(told))
    assert (model.moments, model.learnt_rate) == ({}, None)


# -- how good the lists were
# -------------------------------------------------------------------------------------------


def test_past_lists_count_what_had_matured_and_only_honest_nights(workspace: Path) -> None:
    place, config = Workspace(workspace), load_config(workspace)
    later = NIGHT + timedelta(days=config.horizon_days + config.reporting_delay_days)
    assert past_lists(place, place.table_files(), config, later - timedelta(days=1)) is None
    # a night whose model was trained later does not count
    score(place, config, Progress(), as_of=NIGHT - timedelta(days=2))
    found = past_lists(place, place.table_files(), config, later)
    assert found is not None
    assert (found.first, found.last, found.nights) == (NIGHT, NIGHT, 1)
    scores = pl.read_parquet(latest(workspace) / "scores.parquet")
    listed = pl.read_parquet(latest(workspace) / "contact_list.parquet")["order_id"]
    spine = scores.select("order_id", as_of_day=pl.lit(day_number(NIGHT), pl.Int32))
    labels = build_labels(place.read_tables(), spine, config.label_window, day_number(later))
    assert (found.scored, found.listed) == (scores.height, listed.len())
    assert found.scored_disputed == labels["label"].sum()
    assert (
        found.listed_disputed
        == labels.filter(pl.col("order_id").is_in(listed.implode()))["label"].sum()
    )
    assert found.sum_probability == pytest.approx(scores["probability"].sum())
    assert past_lists(place, place.table_files(), config, later + timedelta(days=31)) is None
