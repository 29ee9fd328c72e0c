"""Comparisons: paired intervals, families added one by one, and results inflated by leaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.build.registry import FEATURE_NAMES, build_features
from features.spine import build_spine
from models.comparison.paired_comparison import RISK_METRICS, compare_scorers
from models.learner.calibration import KINDS
from models.learner.challengers import BASELINES, Budget, installed_challengers
from pipeline.evaluation.ablation import METRICS, ORDER
from pipeline.evaluation.comparison_table import COMPARED_METRICS, Night, comparison_table
from pipeline.evaluation.leak_cost import leaky_tables
from pipeline.settings.config import Config
from tests.conftest import day

# nights with at least 20 disputed orders together
NIGHTS = ("--from", "2025-04-01", "--to", "2025-06-05", "--every", 13)


def made_rows(nights: int = 1, orders: int = 800) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(3)
    risk = rng.random(orders)
    label = (rng.random(orders) < 0.6 * risk).astype(int)
    rows = pl.DataFrame({"order_id": [f"o{n}" for n in range(orders)], "label": label})
    return pl.concat([rows] * nights), np.tile(risk, nights)


def test_a_scorer_gains_nothing_over_itself_and_noise_loses() -> None:
    rows, risk = made_rows()
    noise = np.random.default_rng(5).random(len(risk))
    comparison = compare_scorers(rows, {"risk": risk, "again": 2.0 * risk, "noise": noise}, seed=1)
    assert comparison["scorer"].to_list() == ["risk"] * 2 + ["again"] * 2 + ["noise"] * 2
    assert comparison[:2]["gain"].null_count() == 2
    assert comparison[2:4].select("gain", "gain_low", "gain_high").rows() == [(0.0, 0.0, 0.0)] * 2
    assert (comparison[4:]["gain_high"] < 0.0).all()
    assert (
        (comparison["low"] < comparison["value"]) & (comparison["value"] < comparison["high"])
    ).all()
    assert comparison.equals(
        compare_scorers(rows, {"risk": risk, "again": 2.0 * risk, "noise": noise}, seed=1)
    )


def test_repeated_nights_of_the_same_orders_add_no_evidence() -> None:
    """With every order repeated four times, the interval does not get narrower."""
    once, again = (
        compare_scorers(rows, {"risk": risk}, seed=2).with_columns(
            width=pl.col("high") - pl.col("low")
        )
        for rows, risk in (made_rows(1), made_rows(4))
    )
    assert again["width"].to_list() == pytest.approx(once["width"].to_list(), rel=0.25)


def test_gains_are_measured_against_the_reference() -> None:
    rows, risk = made_rows()
    scores = {"first": risk**2, "noise": np.random.default_rng(5).random(len(risk)), "second": risk}
    comparison = compare_scorers(
        rows, scores, seed=1, metrics=("auc", "log_loss"), reference="first"
    )
    gain = {(r["scorer"], r["metric"]): r["gain"] for r in comparison.iter_rows(named=True)}
    assert gain["first", "auc"] is None
    assert gain["second", "auc"] == 0.0, "the ranking is the same"
    assert gain["noise", "auc"] < 0.0 < gain["noise", "log_loss"]


def test_the_true_risk_is_unbeaten_on_every_night() -> None:
    rows, risk = made_rows()
    facts = {"stage": pl.lit("in_transit"), "order_age_days": pl.lit(9.0)}
    rows = rows.with_columns(**facts, as_of_day=pl.int_range(pl.len()) % 2, true_risk=0.6 * risk)
    folds = [
        Night(night, {"model": np.full(night.height, 0.3), "truth": night["true_risk"].to_numpy()})
        for night in rows.partition_by("as_of_day", maintain_order=True)
    ]
    table = comparison_table(folds, lambda fold: fold.scores, "model", Config())
    truth = table.filter(pl.col("stage") == "all", pl.col("scorer") == "truth")
    by_metric = {row["metric"]: row for row in truth.iter_rows(named=True)}
    assert set(by_metric) == {*COMPARED_METRICS, *RISK_METRICS}
    assert by_metric["excess_log_loss"]["value"] == pytest.approx(0.0, abs=1e-12)
    assert by_metric["excess_log_loss"]["gain_high"] < 0.0, "a negative gain is an improvement"
    assert by_metric["true_auc"]["gain_low"] > 0.0
    assert all(by_metric[metric]["nights_better"] == 2 for metric in RISK_METRICS)


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    rows, risk = made_rows()
    doubled = rows.with_columns(weight=pl.when(pl.col("label") == 1).then(2.0).otherwise(1.0))
    twice = pl.concat([rows, rows.filter(pl.col("label") == 1)])
    score = np.concatenate([risk, risk[(rows["label"] == 1).to_numpy()]])
    by_weight = compare_scorers(doubled, {"risk": risk}, seed=1, resamples=1)
    assert by_weight["value"].to_list() == pytest.approx(
        compare_scorers(twice, {"risk": score}, seed=1, resamples=1)["value"].to_list()
    )


@pytest.mark.parametrize("fit", (BASELINES | installed_challengers()).values())
def test_a_challenger_learns_from_rows_with_missing_values(fit: Callable) -> None:
    rng = np.random.default_rng(2)
    features = rng.random((3000, 4))
    label = (rng.random(3000) < 0.6 * features[:, 0]).astype(int)
    features[rng.random((3000, 4)) < 0.1] = np.nan
    features[:, 3] = np.nan
    probability = fit(features, label, Budget(seed=1, threads=1, seconds=1.0))(features)
    assert probability.shape == (3000,)
    assert 0.0 < probability.min() < probability.max() < 1.0
    assert np.corrcoef(probability, np.nan_to_num(features[:, 0], nan=0.5))[0, 1] > 0.7


def test_every_scorer_is_compared_with_the_model(workspace: Path, run_step: Callable) -> None:
    run = run_step("compare", "--workspace", workspace, *NIGHTS)
    assert run.returncode == 0, run.stderr
    table = pl.read_csv(workspace / "comparison.csv")
    names = table["scorer"].unique(maintain_order=True).to_list()
    assert names[:7] == [
        "model",
        "model_uncalibrated",
        "daily_hazard",
        "delay_weights",
        "base_rate_by_stage",
        "past_promise",
        "stalled_scan",
    ]
    assert {"logistic_regression", "hist_gradient_boosting", "mlp"} <= set(names)
    model = table.filter(pl.col("scorer") == "model", pl.col("stage") == "all")
    assert model["gain"].null_count() == 3
    assert (model["train_seconds"] > 0).all()
    assert (
        table.filter(pl.col("scorer") == "past_promise", pl.col("metric") == "log_loss")[
            "value"
        ].null_count()
        > 0
    )
    kinds = pl.read_csv(workspace / "calibrations.csv")
    assert kinds["scorer"].unique(maintain_order=True).to_list() == list(KINDS)
    assert kinds.filter(pl.col("scorer") == Config().calibration)[
        "value"
    ].to_list() == pytest.approx(
        table.filter(pl.col("scorer") == "model")["value"].to_list(), abs=1e-5
    )


def test_each_family_is_added_once(workspace: Path, run_step: Callable) -> None:
    run = run_step("ablation", "--workspace", workspace, *NIGHTS)
    assert run.returncode == 0, run.stderr
    table = pl.read_csv(workspace / "ablation.csv")
    assert table["family_added"].unique(maintain_order=True).to_list() == list(ORDER)
    assert table.height == len(ORDER) * len(METRICS)
    assert f"{len(FEATURE_NAMES)} features" in run.stdout + run.stderr


def test_each_leak_is_compared_with_the_honest_result(workspace: Path, run_step: Callable) -> None:
    run = run_step("leak-cost", "--workspace", workspace, *NIGHTS)
    assert run.returncode == 0, run.stderr
    table = pl.read_csv(workspace / "leak_cost.csv").filter(pl.col("metric") == "average_precision")
    claimed = dict(table.select("mistake", "value").iter_rows())
    assert list(claimed)[0] == "honest"
    assert len(claimed) == 5
    assert claimed["target encoding over the whole table"] > 1.2 * claimed["honest"]


SCAN = """
order_id | occurred_at | known_at    | status
a        | 05-02T10:00 | 05-09T10:00 | InTransit
a        | 05-04T10:00 | 05-05T10:00 | Exception
"""


def test_a_leak_sees_facts_that_the_night_could_not(make_tables: Callable) -> None:
    tables = make_tables(orders="order_id | occurred_at\na | 05-01", tracking=SCAN)
    spine = build_spine(tables, [day("05-05")])
    seen = {"honest": build_features(tables, spine)["logistics_count_scans"].item()}
    seen |= {
        mistake: build_features(leaky, spine)["logistics_count_scans"].item()
        for mistake, leaky in leaky_tables(tables).items()
    }
    assert seen == {
        "honest": 0.0,
        "event time instead of known time": 2.0,
        "facts of the night's own day (<=)": 1.0,
        "the order's status as exported": 2.0,
    }
