"""tune: train reads the settings that it writes, and chance is not taken for a gain."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import mlflow
import pytest

from pipeline.registry.tracking import tracking_uri
from pipeline.settings.config import TUNED, Booster, load_config
from pipeline.settings.errors import BadInput, Refused
from pipeline.training import tune as step
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's folds with a loss that falls with fewer leaves, nearly equally in each fold."""
    monkeypatch.setattr(
        step,
        "_loss",
        lambda fold, _, booster: 0.1 + 0.01 * booster.num_leaves + 1e-9 * fold.test.height,
    )


def tune(folder: Path, as_of: date = date(2025, 7, 1)) -> bool:
    (folder / TUNED).unlink(missing_ok=True)
    return step.tune(Workspace(folder), load_config(folder), Progress(), as_of=as_of, minutes=0.02)


def test_better_settings_are_written_and_read_again(workspace: Path, quick: None) -> None:
    assert tune(workspace)
    tuned = load_config(workspace)
    assert tuned.booster.num_leaves < Booster().num_leaves
    assert tuned.recipe.booster["num_leaves"] == tuned.booster.num_leaves
    with (workspace / "config.toml").open("a") as config:
        config.write("[booster]\nnum_leaves = 16\n")
    assert load_config(workspace).booster == tuned.booster.model_copy(update={"num_leaves": 16}), (
        "the user's own setting wins"
    )
    mlflow.set_tracking_uri(tracking_uri(Workspace(workspace)))
    runs = mlflow.search_runs(experiment_names=["dispute-risk"], filter_string="tags.step = 'tune'")
    assert runs["params.is_used"].to_list() == ["True"]


def test_a_gain_within_chance_changes_nothing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heights: list[int] = []

    def loss(fold: step.TuningFold, _: object, booster: Booster) -> float:
        if fold.test.height not in heights:
            heights.append(fold.test.height)
        side = 1.0 if heights.index(fold.test.height) % 2 else -1.0
        return 0.1 + side * 0.01 * booster.num_leaves

    monkeypatch.setattr(step, "_loss", loss)
    assert not tune(workspace)
    assert not (workspace / TUNED).exists()


def test_real_folds_are_trained_on_and_tested(workspace: Path) -> None:
    config = load_config(workspace)
    folds = step._folds(Workspace(workspace).read_tables(), config, 20270)
    assert 0.0 < step._loss(folds[-1], config, Booster()) < 0.7
    for fold in folds:
        assert fold.train["as_of_day"].max() + config.horizon_days < fold.test["as_of_day"].min()


def test_too_few_disputes_are_refused(workspace: Path) -> None:
    with pytest.raises(Refused, match="fewer than two of 5 forward folds"):
        tune(workspace, date(2025, 2, 20))


def test_impossible_settings_are_named(workspace: Path) -> None:
    (workspace / TUNED).write_text("[booster]\nnum_leaves = 1\n")
    with pytest.raises(
        BadInput, match="booster.num_leaves: Input should be greater than or equal to 2"
    ):
        load_config(workspace)
