"""MLflow, through its front door: one SQLite database per workspace, and the registered model `champion`."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# before MLflow is imported: it reads these once, and a seller's nightly job must not call home or talk of git
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")

import mlflow
import polars as pl
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient

from features.registry import FEATURES
from models.gbm import DisputeModel, from_text
from pipeline.errors import NoChampion
from pipeline.store import Workspace, new_id, sync

MODEL_NAME = "dispute-risk"
CHAMPION = "champion"
EXPERIMENT = "dispute-risk"
BOOSTER_FILE, REST_FILE = "booster.txt", "model.json"


@dataclass(frozen=True)
class Champion:
    """The model in use, and what the registry says of it."""

    model: DisputeModel
    version: str
    run_id: str
    trained_as_of: str


def database(workspace: Workspace) -> Path:
    return workspace.folder / "mlflow.db"


def tracking_uri(workspace: Workspace) -> str:
    return f"sqlite:///{database(workspace)}"


def create_database(workspace: Workspace) -> None:
    """Make the tracking database, whole or not at all.

    MLflow builds it in some forty migrations, and one that was killed between two of them can never be opened again;
    so it is built aside and renamed.
    """
    if database(workspace).exists():
        return
    aside = database(workspace).with_name(f".new-{new_id()}.db")
    MlflowClient(f"sqlite:///{aside}").search_experiments(max_results=1)
    sync(aside)
    aside.replace(database(workspace))


def find_champion(workspace: Workspace) -> Champion | None:
    """The champion, or None if there is none yet."""
    if not database(workspace).exists():
        return None
    client = MlflowClient(tracking_uri(workspace), tracking_uri(workspace))
    try:
        version = client.get_model_version_by_alias(MODEL_NAME, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    run = client.get_run(str(version.run_id))
    mlflow.set_tracking_uri(tracking_uri(workspace))
    try:
        local = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL_NAME}@{CHAMPION}"))
        booster, rest = ((local / "artifacts" / name).read_text(encoding="utf-8") for name in (BOOSTER_FILE, REST_FILE))
    except (OSError, MlflowException):
        raise _unusable(workspace, "its files are not where the registry says (was the workspace moved?)") from None
    model = from_text(booster, rest)
    if unknown := sorted(set(model.feature_names) - set(FEATURES)):
        raise _unusable(workspace, f"it reads features this program does not build: {', '.join(unknown)}")
    return Champion(model, str(version.version), str(version.run_id), run.data.tags["trained_as_of"])


def _unusable(workspace: Workspace, why: str) -> NoChampion:
    return NoChampion(
        f"{workspace.folder}: the champion cannot be used: {why}. Train again: make train WORKSPACE=... AS_OF=..."
    )


def require_champion(workspace: Workspace) -> Champion:
    champion = find_champion(workspace)
    if champion is None:
        raise NoChampion(
            f"{workspace.folder}: there is no champion model yet. Train one: make train WORKSPACE=... AS_OF=..."
        )
    return champion


def register_champion(
    workspace: Workspace,
    model: DisputeModel,
    *,
    example: pl.DataFrame,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> str:
    """Log the run and its model, register it, and, last of all, point `champion` at it; returns the version."""
    create_database(workspace)
    mlflow.set_tracking_uri(tracking_uri(workspace))
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        mlflow.create_experiment(EXPERIMENT, artifact_location=(workspace.folder / "mlartifacts").as_uri())
    mlflow.set_experiment(EXPERIMENT)
    frame = example.select(model.feature_names).to_pandas()
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run(tags=dict(tags)):
        for name, text in zip((BOOSTER_FILE, REST_FILE), model.to_text(), strict=True):
            (Path(folder) / name).write_text(text, encoding="utf-8")
        mlflow.log_params(dict(params))
        mlflow.log_metrics(dict(metrics))
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("served_model.py")),
            artifacts={"booster": f"{folder}/{BOOSTER_FILE}", "rest": f"{folder}/{REST_FILE}"},
            signature=infer_signature(frame, model.predict(example)),
            input_example=frame,
            # named, so that MLflow does not start a second Python to find them out
            pip_requirements=["lightgbm", "polars", "pandas", "scikit-learn", "scipy"],
        )
        # register_model tells of its success on stderr, in words that say nothing to a seller
        with contextlib.redirect_stderr(io.StringIO()):
            version = mlflow.register_model(info.model_uri, MODEL_NAME).version
    MlflowClient().set_registered_model_alias(MODEL_NAME, CHAMPION, version)
    return str(version)
