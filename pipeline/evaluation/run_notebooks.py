"""notebooks: run the notebooks on a workspace and keep them, with what they show, in the
workspace."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace, write_whole

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LONGEST_CELL_SECONDS = 3600


def run_notebooks(workspace: Workspace, progress: Progress, *, as_of: date) -> Path:
    """Write each notebook, run, into the workspace's `notebooks`; return that folder."""
    import nbformat
    from nbclient.exceptions import CellExecutionError

    if workspace.latest(as_of) is None:
        raise BadInput(
            f"{workspace.folder}: no night {as_of} is published. Make one: make nightly AS_OF={as_of}"
        )
    target = workspace.folder / "notebooks"
    target.mkdir(exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        with progress.piece("notebook") as notes:
            notes.append(path.name)
            book = nbformat.read(path, as_version=4)
            try:
                execute(book, workspace, as_of)
            except CellExecutionError as error:
                raise BadInput(f"{path.name}: {error.ename}: {error.evalue}") from None
            write_whole(target / path.name, nbformat.writes(book) + "\n")
    return target


def execute(book: Any, workspace: Workspace, as_of: date) -> None:
    """Run a notebook's cells, which then hold what they show. The kernel is spoken to by files, not
    by the network."""
    from nbclient import NotebookClient
    from traitlets.config import Config

    told = {
        "WORKSPACE": str(workspace.folder),
        "AS_OF": as_of.isoformat(),
        "PYTHONPATH": str(NOTEBOOKS.parent),
        # a progress bar that nobody sees here asks for a package
        "PYTHONWARNINGS": "ignore:IProgress not found",
    }
    settings = Config({"KernelManager": {"transport": "ipc"}})
    client = NotebookClient(
        book, timeout=LONGEST_CELL_SECONDS, record_timing=False, config=settings
    )
    client.execute(env=os.environ | told)
