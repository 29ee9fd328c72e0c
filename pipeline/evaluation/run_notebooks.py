"""notebooks: run the notebooks on a workspace and save them there with their outputs."""

from __future__ import annotations

import os
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.registry.model_registry import find_model
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace, write_whole

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LONGEST_CELL_SECONDS = 3600
# on a busy machine, the libraries of the kernel take longer than nbclient's minute to load
LONGEST_START_SECONDS = 600


def run_notebooks(workspace: Workspace, progress: Progress, *, as_of: date) -> Path:
    """Write each notebook, executed, into the workspace's `notebooks`; return that folder.

    Raises `BadInput` without a checkout, if the night is not published, and after the last notebook
    if cells failed; a notebook with a failed cell is not written.
    """
    import nbformat
    from nbclient.exceptions import CellExecutionError

    if not NOTEBOOKS.is_dir():
        raise BadInput(
            "the notebooks are not part of the installed program. Run this step from a checkout of "
            "its repository: make notebooks WORKSPACE=... AS_OF=..."
        )
    if workspace.latest(as_of) is None:
        raise BadInput(
            f"{workspace.folder}: no night {as_of} is published. Run: make nightly AS_OF={as_of}"
        )
    # what there is to say about a moved workspace is said here, and not inside a notebook
    find_model(workspace)
    target = workspace.folder / "notebooks"
    target.mkdir(exist_ok=True)
    failed = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        with progress.piece("notebook") as notes:
            notes.append(path.name)
            book = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
            try:
                execute(book, workspace, as_of)
            except CellExecutionError as error:
                failed.append(f"{path.name}: {error.ename}: {error.evalue}")
                notes.append("stopped")
                continue
            text = nbformat.writes(book)  # type: ignore[no-untyped-call]
            write_whole(target / path.name, text + "\n")
    if failed:
        raise BadInput("; ".join(failed))
    return target


def execute(book: Any, workspace: Workspace, as_of: date) -> None:
    """Run the cells of `book` in place; the kernel is reached by local sockets, not the network."""
    from nbclient import NotebookClient
    from traitlets.config import Config

    environment = {
        "WORKSPACE": str(workspace.folder),
        "AS_OF": as_of.isoformat(),
        "PYTHONPATH": str(NOTEBOOKS.parent),
        # the progress bar, which is not shown here, warns about a missing package
        "PYTHONWARNINGS": "ignore:IProgress not found",
    }
    # the default names of the sockets are the same for every kernel that starts in this folder
    with tempfile.TemporaryDirectory() as sockets:
        manager = {"transport": "ipc", "ip": str(Path(sockets) / "kernel")}
        client = NotebookClient(
            book,
            timeout=LONGEST_CELL_SECONDS,
            startup_timeout=LONGEST_START_SECONDS,
            record_timing=False,
            config=Config({"KernelManager": manager}),
        )
        client.execute(env=os.environ | environment)
