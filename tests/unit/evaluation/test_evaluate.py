"""evaluate and replay: output with the truth, without it, and with the truth of another store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.stage import STAGES
from models.comparison.paired_comparison import RISK_METRICS
from models.learner.training_rows import label_rows, learnable
from models.reasons.baseline import RULES
from pipeline.evaluation.compare_learners import _add_true_risks
from pipeline.evaluation.comparison_table import COMPARED_METRICS, Night, comparison_table
from pipeline.settings.config import load_config
from pipeline.training.walk_forward import newest_day, past_nights
from pipeline.workspace.workspace import Workspace

# nights with at least 20 disputed orders together
FIRST, LAST = date(2025, 4, 1), date(2025, 6, 5)
NIGHTS = ("--from", FIRST.isoformat(), "--to", LAST.isoformat())


@pytest.fixture
def with_truth(workspace: Path, simulated_raw: Path) -> Path:
    shutil.copytree(simulated_raw.parent / "truth", workspace / "truth")
    return workspace


def test_evaluate_compares_model_and_rules_with_the_ceiling(
    with_truth: Path, run_step: Callable
) -> None:
    run = run_step("evaluate", "--workspace", with_truth, *NIGHTS, "--every", 7, "--visible")
    assert run.returncode == 0, run.stderr
    result = pl.read_csv(with_truth / "evaluation.csv")
    assert result["stage"].unique(maintain_order=True).to_list() == ["all", *STAGES]
    everything = result.filter(pl.col("stage") == "all")
    assert everything["scorer"].to_list() == [
        "true_risk",
        "true_risk_with_foresight",
        "knowable_risk",
        "visible_risk",
        "probability",
        *RULES,
    ]
    ceiling, model = everything.row(0, named=True), everything.row(4, named=True)
    assert (ceiling["auc_share"], ceiling["average_precision_share"]) == (1.0, 1.0)
    assert model["average_precision_share"] == pytest.approx(
        model["average_precision"] / ceiling["average_precision"], abs=1e-4
    )
    assert model["auc_share"] == pytest.approx(
        (model["auc"] - 0.5) / (ceiling["auc"] - 0.5), abs=1e-3
    )
    assert model["average_precision"] < ceiling["average_precision"]
    knowable = everything.row(2, named=True)
    for metric, least in (("auc", 0.5), ("average_precision", 0.0)):
        share = f"{metric}_share_of_knowable"
        assert knowable[share] == knowable[f"{share}_low"] == 1.0
        assert model[share] == pytest.approx(
            (model[metric] - least) / (knowable[metric] - least), abs=1e-3
        )
        assert model[f"{share}_low"] < model[share] < model[f"{share}_high"]
    visible = everything.row(3, named=True)
    assert visible["average_precision_share_of_visible"] == 1.0
    assert model["average_precision_share_of_visible"] == pytest.approx(
        model["average_precision"] / visible["average_precision"], abs=1e-3
    )
    assert (ceiling["excess_log_loss"], ceiling["true_average_precision_share"]) == (0.0, 1.0)
    assert 0.0 < knowable["excess_log_loss"] < model["excess_log_loss"]
    assert model["true_average_precision"] < knowable["true_average_precision"]
    assert model["true_average_precision_share_of_knowable"] == pytest.approx(
        model["true_average_precision"] / knowable["true_average_precision"], abs=1e-3
    )
    for column in ("calibration_slope", "log_loss", "excess_log_loss"):
        assert everything[column].null_count() == len(RULES), "a rule is not a probability"
    assert everything["calibration_slope"][0] == pytest.approx(1.0, abs=0.35), (
        "the truth is calibrated"
    )
    by_stage = result.filter(pl.col("scorer") == "probability", pl.col("stage") != "all")
    assert by_stage["rows"].sum() == model["rows"]
    assert "share of the ceiling" in run.stdout
    assert "of the knowable risk" in run.stdout
    assert "log loss above the truth's 0.00000" in run.stdout
    assert "of the risk visible in the features" in run.stdout


def test_a_real_store_is_evaluated_without_a_ceiling(workspace: Path, run_step: Callable) -> None:
    run = run_step("evaluate", "--workspace", workspace, *NIGHTS)
    assert run.returncode == 0, run.stderr
    result = pl.read_csv(workspace / "evaluation.csv")
    assert set(result["scorer"]) == {"probability", *RULES}
    for column in ("auc_share", "auc_share_of_knowable", "average_precision_share_of_knowable_low"):
        assert result[column].null_count() == result.height
    assert "share of the ceiling" not in run.stdout


def test_a_real_store_has_no_truth(workspace: Path, run_step: Callable) -> None:
    run = run_step("replay", "--workspace", workspace, *NIGHTS)
    assert run.returncode == 10
    assert "make simulate" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("step", ["evaluate", "replay"])
def test_the_truth_of_another_world_is_refused(
    with_truth: Path, run_step: Callable, step: str
) -> None:
    """The tables were made again with another seed, so the truth no longer belongs to them."""
    path = with_truth / "truth" / "world.json"
    path.write_text(path.read_text().replace('"seed": 7', '"seed": 8'))
    run = run_step(step, "--workspace", with_truth, *NIGHTS)
    assert run.returncode == 10, run.stdout
    assert "make simulate" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_truth_of_another_store_is_refused(
    with_truth: Path, run_step: Callable, make_source: Callable
) -> None:
    raw = make_source("canonical").write(with_truth / "other")
    run = run_step("ingest", "--workspace", with_truth, "--source", "canonical", "--raw", raw)
    assert run.returncode == 0, run.stderr
    run = run_step(
        "replay", "--workspace", with_truth, "--from", "2018-01-10", "--to", "2018-01-12"
    )
    assert run.returncode == 10, run.stderr
    assert "does not belong to this store" in run.stderr


@pytest.mark.parametrize(
    "content", ["", "{}", '{"count_orders": "many", "seed": 1, "first_day": "x", "days": 3}']
)
def test_a_broken_truth_gives_an_error_message_not_a_traceback(
    with_truth: Path, run_step: Callable, content: str
) -> None:
    (with_truth / "truth" / "world.json").write_text(content)
    run = run_step("replay", "--workspace", with_truth, *NIGHTS)
    assert run.returncode == 10
    assert "Traceback" not in run.stderr


def test_nights_in_the_wrong_order_are_a_usage_error(workspace: Path, run_step: Callable) -> None:
    run = run_step(
        "evaluate", "--workspace", workspace, "--from", "2025-06-01", "--to", "2025-05-01"
    )
    assert run.returncode == 2


def test_learners_are_also_compared_by_the_true_risk(with_truth: Path) -> None:
    workspace = Workspace(with_truth)
    tables, config = workspace.read_tables(), load_config(with_truth)
    _, _, test = past_nights(tables, config, first=FIRST, last=LAST, every=13)
    rows = learnable(label_rows(tables, test, config.label_window, newest_day(tables)))
    folds = [
        Night(night, {"model": np.full(night.height, 0.03)})
        for night in rows.partition_by("as_of_day", maintain_order=True)
    ]
    _add_true_risks(workspace, config, folds)
    table = comparison_table(folds, lambda fold: fold.scores, "model", config)
    known = table.filter(pl.col("stage") == "all", pl.col("scorer") == "knowable_risk")
    by_metric = {row["metric"]: row for row in known.iter_rows(named=True)}
    assert set(by_metric) == {*COMPARED_METRICS, *RISK_METRICS}
    assert by_metric["excess_log_loss"]["value"] > 0.0
    assert by_metric["excess_log_loss"]["gain_high"] < 0.0, "a negative gain is an improvement"
    assert by_metric["true_auc"]["gain_low"] > 0.0
