"""MLflow, through its front door: one SQLite database per workspace, and the registered models by
their aliases.

champion           scores the nights
challenger         on trial; `make promote` makes it champion if nothing speaks against it
former_champion    what `make rollback` returns to
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

# before MLflow is imported: it reads these once, and a seller's nightly job must not call home or
# talk of git
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import lightgbm as lgb
import mlflow
import polars as pl
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient

from features.build.registry import FEATURES
from models.learner.gbm import DisputeModel, from_text
from pipeline.settings.errors import NoChampion
from pipeline.workspace.manifest import git_revision
from pipeline.workspace.workspace import Workspace, new_id, sync

MODEL_NAME = "dispute-risk"
CHAMPION, CHALLENGER, FORMER = "champion", "challenger", "former_champion"
EXPERIMENT = "dispute-risk"
ROOT = Path(__file__).resolve().parents[2]
BOOSTER_FILE, REST_FILE = "booster.txt", "model.json"


@dataclass(frozen=True)
class Registered:
    """A model of the registry, and what the registry says of it. `judged_version`: the version that
    the gate judged, where this one is the same recipe refitted on what has matured since; None
    where it is itself. `settings`: as they were logged, all as text."""

    model: DisputeModel
    version: str
    run_id: str
    trained_as_of: str
    settings: Mapping[str, str]
    judged_version: str | None = None


def database(workspace: Workspace) -> Path:
    return workspace.folder / "mlflow.db"


def tracking_uri(workspace: Workspace) -> str:
    return f"sqlite:///{database(workspace)}"


def create_database(workspace: Workspace) -> None:
    """Make the tracking database, whole or not at all.

    MLflow builds it in some forty migrations, and one that was killed between two of them can never
    be opened again; so it is built aside and renamed.
    """
    if database(workspace).exists():
        return
    aside = database(workspace).with_name(f".new-{new_id()}.db")
    MlflowClient(f"sqlite:///{aside}").search_experiments(max_results=1)
    sync(aside)
    aside.replace(database(workspace))


def find_model(workspace: Workspace, alias: str = CHAMPION) -> Registered | None:
    """The model of that alias, or None if there is none yet."""
    if not database(workspace).exists():
        return None
    version = _version(workspace, alias)
    return None if version is None else _load(workspace, alias, version)


def judged_of(workspace: Workspace, champion: Registered) -> Registered:
    """The champion as the gate judged it: with fewer nights learnt, so with more left to compare it
    on."""
    if champion.judged_version is None:
        return champion
    version = _client(workspace).get_model_version(MODEL_NAME, champion.judged_version)
    return _load(
        workspace, f"version {champion.judged_version} that the champion was refitted from", version
    )


def _load(workspace: Workspace, alias: str, version: Any) -> Registered:
    mlflow.set_tracking_uri(tracking_uri(workspace))
    try:
        run = _client(workspace).get_run(str(version.run_id))
    except MlflowException:
        raise unusable(workspace, alias, "the run that made it is not in the registry") from None
    try:
        local = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL_NAME}/{version.version}"))
        booster, rest = (
            (local / "artifacts" / name).read_text(encoding="utf-8")
            for name in (BOOSTER_FILE, REST_FILE)
        )
    except (OSError, MlflowException):
        why = "its files are not where the registry says (was the workspace moved? registered by other code?)"
        raise unusable(workspace, alias, why) from None
    try:
        model = from_text(booster, rest)
    except (ValueError, KeyError, TypeError, lgb.basic.LightGBMError):
        raise unusable(workspace, alias, "its files are not as this program writes them") from None
    if unknown := sorted(set(model.feature_names) - set(FEATURES)):
        raise unusable(
            workspace, alias, f"it reads features this program does not build: {', '.join(unknown)}"
        )
    tags = run.data.tags
    if (day := tags.get("trained_as_of")) is None:
        raise unusable(
            workspace,
            alias,
            "nothing says as of which day it was trained: it was registered by other code",
        )
    return Registered(
        model,
        str(version.version),
        run.info.run_id,
        day,
        run.data.params,
        tags.get("judged_version"),
    )


def _client(workspace: Workspace) -> MlflowClient:
    return MlflowClient(tracking_uri(workspace), tracking_uri(workspace))


def _version(workspace: Workspace, alias: str) -> Any:
    try:
        return _client(workspace).get_model_version_by_alias(MODEL_NAME, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def unusable(workspace: Workspace, alias: str, why: str) -> NoChampion:
    return NoChampion(
        f"{workspace.folder}: the {alias} cannot be used: {why}. Train again: make train WORKSPACE=... AS_OF=..."
    )


def has_usable_champion(workspace: Workspace) -> bool:
    try:
        return find_model(workspace) is not None
    except NoChampion:
        return False


def require_champion(workspace: Workspace) -> Registered:
    champion = find_model(workspace)
    if champion is None:
        raise NoChampion(
            f"{workspace.folder}: there is no champion model yet. Train one: make train WORKSPACE=... AS_OF=..."
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
    """Log the run and its model, register it, and, last of all, point `alias` at it; returns the
    version."""
    _open_experiment(workspace)
    # the stage too: an order without lines gets what is usual at its stage training rows are held
    # as float32; a night's features come as float64, and the signature must allow them
    frame = example.select("stage", pl.col(model.feature_names).cast(pl.Float64)).to_pandas()
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run(tags=dict(tags)):
        for name, text in zip((BOOSTER_FILE, REST_FILE), model.to_text(), strict=True):
            (Path(folder) / name).write_text(text, encoding="utf-8")
        mlflow.log_params(dict(params))
        mlflow.log_metrics(dict(metrics))
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"booster": f"{folder}/{BOOSTER_FILE}", "rest": f"{folder}/{REST_FILE}"},
            signature=infer_signature(frame, model.predict(example)),
            input_example=frame,
            # named, so that MLflow does not start a second Python to find them out
            pip_requirements=["lightgbm", "polars", "pandas", "scikit-learn", "scipy"],
        )
        # register_model tells of its success on stderr, in words that say nothing to a seller
        with contextlib.redirect_stderr(io.StringIO()):
            version = mlflow.register_model(info.model_uri, MODEL_NAME).version
    _client(workspace).set_registered_model_alias(MODEL_NAME, alias, version)
    return str(version)


def log_search(
    workspace: Workspace, params: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    """A run without a model: which settings were searched for and found."""
    _open_experiment(workspace)
    with mlflow.start_run(tags={"step": "tune"}):
        mlflow.log_params(dict(params))
        mlflow.log_metrics(dict(metrics))


def log_backtest(
    workspace: Workspace, result: pl.DataFrame, files: list[Path], config: Mapping[str, Any]
) -> None:
    """A run with the metrics of past nights: those of a stage night by night (the step is the
    night's day number, or the name ends in `.pooled`), and the files."""
    _open_experiment(workspace)
    with mlflow.start_run(tags={"step": "backtest", "git_revision": git_revision()}):
        mlflow.log_params({name: str(value)[:500] for name, value in config.items()})
        for row in result.iter_rows(named=True):
            stage, night = row.pop("stage"), row.pop("night")
            known = {
                f"{stage}.{name}": float(value) for name, value in row.items() if value is not None
            }
            if night == "pooled":
                mlflow.log_metrics({f"{name}.pooled": value for name, value in known.items()})
            else:
                mlflow.log_metrics(known, step=date.fromisoformat(night).toordinal())
        for file in files:
            mlflow.log_artifact(str(file))


def promote_challenger(workspace: Workspace) -> None:
    """The challenger becomes champion, and the champion the former one.

    Alias by alias: killed in between, there is a champion all the same, and doing it again ends it.
    """
    champion, challenger = _version(workspace, CHAMPION), _version(workspace, CHALLENGER)
    client = _client(workspace)
    client.set_registered_model_alias(MODEL_NAME, FORMER, champion.version)
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, challenger.version)
    client.delete_registered_model_alias(MODEL_NAME, CHALLENGER)


def return_to_former(workspace: Workspace) -> tuple[str, str]:
    """Champion and former champion change places; returns the version that is champion now and the
    one that was."""
    require_champion(workspace)
    champion, former = _version(workspace, CHAMPION), _version(workspace, FORMER)
    if former is None:
        raise NoChampion(
            f"{workspace.folder}: there is no former champion to return to: none was ever replaced."
        )
    client = _client(workspace)
    client.set_registered_model_alias(MODEL_NAME, CHAMPION, former.version)
    client.set_registered_model_alias(MODEL_NAME, FORMER, champion.version)
    return str(former.version), str(champion.version)
