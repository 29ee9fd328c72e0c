"""A night: the files it writes, that it can be repeated byte for byte, and when it is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import mlflow
import numpy as np
import polars as pl
import pytest
from filelock import FileLock
from mlflow.exceptions import MlflowException

from features.build.registry import build_features
from features.clock import day_number
from features.spine import build_spine
from features.tables import CAUSES
from pipeline.installation.release import VERSION
from pipeline.night.score import score
from pipeline.registry.model_registry import require_champion, tracking_uri
from pipeline.settings.config import Config, load_config
from pipeline.settings.errors import Refused
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import AS_OF, NIGHT, ROOT, RUN_FILES, latest, leftovers

LIST_COLUMNS = [
    "rank",
    "order_id",
    "buyer_id",
    "product_id",
    "stage",
    "probability",
    "likely_cause",
    "reason_1",
    "reason_2",
    "reason_3",
    "contact_by",
    "action",
    "why_action",
    "stake_usd",
    "prevented_usd",
    "cost_usd",
    "expected_value_usd",
    "offer_usd",
    "also_orders",
    "basis",
]
MORE_COLUMNS = [
    "as_of",
    "country",
    "message_language",
    "product_title",
    "order_value_usd",
    "carrier",
    "tracking_number",
    "last_scan",
    "last_scan_at",
    "last_scan_location",
    "said_by",
    "said_at",
    "first_words",
    "unanswered_since",
    "order_url",
    "thread_url",
    "parcel_url",
    "draft_message",
    "contacted_at",
    "outcome",
]


# -- what a night writes


def test_a_night_writes_the_agreed_files_and_columns(finished: Path) -> None:
    run = latest(finished)
    assert sorted(path.name for path in run.iterdir()) == RUN_FILES
    scores, listed = pl.read_parquet(run / "scores.parquet"), pl.read_csv(run / "contact_list.csv")
    assert scores.columns == [
        "order_id",
        "as_of",
        "stage",
        "probability",
        "probability_low",
        "probability_high",
        "not_received_share",
        "not_as_described_share",
        "other_share",
        "end_probability",
        "stake_usd",
        "action",
        "expected_value_usd",
    ]
    shares = scores.select(f"{cause}_share" for cause in CAUSES)
    assert shares.sum_horizontal().to_numpy() == pytest.approx(1.0)
    assert set(listed["likely_cause"]) <= set(CAUSES)
    assert (scores["probability_low"] <= scores["probability"]).all()
    assert (scores["probability"] <= scores["probability_high"]).all()
    assert (scores["probability_low"] < scores["probability_high"]).all()
    assert listed.columns == LIST_COLUMNS + MORE_COLUMNS
    assert scores["as_of"].unique().to_list() == [NIGHT]
    assert scores["order_id"].is_unique().all()
    assert scores["probability"].is_between(0, 1, closed="none").all()
    assert 1 <= listed.height <= Config().decide.capacity
    assert listed["rank"].to_list() == list(range(1, listed.height + 1))
    assert set(listed["order_id"]) <= set(scores["order_id"])
    assert listed["expected_value_usd"].is_sorted(descending=True)
    assert (finished / "quarantine").is_dir()
    assert (finished / "tables/orders.parquet").exists()
    assert leftovers(finished) == []


def test_list_holds_only_open_undisputed_orders(finished: Path) -> None:
    tables = Workspace(finished).read_tables()
    opened = tables["disputes"].filter(
        pl.col("step") == "opened", pl.col("known_day") < day_number(NIGHT)
    )
    scored = pl.read_parquet(latest(finished) / "scores.parquet")["order_id"]
    assert not set(scored) & set(opened["order_id"])
    placed = tables["orders"].filter(pl.col("known_day") < day_number(NIGHT))
    assert set(scored) <= set(placed["order_id"])


def test_the_manifest_has_the_inputs_of_the_night(finished: Path, simulated_raw: Path) -> None:
    run = latest(finished)
    manifest = json.loads((run / "manifest.json").read_text())
    raw = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in simulated_raw.glob("*.csv")
    }
    assert manifest["inputs"]["sha256"] == raw
    assert manifest["inputs"]["config"]["max_training_rows"] == 5000
    assert manifest["source"]["source"] == "canonical"
    assert (
        manifest["source"]["input_rows"]["orders.csv"]
        == manifest["source"]["table_rows"]["orders"]
        == 1500
    )
    assert manifest["rows"]["scores"] == pl.read_parquet(run / "scores.parquet").height
    assert manifest["rows"]["contact_list"] == pl.read_csv(run / "contact_list.csv").height
    assert manifest["model"] == {"name": "dispute-risk", "version": "1", "trained_as_of": AS_OF}
    assert (manifest["seed"], manifest["as_of"], manifest["run_id"]) == (7, AS_OF, run.name)
    assert {"python", "polars", "lightgbm", "mlflow-skinny"} <= set(manifest["versions"])
    assert manifest["git_revision"]
    assert manifest["release"] == VERSION
    assert {"ingest", "features", "train", "score"} <= set(manifest["timings_seconds"])


# -- repeating a night


def test_a_finished_night_is_skipped_and_force_repeats_it_byte_for_byte(
    workspace: Path, do_night: Callable[..., Path]
) -> None:
    first, tables = latest(workspace), (workspace / "tables").resolve()
    assert do_night(workspace) == first
    assert (workspace / "tables").resolve() == tables
    assert do_night(workspace, is_forced=True) != first
    assert latest(workspace) != first
    for name in set(RUN_FILES) - {"manifest.json"}:
        assert (latest(workspace) / name).read_bytes() == (first / name).read_bytes()


def test_two_fresh_workspaces_give_the_same_bytes(
    finished: Path, tmp_path: Path, do_night: Callable[..., Path]
) -> None:
    do_night(tmp_path)
    for name in set(RUN_FILES) - {"manifest.json"}:
        assert (latest(tmp_path) / name).read_bytes() == (latest(finished) / name).read_bytes()


def test_score_is_skipped_until_its_settings_change(workspace: Path) -> None:
    store, first = Workspace(workspace), latest(workspace)
    assert score(store, load_config(workspace), Progress(), as_of=NIGHT) == first
    run = score(store, load_config(workspace, capacity=3), Progress(), as_of=NIGHT)
    assert latest(workspace) == run != first
    assert pl.read_csv(run / "contact_list.csv").height == 3


def test_model_in_the_registry_gives_the_scorers_probabilities(finished: Path) -> None:
    store = Workspace(finished)
    mlflow.set_tracking_uri(tracking_uri(store))
    model = mlflow.pyfunc.load_model("models:/dispute-risk@champion")
    tables = store.read_tables()
    rows = build_features(tables, build_spine(tables, [day_number(NIGHT)])).sort("order_id")
    scores = pl.read_parquet(latest(finished) / "scores.parquet").sort("order_id")
    columns = model.metadata.get_input_schema().input_names()
    assert rows["order_id"].to_list() == scores["order_id"].to_list()
    np.testing.assert_array_equal(
        model.predict(rows.select(columns).to_pandas()), scores["probability"].to_numpy()
    )
    no_lines = rows.with_columns(pl.lit(None, pl.Float64).alias("order_count_units")).head(3)
    champion = require_champion(store).model
    assert (
        model.predict(no_lines.select(columns).to_pandas()).tolist()
        == champion.predict(no_lines).tolist()
    )


def test_a_missing_column_or_another_type_is_an_error_with_its_name(finished: Path) -> None:
    store = Workspace(finished)
    mlflow.set_tracking_uri(tracking_uri(store))
    model = mlflow.pyfunc.load_model("models:/dispute-risk@champion")
    rows = build_features(
        store.read_tables(), build_spine(store.read_tables(), [day_number(NIGHT)])
    ).head(3)
    frame = rows.select(model.metadata.get_input_schema().input_names()).to_pandas()
    with pytest.raises(MlflowException, match="order_age_days"):
        model.predict(frame.drop(columns="order_age_days"))
    with pytest.raises(MlflowException, match="order_age_days"):
        model.predict(frame.assign(order_age_days="ten"))


def test_night_without_open_orders_writes_an_empty_list(
    workspace: Path, run_step: Callable
) -> None:
    with (workspace / "config.toml").open("a") as config:
        config.write("max_data_age_days = 4000\n")
    completed = run_step("nightly", "--workspace", workspace, "--as-of", "2027-01-01")
    assert completed.returncode == 0, completed.stderr
    run = workspace / "runs/2027-01-01/latest"
    assert (run / "contact_list.csv").read_text() == ",".join(LIST_COLUMNS + MORE_COLUMNS) + "\n"
    assert pl.read_parquet(run / "scores.parquet").height == 0
    assert json.loads((run / "manifest.json").read_text())["rows"] == {
        "scores": 0,
        "contact_list": 0,
    }


# -- refusals


@pytest.mark.parametrize(
    "line",
    [
        "tidy --workspace w",
        "ingest --workspace w",
        "score --workspace w --as-of 2025-02-30",
        "ingest --workspace w --source excel --raw .",
        "nightly --workspace w --as-of 2025-07-10 --source olist",
    ],
)
def test_wrong_usage_is_two(run_step: Callable, line: str) -> None:
    completed = run_step(*line.split())
    assert (completed.returncode, "Traceback" in completed.stderr) == (2, False)
    assert not (ROOT / "w").exists()


def test_night_before_all_facts_is_refused_with_eleven(workspace: Path, run_step: Callable) -> None:
    completed = run_step("score", "--workspace", workspace, "--as-of", "2020-01-01")
    assert (completed.returncode, "Traceback" in completed.stderr) == (11, False)
    assert "nothing is known before 2020-01-01" in completed.stderr
    assert not (workspace / "runs/2024-01-01").exists()


def test_night_long_after_the_newest_fact_is_refused(workspace: Path) -> None:
    with pytest.raises(Refused, match=r"days older than 2025-09-01; at most 7 are allowed"):
        score(Workspace(workspace), load_config(workspace), Progress(), as_of=date(2025, 9, 1))
    assert not (workspace / "runs/2025-09-01").exists()


def test_score_without_champion_is_twelve(workspace: Path, run_step: Callable) -> None:
    (workspace / "mlflow.db").unlink()
    completed = run_step("score", "--workspace", workspace, "--as-of", AS_OF)
    assert (completed.returncode, "Traceback" in completed.stderr) == (12, False)
    assert "make train" in completed.stderr


def test_a_locked_workspace_is_thirteen_until_its_holder_ends(
    workspace: Path, simulated_raw: Path, run_step: Callable
) -> None:
    options = ("--workspace", workspace, "--source", "canonical", "--raw", simulated_raw)
    with FileLock(workspace / ".lock"):
        completed = run_step("ingest", *options)
    assert (completed.returncode, "Traceback" in completed.stderr) == (13, False)
    assert "another run" in completed.stderr
    assert run_step("ingest", *options).returncode == 0
