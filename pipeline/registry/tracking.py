"""Where MLflow keeps its records: in `mlflow.db` of the workspace, or on a team's server.

A server is used if `MLFLOW_TRACKING_URI` is set. With a database as tracking URI, MLflow keeps
records in it and the model files stay in the workspace.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from requests.exceptions import RequestException
from sqlalchemy.exc import SQLAlchemyError

from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, Damaged, NoDatabase
from pipeline.workspace.disk_errors import disk_trouble
from pipeline.workspace.manifest import new_id
from pipeline.workspace.workspace import Workspace, sync

MODEL_NAME = "dispute-risk"
SERVER = "MLFLOW_TRACKING_URI"
ARTIFACTS = "mlartifacts"
_SERVER_URI = re.compile(r"(https?|postgresql|mysql|mssql|sqlite)(\+\w+)?://.+|databricks(://.+)?")

# it prints a traceback of each fault of its database, for which the step has a message
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
# MLflow writes the URI that it is given into the environment; these are no server's
_own_uris: set[str] = set()


def database(workspace: Workspace) -> Path:
    """The tracking database of the workspace itself."""
    return workspace.folder / "mlflow.db"


def server_uri() -> str | None:
    """What `MLFLOW_TRACKING_URI` is set to; None if it is not set or empty.

    Raises `BadInput` if it is neither a server nor a database.
    """
    uri = os.environ.get(SERVER, "").strip()
    if uri in _own_uris:
        return None
    if uri and not _SERVER_URI.fullmatch(uri):
        raise BadInput(
            f"{SERVER}={_without_password(uri)!r} is neither a server nor a database. Write it "
            "like http://mlflow.example:5000 or postgresql://user@host/name, or unset it to keep "
            "the models in the workspace."
        )
    return uri or None


def tracking_uri(workspace: Workspace) -> str:
    """The server's URI if one is set, else that of the workspace's own database."""
    if uri := server_uri():
        return uri
    own = f"sqlite:///{_plain_path(workspace.folder)}/mlflow.db"
    _own_uris.add(own)
    return own


def keeps_files(workspace: Workspace) -> bool:
    """Whether the files of the models are in the workspace, and not on a server."""
    return not tracking_uri(workspace).startswith(("http", "databricks"))


def model_name(workspace: Workspace) -> str:
    """The registered model's name, and that of the experiment.

    Several stores may use one server, so the name has the store in it there: `model_name` of
    config.toml, or else the workspace's own name.
    """
    if server_uri() is None:
        return MODEL_NAME
    own = re.sub(r"[/:]", "_", workspace.folder.name)
    return load_config(workspace.folder).model_name or f"{MODEL_NAME}-{own}"


def client_of(workspace: Workspace) -> MlflowClient:
    """A client of the tracking database or server."""
    return MlflowClient(tracking_uri(workspace), tracking_uri(workspace))


def artifact_location(workspace: Workspace) -> str:
    """The URI of the folder for model files in the workspace."""
    return (workspace.folder / ARTIFACTS).as_uri()


def create_database(workspace: Workspace) -> None:
    """Create the workspace's own tracking database, completely or not at all.

    MLflow creates it in about forty migrations. If the process is killed between two of them, the
    file can never be opened again. So it is created under another name and then renamed.
    """
    if database(workspace).exists() or server_uri():
        return
    unfinished = database(workspace).with_name(f".new-{new_id()}.db")
    uri = f"sqlite:///{_plain_path(workspace.folder)}/{unfinished.name}"
    MlflowClient(uri).search_experiments(max_results=1)
    sync(unfinished)
    unfinished.replace(database(workspace))


def use_tracking(workspace: Workspace) -> None:
    """Make MLflow's functions without a client use the workspace's records."""
    uri, given = tracking_uri(workspace), os.environ.get(SERVER)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    # a process that is started from here would take the workspace's database for a server
    os.environ.pop(SERVER, None)
    if given is not None:
        os.environ[SERVER] = given


_CREDENTIALS = re.compile(r"//[^/\s]*@")


@contextmanager
def registry_errors(workspace: Workspace) -> Iterator[None]:
    """Give MLflow's and SQLite's errors a message for the user.

    Raises `NoDatabase` if a server does not answer, and `Damaged` if the workspace's database is
    broken.
    """
    try:
        _check_database(workspace)
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, RequestException) as error:
        if trouble := disk_trouble(error, workspace.folder):
            raise trouble from None
        uri = server_uri()
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        # MLflow repeats the address with its password
        first_line = _CREDENTIALS.sub("//", first_line)[:200]
        if uri:
            raise NoDatabase(
                f"{SERVER}={_without_password(uri)}: {first_line} Check the address and that the "
                "server runs, or unset the variable to keep the models in the workspace."
            ) from None
        raise _broken(workspace, first_line) from None


def _broken(workspace: Workspace, why: str) -> Damaged:
    return Damaged(
        f"{database(workspace)}: is damaged ({why}). Restore it from a backup, or move it away and "
        "train again: make train WORKSPACE=... AS_OF=..."
    )


def _check_database(workspace: Workspace) -> None:
    """Raises `Damaged` if the file is no SQLite database with MLflow's tables.

    MLflow would fill an empty file with tables, and the models would be forgotten without a word.
    """
    path = database(workspace)
    if server_uri() or not path.exists():
        return
    try:
        if not path.is_file():
            raise _broken(workspace, "it is not a file")
        uri = f"{path.as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=30)) as connection:
            (state,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            has_models = connection.execute(
                "SELECT 1 FROM sqlite_master WHERE name = 'registered_models'"
            ).fetchone()
    except sqlite3.Error as error:
        if trouble := disk_trouble(error, workspace.folder):
            raise trouble from None
        raise _broken(workspace, str(error)) from None
    if state != "ok" or not has_models:
        raise _broken(workspace, "it has no models table" if state == "ok" else str(state))


def _plain_path(folder: Path) -> str:
    """The path of the folder as MLflow and SQLAlchemy can read it within a URI.

    Both take `%`, `?` and `#` as signs of the URI, and neither decodes an encoded path. A path with
    one of these gets a second name: a link in a temporary folder, removed when the process ends.
    """
    return str(folder) if not set("%?#") & set(str(folder)) else _linked(folder)


@cache
def _linked(folder: Path) -> str:
    links = Path(tempfile.mkdtemp(prefix="pipeline-"))
    atexit.register(shutil.rmtree, links, ignore_errors=True)
    (links / "workspace").symlink_to(folder)
    return str(links / "workspace")


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")
    user = host[0].partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@{host[2]}" if user else host[2]))
