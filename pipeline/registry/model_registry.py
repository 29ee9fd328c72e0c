"""The registered models by alias, in MLflow.

champion           scores the nights
challenger         on trial; `make promote` makes it champion if it passes every check
former_champion    `make rollback` returns to it
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import mlflow
import polars as pl
from mlflow.exceptions import MlflowException

from models.learner.gbm import DisputeModel
from pipeline.registry.alias_change import complete_change
from pipeline.registry.logged_model import ABOUT, about_version, log_model
from pipeline.registry.model_files import (
    FACTS_TAG,
    FILES_TAG,
    READ,
    check_facts,
    check_hashes,
    facts_digest,
    files_of,
    hashes_text,
    refuse_foreign,
)
from pipeline.registry.moved_workspace import settle
from pipeline.registry.registered_model import Registered, read_model, unusable
from pipeline.registry.tracking import MODEL_NAME as MODEL_NAME
from pipeline.registry.tracking import (
    artifact_location,
    client_of,
    create_database,
    database,
    keeps_files,
    model_name,
    registry_errors,
    server_uri,
    use_tracking,
)
from pipeline.registry.tracking import tracking_uri as tracking_uri
from pipeline.settings.errors import Damaged, NoChampion
from pipeline.workspace.progress import warn
from pipeline.workspace.workspace import Workspace

CHAMPION, CHALLENGER, FORMER = "champion", "challenger", "former_champion"
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def find_model(workspace: Workspace, alias: str = CHAMPION) -> Registered | None:
    """The model with that alias, or None if there is none yet.

    Raises `NoChampion` if there is one but it cannot be used, `Damaged` if its files or its entry
    in the registry changed, and `ForeignFile` if other files lie among them.
    """
    if server_uri() is None and not database(workspace).exists():
        return None
    with registry_errors(workspace):
        settle(workspace)
        complete_change(workspace)
        version = version_of(workspace, alias)
        return None if version is None else _load(workspace, alias, version)


def judged_of(workspace: Workspace, champion: Registered) -> Registered:
    """The champion as the promotion gate judged it.

    That version was trained on fewer nights, so more nights are left for a comparison.
    """
    if champion.judged_version is None:
        return champion
    name = f"version {champion.judged_version}, from which the champion was refitted,"
    with registry_errors(workspace):
        client = client_of(workspace)
        version = client.get_model_version(model_name(workspace), champion.judged_version)
        return _load(workspace, name, version)


def _load(workspace: Workspace, alias: str, version: Any) -> Registered:
    try:
        run = client_of(workspace).get_run(str(version.run_id))
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        raise unusable(workspace, alias, "the run that made it is not in the registry") from None
    tags = run.data.tags
    if (day := tags.get("trained_as_of")) is None:
        why = "it has no trained_as_of tag: it was registered by other code"
        raise unusable(workspace, alias, why)
    check_facts(version, run)
    _check_day(workspace, alias, day)
    with files_of(workspace, alias, version) as folder:
        refuse_foreign(folder)
        check_hashes(folder, version, READ)
        try:
            model = read_model(workspace, alias, folder / "artifacts")
        except OSError:
            raise unusable(workspace, alias, "its files cannot be read") from None
        if FACTS_TAG not in version.tags:
            _add_hashes(workspace, version, run, folder)
    return Registered(
        model,
        str(version.version),
        run.info.run_id,
        day,
        run.data.params,
        tags.get("judged_version"),
    )


def _check_day(workspace: Workspace, alias: str, day: str) -> None:
    try:
        date.fromisoformat(day)
    except ValueError:
        raise unusable(workspace, alias, f"its trained_as_of {day!r} is not a date") from None


def _add_hashes(workspace: Workspace, version: Any, run: Any, folder: Path) -> None:
    """Give a version the hashes of its files and facts; those of earlier programs have none."""
    client, name = client_of(workspace), model_name(workspace)
    client.set_model_version_tag(name, version.version, FILES_TAG, hashes_text(folder))
    client.set_model_version_tag(name, version.version, FACTS_TAG, facts_digest(version, run))


def version_of(workspace: Workspace, alias: str) -> Any:
    """MLflow's model version with that alias; None if there is none."""
    try:
        return client_of(workspace).get_model_version_by_alias(model_name(workspace), alias)
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise


def has_usable_champion(workspace: Workspace) -> bool:
    """Whether `find_model` gives a champion without an error.

    Raises `Damaged` if the registry itself is damaged: a new model could not be registered.
    """
    try:
        return find_model(workspace) is not None
    except NoChampion:
        return False
    except Damaged as error:
        with registry_errors(workspace):
            champion = version_of(workspace, CHAMPION)
        if champion is None:
            raise
        warn(f"the champion is replaced, because it cannot be used: {error}")
        return False


def require_champion(workspace: Workspace) -> Registered:
    """The champion; raises `NoChampion` if there is none or it cannot be used."""
    champion = find_model(workspace)
    if champion is None:
        where = f" on {server_uri()} (model {model_name(workspace)!r})" if server_uri() else ""
        raise NoChampion(
            f"{workspace.folder}: there is no champion model yet{where}. "
            "Train one: make train WORKSPACE=... AS_OF=..."
        )
    return champion


def open_experiment(workspace: Workspace) -> None:
    """Make the experiment of the workspace the one that MLflow logs to."""
    create_database(workspace)
    use_tracking(workspace)
    settle(workspace)
    name = model_name(workspace)
    if keeps_files(workspace) and mlflow.get_experiment_by_name(name) is None:
        mlflow.create_experiment(name, artifact_location=artifact_location(workspace))
    mlflow.set_experiment(name)


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
    with registry_errors(workspace):
        open_experiment(workspace)
        client, name = client_of(workspace), model_name(workspace)
        title = f"{alias} of {tags.get('trained_as_of', 'an unknown day')}"
        run_id, uri = log_model(title, model, example, params, metrics, tags)
        # register_model reports its success on stderr, which means nothing to a seller
        with contextlib.redirect_stderr(io.StringIO()):
            version = mlflow.register_model(uri, name)
        with files_of(workspace, alias, version) as folder:
            _add_hashes(workspace, version, client.get_run(run_id), folder)
        client.update_registered_model(name, ABOUT)
        client.update_model_version(name, version.version, about_version(alias, metrics, tags))
        client.set_registered_model_alias(name, alias, version.version)
    return str(version.version)
