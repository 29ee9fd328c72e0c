"""promote and rollback: what the gate refuses, and that the champion is untouched by a refusal."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from mlflow.tracking import MlflowClient

from models.learner.calibration import Curve
from models.learner.gbm import DisputeModel
from pipeline.registry import model_registry
from pipeline.registry.model_registry import (
    CHALLENGER,
    CHAMPION,
    FORMER,
    find_model,
    judged_of,
    register_model,
    require_champion,
)
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
    """A workspace with a champion that has not seen the last matured nights. Shared: only read
    it."""
    folder = tmp_path_factory.mktemp("trial") / "w"
    shutil.copytree(finished, folder, symlinks=True)
    (folder / "mlflow.db").unlink()
    with (folder / "config.toml").open("a") as config:
        config.write("[gate]\nleast_disputes = 10\n")
    train(Workspace(folder), load_config(folder), Progress(), as_of=TRAINED)
    return folder


@pytest.fixture
def trial(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The same, as it was left, whatever the test did to its registry; leak-proof has tests of its
    own."""
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


def test_one_as_good_becomes_champion_and_rollback_returns(trial: Workspace) -> None:
    challenge(trial, require_champion(trial).model)
    assert versions(trial) == {CHAMPION: "1", CHALLENGER: "2"}
    promote(trial)
    assert versions(trial) == {CHAMPION: "2", FORMER: "1"}
    step.rollback(trial)
    assert versions(trial) == {CHAMPION: "1", FORMER: "2"}


def test_a_later_model_of_train_is_the_challenger(trial: Workspace) -> None:
    train(trial, load_config(trial.folder), Progress(), as_of=TRAINED)
    assert versions(trial) == {CHAMPION: "1", CHALLENGER: "2"}
    assert find_model(trial, CHALLENGER).model.to_text() == find_model(trial).model.to_text(), (
        "same data, same model"
    )


def test_what_is_promoted_then_learns_from_all_that_has_matured(trial: Workspace) -> None:
    """And the next challenger is compared with it as it was judged, else no night would be left to
    compare them on."""
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


def refused(workspace: Workspace, why: str) -> None:
    with pytest.raises(NotPromoted, match=why) as found:
        promote(workspace)
    assert found.value.exit_code == 14
    assert versions(workspace)[CHAMPION] == "1"


def test_a_miscalibrated_one_is_refused(trial: Workspace) -> None:
    model = require_champion(trial).model
    challenge(trial, replace(model, calibration=Curve(c=3.0)))
    refused(trial, "all: predicts .* times the disputes that happened")


def test_one_that_reads_a_column_of_the_export_is_refused(
    trial: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = require_champion(trial)
    challenge(trial, champion.model)
    known = dict(model_registry.FEATURES)
    monkeypatch.setattr(
        model_registry,
        "FEATURES",
        {name: f for name, f in known.items() if name != "order_value_usd"},
    )
    monkeypatch.setattr(step, "require_champion", lambda _: champion)
    refused(
        trial,
        "challenger cannot be used: it reads features this program does not build: order_value_usd",
    )


def test_one_whose_features_know_the_future_is_refused(
    trial: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(*_: object, **__: object) -> pl.DataFrame:
        raise Leak(
            "a feature does not keep to the rule of time. 2025-03-01 tracking: logistics_count_scans"
        )

    challenge(trial, require_champion(trial).model)
    monkeypatch.setattr(step, "leak_proof", found)
    refused(trial, "rule of time.*logistics_count_scans")


def test_a_program_that_reads_the_status_as_it_is_now_promotes_nothing(
    trial: Workspace, tmp_path: Path
) -> None:
    """From end to end: the leak is seeded into a copy of the program, and the copy itself must
    refuse."""
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
    told = subprocess.run(
        command, cwd=program, capture_output=True, text=True, timeout=300, check=False
    )
    assert told.returncode == 14, told.stderr
    assert "does not keep to the rule of time" in told.stderr
    assert "Traceback" not in told.stderr
    assert versions(trial) == {CHAMPION: "1", CHALLENGER: "2"}


@pytest.mark.parametrize(
    "spoil", [lambda file: file.unlink(), lambda file: file.write_text("tree\nnonsense")]
)
def test_one_that_cannot_be_loaded_is_refused(
    trial: Workspace, spoil: Callable[[Path], None]
) -> None:
    challenge(trial, require_champion(trial).model)
    spoil(newest(trial, "booster.txt"))
    refused(trial, "the challenger cannot be used")


def test_one_that_only_a_fresh_process_cannot_load_is_refused(trial: Workspace) -> None:
    challenge(trial, require_champion(trial).model)
    file = newest(trial, "MLmodel")
    file.write_text(file.read_text().replace("pyfunc_model.py", "gone.py"))
    refused(trial, "a fresh process could not score with it")


def test_nights_that_a_model_has_seen_judge_nothing(workspace: Path) -> None:
    place = Workspace(workspace)
    challenge(place, require_champion(place).model)
    with pytest.raises(
        NotPromoted, match="No night since 2025-07-10.*Train the challenger as of an earlier day"
    ):
        promote(place)


def test_without_a_challenger_or_a_former_champion_it_is_said(trial: Workspace) -> None:
    with pytest.raises(NoChampion, match="there is no challenger"):
        promote(trial)
    with pytest.raises(NoChampion, match="no former champion"):
        step.rollback(trial)
