"""The files of a registered model: where they are, and whether they are as they were registered.

The files of a version are in `mlartifacts/models/<model id>/artifacts` of the workspace, wherever
the workspace is. MLflow's database has absolute paths, which are wrong after the workspace was
copied or moved; they are never used to read.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

from pipeline.registry.registered_model import BOOSTER_FILE, REST_FILE, unusable
from pipeline.registry.tracking import ARTIFACTS, keeps_files, model_name, use_tracking
from pipeline.settings.errors import Damaged, ForeignFile
from pipeline.workspace.checksums import file_sha256
from pipeline.workspace.workspace import Workspace

# the tags of a version: the hashes of its files, and one of its run's facts
FILES_TAG, FACTS_TAG = "files_sha256", "facts_sha256"
READ = (f"artifacts/{BOOSTER_FILE}", f"artifacts/{REST_FILE}")
# what MLflow and this program write into the folder of a model
KNOWN = {
    *READ,
    "MLmodel",
    "conda.yaml",
    "input_example.json",
    "pyfunc_model.py",
    "python_env.yaml",
    "registered_model_meta",
    "requirements.txt",
    "serving_input_example.json",
}
_COMPILED = re.compile(r"__pycache__/pyfunc_model\.[\w.-]+\.pyc")


def own_folder(workspace: Workspace, version: Any) -> Path | None:
    """The folder of a version's files in the workspace; None for a version of other code."""
    match = re.fullmatch(r"models:/(m-[0-9a-f]{32})", version.source or "")
    return workspace.folder / ARTIFACTS / "models" / match[1] / "artifacts" if match else None


@contextmanager
def files_of(workspace: Workspace, alias: str, version: Any) -> Iterator[Path]:
    """The folder of a version's files; a temporary one if a server keeps them.

    Raises `NoChampion` if there are none.
    """
    if keeps_files(workspace):
        folder = own_folder(workspace, version)
        if folder is None or not folder.is_dir():
            why = "its files are not in the workspace (registered by other code, or removed?)"
            raise unusable(workspace, alias, why)
        yield folder
        return
    use_tracking(workspace)
    uri = f"models:/{model_name(workspace)}/{version.version}"
    with tempfile.TemporaryDirectory() as temporary:
        try:
            local = mlflow.artifacts.download_artifacts(uri, dst_path=temporary)
        except (OSError, MlflowException):
            raise unusable(workspace, alias, "the server does not have its files") from None
        yield Path(local)


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of each known file in the folder, by its path within it."""
    return {name: file_sha256(folder / name) for name in sorted(KNOWN) if (folder / name).is_file()}


def hashes_text(folder: Path) -> str:
    """The tag of a version with the hashes of its files."""
    return json.dumps(hashes(folder))


def refuse_foreign(folder: Path) -> None:
    """Raises `ForeignFile` for anything in the folder that this program does not write.

    MLflow runs the scripts and loads the pickles that a model's folder names.
    """
    # files outside the workspace could change after they were checked
    for path in (folder.parent, folder, *sorted(folder.rglob("*"))):
        if path in (folder.parent, folder) and not path.is_symlink():
            continue
        name = "" if path in (folder.parent, folder) else path.relative_to(folder).as_posix()
        is_known = name in KNOWN or _COMPILED.fullmatch(name) or name in _KNOWN_FOLDERS
        if path.is_symlink() or not is_known or (path.is_dir() != (name in _KNOWN_FOLDERS)):
            raise ForeignFile(
                f"{path}: this program writes no such file, and code in the folder of a model "
                "could run. Nothing in the folder was loaded. Find out who put it there, then "
                "remove it, or train again: make train WORKSPACE=... AS_OF=..."
            )


_KNOWN_FOLDERS = {"artifacts", "__pycache__"}


def check_hashes(folder: Path, version: Any, names: tuple[str, ...] | None = None) -> None:
    """Raises `Damaged` if one of the files differs from its hash at registration.

    `names`: the files to check; None: all. A version of an earlier program has no hashes.
    """
    for name, digest in _expected(version).items():
        path = folder / name
        if names is not None and name not in names:
            continue
        if not path.is_file() or file_sha256(path) != digest:
            state = "is damaged or was changed" if path.exists() else "is missing"
            raise Damaged(
                f"{path}: {state} since version {version.version} was registered. Restore it from "
                "a backup, or train again: make train WORKSPACE=... AS_OF=..., or go back: "
                "make rollback WORKSPACE=..."
            )


def _expected(version: Any) -> dict[str, str]:
    """The hashes of a version's files; empty for a version of an earlier program, which has neither
    tag."""
    if FILES_TAG not in version.tags and FACTS_TAG not in version.tags:
        return {}
    try:
        expected = dict(json.loads(version.tags[FILES_TAG]))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Damaged(_changed_entry(version)) from None
    # without the names that are read, nothing would be checked
    if not set(READ) <= set(expected):
        raise Damaged(_changed_entry(version))
    return expected


def facts_digest(version: Any, run: Any) -> str:
    """A hash of what a night reads about a version from the registry, except its files."""
    tags = {name: run.data.tags.get(name) for name in ("trained_as_of", "judged_version")}
    facts = [str(version.version), version.run_id, tags, sorted(run.data.params.items())]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def check_facts(version: Any, run: Any) -> None:
    """Raises `Damaged` if the registry's entry of a version is not as it was written."""
    expected = version.tags.get(FACTS_TAG)
    if expected is not None and expected != facts_digest(version, run):
        raise Damaged(_changed_entry(version))


def _changed_entry(version: Any) -> str:
    return (
        f"the entry of version {version.version} in the registry is damaged or was changed since "
        "it was registered. Restore mlflow.db from a backup, or train again: "
        "make train WORKSPACE=... AS_OF=..."
    )


def bring_files(workspace: Workspace, version: Any, there: Path) -> bool:
    """Copy the known files of a version from another folder into the workspace.

    An earlier program wrote the models of a copied workspace into the original. Returns whether
    there was something to copy.
    """
    folder = own_folder(workspace, version)
    if folder is None or folder.exists() or not (there / READ[0]).is_file():
        return False
    with workspace.replaced(folder) as temporary:
        for name in KNOWN:
            if (there / name).is_file() and not (there / name).is_symlink():
                (temporary / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(there / name, temporary / name)
    return True
