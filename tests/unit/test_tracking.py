"""The tracking database is made whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from pipeline import tracking
from pipeline.errors import NoChampion
from pipeline.store import Workspace


def test_a_database_half_made_never_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed during MLflow's migrations, a database cannot be opened again: it must not be the workspace's."""
    workspace = Workspace(tmp_path)

    def killed(client: MlflowClient, max_results: int) -> None:
        Path(client.tracking_uri.removeprefix("sqlite:///")).write_bytes(b"half a database")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tracking.MlflowClient, "search_experiments", killed)
        with pytest.raises(KeyboardInterrupt):
            tracking.create_database(workspace)
    assert not tracking.database(workspace).exists()
    with workspace.locked():
        tracking.create_database(workspace)
    assert tracking.find_model(workspace) is None
    assert [p.name for p in tmp_path.glob(".new-*")] == []
    made = tracking.database(workspace).stat()
    tracking.create_database(workspace)
    assert tracking.database(workspace).stat() == made


def test_a_champion_that_reads_unknown_features_is_said_to_be_unusable(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "FEATURES", {"order_value_usd": None})
    with pytest.raises(NoChampion, match="features this program does not build: buyer_count_disputes_365d"):
        tracking.find_model(Workspace(finished))


def test_a_moved_workspace_says_that_its_model_is_not_found(finished: Path, tmp_path: Path) -> None:
    """The registry holds absolute paths."""
    shutil.copytree(finished, tmp_path / "moved", symlinks=True)
    away = finished.rename(finished.with_name("away"))
    try:
        with pytest.raises(NoChampion, match="was the workspace moved"):
            tracking.find_model(Workspace(tmp_path / "moved"))
    finally:
        away.rename(finished)
