"""The model page is self-contained, and its numbers agree with a calculation by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import mlflow
import numpy as np
import polars as pl
import pytest

from features.tables import CAUSES
from models.contact.contact_value import ContactCosts
from models.learner.feature_importance import feature_importance, gain_shares
from models.learner.gbm import fit_model
from pipeline.evaluation.judged_facts import (
    InputFile,
    RowCounts,
    config_sha256,
    judged_facts,
    models_table,
)
from pipeline.evaluation.model_measures import calibration_bins, drift, money, worst_misses
from pipeline.evaluation.model_page import PAGE
from pipeline.registry.registered_versions import registered_versions
from pipeline.registry.tracking import tracking_uri
from pipeline.settings.config import Config, load_config
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import AS_OF

BY_STAGE = {"in_transit": 0.2}
SHARES = {(stage, cause): share for stage, share in BY_STAGE.items() for cause in CAUSES}
COSTS = ContactCosts(SHARES, dispute_fixed_cost_usd=10.0, contact_cost_usd=1.0)
SCORED = pl.DataFrame(
    {
        "order_id": ["a", "b", "c"],
        "as_of_day": [1, 1, 2],
        "stage": ["in_transit"] * 3,
        "label": [1, 0, 1],
        "probability": [0.5, 0.4, 0.3],
        "order_value_usd": [40.0, 40.0, 40.0],
        "order_age_days": [5.0] * 3,
        "logistics_days_to_promise": [3.0, -2.0, 3.0],
        "logistics_days_since_news": [1.0, 0.0, 0.0],
        "product_dispute_share_365d": [0.0] * 3,
        "conversation_days_unanswered": [None] * 3,
    }
)


# ten times the same two nights: nothing is measured from fewer than 20 disputed orders
OFTEN = pl.concat(
    SCORED.with_columns(pl.col("order_id") + str(copy), as_of_day=pl.col("as_of_day") + 2 * copy)
    for copy in range(10)
)


def test_money_by_hand() -> None:
    """The model contacts a and c: each saves 0.2 x (40 + 10) - 1. Past promise contacts only b,
    which saves nothing."""
    model, late, silent = money(OFTEN, COSTS, capacity=1, seed=1).iter_rows(named=True)
    assert (model["usd_a_night"], model["contacts_a_night"], model["hits_share"]) == (
        pytest.approx(9.0),
        1.0,
        1.0,
    )
    assert (late["usd_a_night"], late["contacts_a_night"], late["hits_share"]) == (
        pytest.approx(-0.5),
        0.5,
        0.0,
    )
    assert (silent["usd_a_night"], silent["contacts_a_night"]) == (pytest.approx(4.5), 0.5)


def test_every_row_is_in_one_bin() -> None:
    rng = np.random.default_rng(1)
    chance = rng.random(2000)
    scored = pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(2000)],
            "stage": ["delivered"] * 2000,
            "probability": chance,
            "label": (rng.random(2000) < chance).astype(int),
        }
    )
    bins = calibration_bins(scored, seed=1).filter(pl.col("stage") == "all")
    assert bins["rows"].to_list() == [200] * 10
    assert ((bins["low"] <= bins["realised"]) & (bins["realised"] <= bins["high"])).all()
    assert (bins["predicted"] - bins["realised"]).abs().max() < 0.1


def test_the_worst_miss_is_the_least_expected_dispute() -> None:
    assert worst_misses(SCORED)["order_id"].to_list() == ["c", "a"]


def test_drift_is_in_standard_deviations(finished: Path) -> None:
    from features.build.registry import FEATURE_NAMES

    rng = np.random.default_rng(1)
    before = pl.DataFrame({name: rng.normal(0.0, 2.0, 400) for name in FEATURE_NAMES})
    table = drift(before, before.with_columns(order_value_usd=pl.col("order_value_usd") + 4.0))
    assert table.row(0, named=True)["feature"] == "order_value_usd"
    assert table["moved"][0] == pytest.approx(2.0, abs=0.2)


def assert_nothing_is_fetched(page: str) -> None:
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"https?:|//|<link|@import|\bsrc=|url\(", markup)
    assert set(re.findall(r"\bhref=.(.)", markup)) == {"#"}
    assert "default-src &#39;none&#39;" in markup


def test_the_page_names_the_registered_models_and_what_they_saw(finished: Path) -> None:
    workspace, config = Workspace(finished), load_config(finished)
    facts = judged_facts(workspace, config)
    (champion,) = facts.versions
    assert champion == registered_versions(workspace)[0]
    rows = RowCounts(3, date(2025, 5, 1), date(2025, 5, 15), 1_000, 25)
    table = models_table(facts, rows, rows)
    named = {re.sub(r"<[^>]*>", "", row[0]): re.sub(r"<[^>]*>", "", row[2]) for row in table.rows}
    assert re.sub(r"<[^>]*>", "", table.heads[2]) == "champion"
    assert (named["Version"], named["MLflow run"]) == ("1", champion.run_id)
    assert named["Trained as of"] == AS_OF
    assert named["Training order-nights"] == f"{champion.rows:,}"
    assert int(named["Disputed orders in training"]) == champion.disputed_orders > 0
    assert named["Judged on"] == "not compared yet (make promote)"
    assert (named["Settings"], named["Loaded files"]) == ("the same", "the same")


def test_other_settings_and_other_data_are_named(finished: Path) -> None:
    workspace, config = Workspace(finished), load_config(finished)
    changed = config.model_copy(update={"horizon_days": 20, "threads": 1})
    facts = judged_facts(workspace, changed)
    (champion,) = facts.versions
    # the number of threads changes no model
    assert facts.other_settings(champion) == ["horizon_days"]
    assert facts.config_sha256 != judged_facts(workspace, config).config_sha256
    moved = replace(facts, files=[InputFile("orders.csv", 1, "0" * 64), *facts.files[1:]])
    assert moved.other_files(champion) == ["orders.csv"]


def test_a_store_without_models_has_none_to_name(tmp_path: Path) -> None:
    assert registered_versions(Workspace(tmp_path)) == []


def test_importance_is_measured_on_rows_and_adds_up(finished: Path) -> None:
    from features.build.registry import FEATURE_NAMES

    rng = np.random.default_rng(1)
    rows = pl.DataFrame({name: rng.random(2_000) for name in FEATURE_NAMES}).with_columns(
        pl.lit("in_transit").alias("stage"),
        order_id=pl.Series([f"o{n}" for n in range(2_000)]),
        as_of_day=pl.lit(20_000),
        label=pl.Series((rng.random(2_000) < 0.2).astype(int)),
    )
    rows = rows.with_columns(order_value_usd=pl.col("label") + 0.1 * pl.col("order_value_usd"))
    model = fit_model(rows, FEATURE_NAMES, Config().recipe)
    table = feature_importance(model, rows)
    assert table["feature"][0] == "order_value_usd"
    assert (table["share"].sum(), table["gain_share"].sum()) == (pytest.approx(1), pytest.approx(1))
    assert table["share"][0] > 0.5
    assert table["share"].is_sorted(descending=True)
    assert dict(table.select("feature", "gain_share").iter_rows()) == gain_shares(model)


def test_backtest_writes_the_page_and_logs_it(workspace: Path, run_step: Callable) -> None:
    (workspace / "mlflow.db").unlink()  # a copied database has the paths of the original
    run = run_step(
        "backtest",
        "--workspace",
        workspace,
        "--from",
        "2025-04-01",
        "--to",
        "2025-06-05",
        "--every",
        13,
    )
    assert run.returncode == 0, run.stderr
    page = (workspace / PAGE).read_text(encoding="utf-8")
    assert_nothing_is_fetched(page)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])
    # no single night of this small store has 20 disputed orders: the charts by night are left out
    assert not {"nights", "learning"} & data["charts"].keys()
    assert {"recall", "lift", "bins-all", "importance"} <= data["charts"].keys()
    assert "No single night can be measured" in page
    shown = re.sub(r"<[^>]*>", " ", page[page.index("<main") :])
    digest = config_sha256(load_config(workspace))
    for fact in ("not registered", "Source: canonical.", digest[:16], "orders.csv", "num_leaves"):
        assert fact in shown
    mlflow.set_tracking_uri(tracking_uri(Workspace(workspace)))
    runs = mlflow.search_runs(
        experiment_names=["dispute-risk"], filter_string="tags.step = 'backtest'"
    )
    pooled = pl.read_csv(workspace / "backtest.csv").filter(
        pl.col("night") == "pooled", pl.col("stage") == "all"
    )
    assert runs["metrics.all.auc.pooled"].to_list() == pytest.approx(
        pooled["auc"].to_list(), abs=1e-5
    )
    kept = {file.name for file in (workspace / "mlartifacts").rglob("*.*")}
    assert {PAGE, "backtest.csv"} <= kept
