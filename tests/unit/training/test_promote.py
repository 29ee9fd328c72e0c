"""promote and rollback: what the promotion gate refuses, and that a refusal keeps the champion."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from mlflow.tracking import MlflowClient

from models.learner.calibration import Curve
from models.learner.gbm import DisputeModel
from models.pool.pooled_rows import PooledStore
from pipeline.registry import model_registry, registered_model
from pipeline.registry.judged_versions import log_comparison
from pipeline.registry.model_registry import (
    CHALLENGER,
    CHAMPION,
    FORMER,
    find_model,
    judged_of,
    register_model,
    require_champion,
)
from pipeline.registry.tracking import client_of
from pipeline.settings.config import load_config
from pipeline.settings.errors import Leak, NoChampion, NotPromoted
from pipeline.training import promote as step
from pipeline.training.train import train
from pipeline.training.walk_forward import past_nights
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.property.features.test_classic_leaks import with_leak

TRAINED = date(2025, 5, 1)


@pytest.fixture(scope="module")
def trained(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a champion that has not seen the last matured nights. Only read it."""
    folder = tmp_path_factory.mktemp("trial") / "w"
    shutil.copytree(finished, folder, symlinks=True)
    (folder / "mlflow.db").unlink()
    with (folder / "config.toml").open("a") as config:
        config.write("[gate]\nleast_disputes = 10\n")
    train(Workspace(folder), load_config(folder), Progress(), as_of=TRAINED)
    return folder


@pytest.fixture
def trial(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The same workspace; its registry is restored after the test. leak-proof has its own tests."""
    monkeypatch.setattr(step, "leak_proof", lambda *_, **__: None)
    kept = (trained / "mlflow.db").read_bytes()
    yield Workspace(trained)
    (trained / "mlflow.db").write_bytes(kept)


def challenge(workspace: Workspace, model: DisputeModel) -> str:
    config = load_config(workspace.folder)
    _, _, rows = past_nights(workspace.read_tables(), config, first=TRAINED, last=TRAINED, every=1)
    return register_model(
        workspace,
        model,
        alias=CHALLENGER,
        example=rows.head(5),
        params={},
        metrics={},
        tags={"trained_as_of": TRAINED.isoformat()},
    )


def promote(workspace: Workspace, *, is_refitted: bool = False) -> None:
    step.promote(
        workspace, load_config(workspace.folder), Progress(), every=7, is_refitted=is_refitted
    )


def newest(workspace: Workspace, name: str) -> Path:
    return max(
        (workspace.folder / "mlartifacts").rglob(name), key=lambda file: file.stat().st_mtime
    )


def versions(workspace: Workspace) -> dict[str, str]:
    client = MlflowClient(
        model_registry.tracking_uri(workspace), model_registry.tracking_uri(workspace)
    )
    return {
        alias: str(v)
        for alias, v in client.get_registered_model(model_registry.MODEL_NAME).aliases.items()
    }


def test_an_equal_challenger_becomes_champion_and_rollback_returns(trial: Workspace) -> None:
    challenge(trial, require_champion(trial).model)
    assert versions(trial) == {CHAMPION: "1", CHALLENGER: "2"}
    promote(trial)
    assert versions(trial) == {CHAMPION: "2", FORMER: "1"}
    step.rollback(trial)
    assert versions(trial) == {CHAMPION: "1", FORMER: "2"}


@pytest.mark.parametrize("is_accepted", [True, False])
def test_mlflow_shows_how_the_gate_decided(trial: Workspace, is_accepted: bool) -> None:
    model = require_champion(trial).model
    challenge(trial, model if is_accepted else replace(model, calibration=Curve(c=3.0)))
    with nullcontext() if is_accepted else pytest.raises(NotPromoted):
        promote(trial)
    client = client_of(trial)
    versions = {v.tags["judged_as"]: v for v in client.search_model_versions("")}
    champion, challenger = (versions[alias].tags for alias in (CHAMPION, CHALLENGER))
    assert champion["judged_nights"] == challenger["judged_nights"]
    assert champion["judged_nights"].startswith("8, 2025-05-01 to ")
    assert (challenger["judged_verdict"] == "accepted") == is_accepted
    # fewer than 20 orders were disputed, so no metric is shown
    assert int(champion["judged_disputed_orders"]) < 20
    assert "judged_auc" not in champion
    runs = client.search_runs([client.get_experiment_by_name("dispute-risk").experiment_id])
    names = {run.info.run_name for run in runs}
    assert {"gate: version 2 against version 1", "champion of 2025-05-01"} <= names
    assert "order-nights" in versions[CHAMPION].description


def test_mlflow_shows_the_metrics_of_both_versions_with_intervals(trial: Workspace) -> None:
    champion = require_champion(trial)
    challenge(trial, champion.model)
    compared = {CHAMPION: champion, CHALLENGER: find_model(trial, CHALLENGER)}
    metrics = pl.DataFrame(
        {"scorer": [CHAMPION, CHALLENGER], "metric": "auc", "value": [0.7, 0.75], "low": 0.68}
    ).with_columns(high=pl.lit(0.8))
    log_comparison(trial, compared, metrics, {"nights": "8"}, ["auc is too low", "too few nights"])
    client = client_of(trial)
    tags = {v.version: v.tags for v in client.search_model_versions("")}
    shown = {version: each["judged_auc"] for version, each in tags.items()}
    assert {int(version): text for version, text in shown.items()} == {
        1: "0.7000 (0.6800 to 0.8000)",
        2: "0.7500 (0.6800 to 0.8000)",
    }
    assert {each["judged_verdict"] for each in tags.values()} == {"auc is too low; too few nights"}
    assert client.get_run(champion.run_id).data.metrics["judged.auc"] == 0.7


def test_a_second_trained_model_is_the_challenger(trial: Workspace) -> None:
    train(trial, load_config(trial.folder), Progress(), as_of=TRAINED)
    assert versions(trial) == {CHAMPION: "1", CHALLENGER: "2"}
    assert find_model(trial, CHALLENGER).model.to_text() == find_model(trial).model.to_text(), (
        "same data, same model"
    )


def test_a_promoted_model_is_refitted_on_all_matured_nights(trial: Workspace) -> None:
    """The next challenger is compared with the judged version, so that some nights are unseen."""
    train(trial, load_config(trial.folder), Progress(), as_of=TRAINED)
    judged = find_model(trial, CHALLENGER)
    promote(trial, is_refitted=True)
    assert versions(trial) == {CHAMPION: "3", FORMER: "1"}
    champion = require_champion(trial)
    assert (champion.judged_version, champion.trained_as_of) == ("2", "2025-07-20")
    assert champion.model.to_text() != judged.model.to_text()
    assert judged_of(trial, champion).model.to_text() == judged.model.to_text()
    train(trial, load_config(trial.folder), Progress(), as_of=TRAINED)
    promote(trial)
    assert versions(trial) == {CHAMPION: "4", FORMER: "3"}


def test_another_recipe_is_not_refitted(trial: Workspace, capsys: pytest.CaptureFixture) -> None:
    challenge(trial, require_champion(trial).model)
    promote(trial, is_refitted=True)
    assert versions(trial) == {CHAMPION: "2", FORMER: "1"}
    assert "the settings have changed" in "".join(capsys.readouterr())


def test_a_pooled_model_is_not_refitted_on_one_store(
    trial: Workspace, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its other stores are not at hand: the result would be the store's own model."""
    own = require_champion(trial).model
    # a fresh process takes seconds, and has a test of its own
    monkeypatch.setattr(step, "scores_in_fresh_process", lambda _, __, rows: own.predict(rows))
    challenge(trial, replace(own, pool=(PooledStore("own", 900, 12, 1.0),)))
    promote(trial, is_refitted=True)
    assert versions(trial) == {CHAMPION: "2", FORMER: "1"}
    assert "a pooled model is not refitted" in "".join(capsys.readouterr())


def assert_refused(workspace: Workspace, why: str) -> None:
    with pytest.raises(NotPromoted, match=why) as refusal:
        promote(workspace)
    assert refusal.value.exit_code == 14
    assert versions(workspace)[CHAMPION] == "1"


def test_a_miscalibrated_challenger_is_refused(trial: Workspace) -> None:
    model = require_champion(trial).model
    challenge(trial, replace(model, calibration=Curve(c=3.0)))
    assert_refused(trial, "all: predicts .* times the disputes that happened")


def test_a_challenger_with_an_unknown_feature_is_refused(
    trial: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = require_champion(trial)
    challenge(trial, champion.model)
    known = dict(registered_model.FEATURES)
    monkeypatch.setattr(
        registered_model,
        "FEATURES",
        {name: f for name, f in known.items() if name != "order_value_usd"},
    )
    monkeypatch.setattr(step, "require_champion", lambda _: champion)
    assert_refused(
        trial,
        "challenger cannot be used: it reads features this program does not build: order_value_usd",
    )


def test_a_challenger_whose_features_know_the_future_is_refused(
    trial: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_leak(*_: object, **__: object) -> pl.DataFrame:
        raise Leak(
            "a feature does not keep to the rule of time. "
            "2025-03-01 tracking: logistics_count_scans"
        )

    challenge(trial, require_champion(trial).model)
    monkeypatch.setattr(step, "leak_proof", raise_leak)
    assert_refused(trial, "rule of time.*logistics_count_scans")


def test_a_program_with_a_status_leak_promotes_nothing(trial: Workspace, tmp_path: Path) -> None:
    """End to end: a copy of the program with a seeded leak must refuse the challenger."""
    challenge(trial, require_champion(trial).model)
    program = with_leak("the status column as it is now", tmp_path / "program")
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "promote",
        "--workspace",
        str(trial.folder),
        "--every",
        "30",
    ]
    run = subprocess.run(
        command, cwd=program, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 14, run.stderr
    assert "does not keep to the rule of time" in run.stderr
    assert "Traceback" not in run.stderr
    assert versions(trial) == {CHAMPION: "1", CHALLENGER: "2"}


@pytest.mark.parametrize(
    "spoil", [lambda file: file.unlink(), lambda file: file.write_text("tree\nnonsense")]
)
def test_a_challenger_that_cannot_be_loaded_is_refused(
    trial: Workspace, spoil: Callable[[Path], None]
) -> None:
    challenge(trial, require_champion(trial).model)
    spoil(newest(trial, "booster.txt"))
    assert_refused(trial, "the challenger cannot be used")


def test_a_challenger_that_a_fresh_process_cannot_load_is_refused(trial: Workspace) -> None:
    challenge(trial, require_champion(trial).model)
    file = newest(trial, "MLmodel")
    file.write_text(file.read_text().replace("pyfunc_model.py", "gone.py"))
    assert_refused(trial, "a fresh process could not score with it")


def test_nights_that_a_model_has_seen_are_not_used_to_judge_it(workspace: Path) -> None:
    store = Workspace(workspace)
    challenge(store, require_champion(store).model)
    with pytest.raises(
        NotPromoted, match="No night since 2025-07-10.*Train the challenger as of an earlier day"
    ):
        promote(store)


def test_a_missing_challenger_or_former_champion_is_reported(trial: Workspace) -> None:
    with pytest.raises(NoChampion, match="there is no challenger"):
        promote(trial)
    with pytest.raises(NoChampion, match="no former champion"):
        step.rollback(trial)
