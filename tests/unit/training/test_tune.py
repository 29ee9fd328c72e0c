"""tune: what it writes is read by train, and chance is not taken for a gain."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import mlflow
import pytest

from pipeline.registry.model_registry import tracking_uri
from pipeline.settings.config import TUNED, Booster, load_config
from pipeline.settings.errors import BadInput, Refused
from pipeline.training import tune as step
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folds as the store has them; a loss that fewer leaves lower, by as much in every fold but for
    a little."""
    monkeypatch.setattr(
        step,
        "_loss",
        lambda fold, _, booster: 0.1 + 0.01 * booster.num_leaves + 1e-9 * fold.test.height,
    )


def tune(folder: Path, as_of: date = date(2025, 7, 10)) -> bool:
    (folder / TUNED).unlink(missing_ok=True)
    return step.tune(Workspace(folder), load_config(folder), Progress(), as_of=as_of, minutes=0.02)


def test_what_is_better_is_kept_and_read_again(workspace: Path, quick: None) -> None:
    assert tune(workspace)
    found = load_config(workspace)
    assert found.booster.num_leaves < Booster().num_leaves
    assert found.recipe.booster["num_leaves"] == found.booster.num_leaves
    with (workspace / "config.toml").open("a") as config:
        config.write("[booster]\nnum_leaves = 16\n")
    assert load_config(workspace).booster == found.booster.model_copy(update={"num_leaves": 16}), (
        "the user's word is last"
    )
    mlflow.set_tracking_uri(tracking_uri(Workspace(workspace)))
    runs = mlflow.search_runs(experiment_names=["dispute-risk"], filter_string="tags.step = 'tune'")
    assert runs["params.is_used"].to_list() == ["True"]


def test_a_gain_that_chance_would_make_changes_nothing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heights: list[int] = []

    def loss(fold: step.Data, _: object, booster: Booster) -> float:
        if fold.test.height not in heights:
            heights.append(fold.test.height)
        side = 1.0 if heights.index(fold.test.height) % 2 else -1.0
        return 0.1 + side * 0.01 * booster.num_leaves

    monkeypatch.setattr(step, "_loss", loss)
    assert not tune(workspace)
    assert not (workspace / TUNED).exists()


def test_real_folds_are_learnt_and_judged(workspace: Path) -> None:
    config = load_config(workspace)
    folds = step._folds(Workspace(workspace).read_tables(), config, 20270)
    assert 0.0 < step._loss(folds[-1], config, Booster()) < 0.7
    for fold in folds:
        assert fold.train["as_of_day"].max() + config.horizon_days < fold.test["as_of_day"].min()


def test_too_little_to_choose_by_is_refused(workspace: Path) -> None:
    with pytest.raises(Refused, match="fewer than two of 5 forward folds"):
        tune(workspace, date(2025, 2, 20))


def test_settings_that_cannot_be_are_named(workspace: Path) -> None:
    (workspace / TUNED).write_text("[booster]\nnum_leaves = 1\n")
    with pytest.raises(
        BadInput, match="booster.num_leaves: Input should be greater than or equal to 2"
    ):
        load_config(workspace)
