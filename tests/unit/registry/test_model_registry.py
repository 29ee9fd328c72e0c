"""The tracking database is created completely or not at all; unusable models give clear errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from pipeline.registry import model_registry, registered_model
from pipeline.registry.model_registry import CHAMPION
from pipeline.settings.errors import NoChampion
from pipeline.workspace.workspace import Workspace


def test_a_half_created_database_is_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that was killed during MLflow's migrations cannot be opened again."""
    workspace = Workspace(tmp_path)

    def killed(client: MlflowClient, max_results: int) -> None:
        Path(client.tracking_uri.removeprefix("sqlite:///")).write_bytes(b"half a database")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "search_experiments", killed)
        with pytest.raises(KeyboardInterrupt):
            model_registry.create_database(workspace)
    assert not model_registry.database(workspace).exists()
    with workspace.locked():
        model_registry.create_database(workspace)
    assert model_registry.find_model(workspace) is None
    assert [p.name for p in tmp_path.glob(".new-*")] == []
    made = model_registry.database(workspace).stat()
    model_registry.create_database(workspace)
    assert model_registry.database(workspace).stat() == made


def test_a_champion_with_unknown_features_is_unusable(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registered_model, "FEATURES", {"order_value_usd": None})
    with pytest.raises(
        NoChampion, match="features this program does not build: buyer_count_disputes_365d"
    ):
        model_registry.find_model(Workspace(finished))


def test_a_model_registered_by_other_code_is_unusable(workspace: Path, run_step: Callable) -> None:
    """It has no trained_as_of tag; it has no run; it has a run, but not our files."""
    store = Workspace(workspace)
    client = MlflowClient(model_registry.tracking_uri(store), model_registry.tracking_uri(store))
    client.delete_tag(model_registry.require_champion(store).run_id, "trained_as_of")
    with pytest.raises(NoChampion, match="it was registered by other code"):
        model_registry.find_model(store)
    (workspace / "other").mkdir()
    run = client.create_run(
        client.get_experiment_by_name(model_registry.MODEL_NAME).experiment_id
    ).info.run_id
    for run_id, why in (
        (None, "the run that made it is not in the registry"),
        (run, "registered by other code"),
    ):
        version = client.create_model_version(
            model_registry.MODEL_NAME, (workspace / "other").as_uri(), run_id=run_id
        )
        client.set_registered_model_alias(model_registry.MODEL_NAME, CHAMPION, version.version)
        score = run_step("score", "--workspace", workspace, "--as-of", "2025-07-10")
        assert score.returncode == 12
        assert why in score.stderr
        assert "Traceback" not in score.stderr
