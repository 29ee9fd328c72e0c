"""A workspace that was copied, moved or renamed writes its models into its own folder.

An MLflow experiment has the absolute path of its folder, and MLflow cannot change it. So the
experiment of the former path is renamed, and one for this path takes its name.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlflow.entities import ViewType

from pipeline.registry.model_files import bring_files
from pipeline.registry.tracking import artifact_location, client_of, keeps_files, model_name
from pipeline.workspace.manifest import new_id
from pipeline.workspace.progress import warn
from pipeline.workspace.workspace import Workspace


def settle(workspace: Workspace) -> None:
    """Make the experiment of this workspace the one whose files are in this folder.

    Says so the first time that the workspace is used at a path. Files of models that an earlier
    program wrote into another workspace are copied here.
    """
    if not keeps_files(workspace):
        return
    client, name, here = client_of(workspace), model_name(workspace), artifact_location(workspace)
    current = client.get_experiment_by_name(name)
    if current is None or current.artifact_location == here:
        return
    brought = 0
    for version in client.search_model_versions(f"name = '{_quoted(name)}'"):
        uri = client.get_model_version_download_uri(name, version.version)
        brought += bring_files(workspace, version, Path(unquote(urlsplit(uri).path)))
    known = [e for e in client.search_experiments(ViewType.ALL) if e.artifact_location == here]
    client.rename_experiment(current.experiment_id, f"{name}, at another path until {new_id()}")
    if known:
        client.rename_experiment(known[0].experiment_id, name)
        return
    client.create_experiment(name, artifact_location=here)
    warn(
        f"this workspace was copied or moved from {_folder(current.artifact_location)}: from now "
        f"on its models are read from and written to {workspace.folder}"
        + (f"; the files of {brought} models were copied from there" if brought else "")
    )


def _folder(location: str) -> Path:
    return Path(unquote(urlsplit(location).path)).parent


def _quoted(name: str) -> str:
    return name.replace("'", "''")
