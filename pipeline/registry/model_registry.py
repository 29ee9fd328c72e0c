"""MLflow: one SQLite tracking database per workspace, and the registered models by alias.

champion           scores the nights
challenger         on trial; `make promote` makes it champion if it passes every check
former_champion    `make rollback` returns to it
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

# MLflow reads these once, when it is imported; a seller's nightly job must not send telemetry or
# print about git
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import polars as pl
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient

from models.learner.gbm import DisputeModel
from pipeline.registry.registered_model import (
    BOOSTER_FILE,
    REST_FILE,
    Registered,
    read_model,
    unusable,
    write_model,
)
from pipeline.settings.errors import NoChampion
from pipeline.workspace.manifest import git_revision
from pipeline.workspace.workspace import Workspace, new_id, sync

MODEL_NAME = "dispute-risk"
CHAMPION, CHALLENGER, FORMER = "champion", "challenger", "former_champion"
EXPERIMENT = "dispute-risk"
ROOT = Path(__file__).resolve().parents[2]


def database(workspace: Workspace) -> Path:
    return workspace.folder / "mlflow.db"


def tracking_uri(workspace: Workspace) -> str:
    return f"sqlite:///{database(workspace)}"


def create_database(workspace: Workspace) -> None:
    """Create the tracking database, completely or not at all.

    MLflow creates it in about forty migrations. If the process is killed between two of them, the
    file can never be opened again. So it is created under another name and then renamed.
    """
    if database(workspace).exists():
        return
    unfinished = database(workspace).with_name(f".new-{new_id()}.db")
    MlflowClient(f"sqlite:///{unfinished}").search_experiments(max_results=1)
    sync(unfinished)
    unfinished.replace(database(workspace))


def find_model(workspace: Workspace, alias: str = CHAMPION) -> Registered | None:
    """The model with that alias, or None if there is none yet.

    Raises `NoChampion` if there is one but it cannot be used.
    """
    if not database(workspace).exists():
        return None
    version = version_of(workspace, alias)
    return None if version is None else _load(workspace, alias, version)


def judged_of(workspace: Workspace, champion: Registered) -> Registered:
    """The champion as the promotion gate judged it.

    That version was trained on fewer nights, so more nights are left for a comparison.
    """
    if champion.judged_version is None:
        return champion
    version = client_of(workspace).get_model_version(MODEL_NAME, champion.judged_version)
    name = f"version {champion.judged_version}, from which the champion was refitted,"
    return _load(workspace, name, version)


def _load(workspace: Workspace, alias: str, version: Any) -> Registered:
    mlflow.set_tracking_uri(tracking_uri(workspace))
    try:
        run = client_of(workspace).get_run(str(version.run_id))
    except MlflowException:
        raise unusable(workspace, alias, "the run that made it is not in the registry") from None
    try:
        local = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL_NAME}/{version.version}"))
        model = read_model(workspace, alias, local / "artifacts")
    except (OSError, MlflowException):
        why = (
            "its files are not where the registry expects them (was the workspace moved? "
            "registered by other code?)"
        )
        raise unusable(workspace, alias, why) from None
    tags = run.data.tags
    if (day := tags.get("trained_as_of")) is None:
        why = "it has no trained_as_of tag: it was registered by other code"
        raise unusable(workspace, alias, why)
    return Registered(
        model,
        str(version.version),
        run.info.run_id,
        day,
        run.data.params,
        tags.get("judged_version"),
    )


def client_of(workspace: Workspace) -> MlflowClient:
    """A client of the workspace's tracking database."""
    return MlflowClient(tracking_uri(workspace), tracking_uri(workspace))


def version_of(workspace: Workspace, alias: str) -> Any:
    """MLflow's model version with that alias; None if there is none."""
    try:
        return client_of(workspace).get_model_version_by_alias(MODEL_NAME, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def has_usable_champion(workspace: Workspace) -> bool:
    """Whether `find_model` gives a champion without an error."""
    try:
        return find_model(workspace) is not None
    except NoChampion:
        return False


def require_champion(workspace: Workspace) -> Registered:
    """The champion; raises `NoChampion` if there is none or it cannot be used."""
    champion = find_model(workspace)
    if champion is None:
        raise NoChampion(
            f"{workspace.folder}: there is no champion model yet. "
            "Train one: make train WORKSPACE=... AS_OF=..."
        )
    return champion


def _open_experiment(workspace: Workspace) -> None:
    create_database(workspace)
    mlflow.set_tracking_uri(tracking_uri(workspace))
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        mlflow.create_experiment(
            EXPERIMENT, artifact_location=(workspace.folder / "mlartifacts").as_uri()
        )
    mlflow.set_experiment(EXPERIMENT)


def register_model(
    workspace: Workspace,
    model: DisputeModel,
    *,
    alias: str,
    example: pl.DataFrame,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> str:
    """Log the run and its model, register the model, then point `alias` at it.

    `example`: a few training rows, for the signature. Returns the version.
    """
    _open_experiment(workspace)
    # with the stage: an order without lines gets the usual values of its stage. Training rows are
    # float32, but a night's features are float64, and the signature must allow them
    frame = example.select("stage", pl.col(model.feature_names).cast(pl.Float64)).to_pandas()
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run(tags=dict(tags)):
        write_model(model, Path(folder))
        mlflow.log_params(dict(params))
        mlflow.log_metrics(dict(metrics))
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"booster": f"{folder}/{BOOSTER_FILE}", "rest": f"{folder}/{REST_FILE}"},
            signature=infer_signature(frame, model.predict(example)),
            input_example=frame,
            # given here; otherwise MLflow starts a second Python process to infer them
            pip_requirements=["lightgbm", "polars", "pandas", "scikit-learn", "scipy"],
        )
        # register_model reports its success on stderr, which means nothing to a seller
        with contextlib.redirect_stderr(io.StringIO()):
            version = mlflow.register_model(info.model_uri, MODEL_NAME).version
    client_of(workspace).set_registered_model_alias(MODEL_NAME, alias, version)
    return str(version)


def log_search(
    workspace: Workspace, params: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    """Log a run without a model: the best settings of a search, and its metrics."""
    _open_experiment(workspace)
    with mlflow.start_run(tags={"step": "tune"}):
        mlflow.log_params(dict(params))
        mlflow.log_metrics(dict(metrics))


def log_backtest(
    workspace: Workspace, result: pl.DataFrame, files: list[Path], config: Mapping[str, Any]
) -> None:
    """Log a run with the backtest's metrics by stage, and its files.

    The step of a metric is the night as a proleptic ordinal; metrics over all nights end in
    `.pooled`.
    """
    _open_experiment(workspace)
    with mlflow.start_run(tags={"step": "backtest", "git_revision": git_revision()}):
        mlflow.log_params({name: str(value)[:500] for name, value in config.items()})
        for row in result.iter_rows(named=True):
            stage, night = row.pop("stage"), row.pop("night")
            metrics = {
                f"{stage}.{name}": float(value) for name, value in row.items() if value is not None
            }
            if night == "pooled":
                mlflow.log_metrics({f"{name}.pooled": value for name, value in metrics.items()})
            else:
                mlflow.log_metrics(metrics, step=date.fromisoformat(night).toordinal())
        for file in files:
            mlflow.log_artifact(str(file))
