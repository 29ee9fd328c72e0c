"""The tracking database is made whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from pipeline import tracking
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
    assert tracking.find_champion(workspace) is None
    assert [p.name for p in tmp_path.glob(".new-*")] == []
    made = tracking.database(workspace).stat()
    tracking.create_database(workspace)
    assert tracking.database(workspace).stat() == made
