"""The steps that make what the repository commits: reference pages, pictures, notebook outputs.

They are for contributors, are hidden from the list of steps, and need a checkout.
"""

from __future__ import annotations

from pathlib import Path

import typer

from pipeline.cli.options import AsOf, WorkspaceFolder, open_workspace
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import say

app = typer.Typer()
ROOT = Path(__file__).resolve().parents[2]


def _require_checkout() -> None:
    """Raise `BadInput` where the program is installed: the pages are not there."""
    if not (ROOT / "Makefile").exists():
        raise BadInput(
            "this step writes files of the program's repository. Run it with make, in a checkout."
        )


@app.command(hidden=True)
def docs_reference() -> None:
    """Write the generated pages of docs/reference."""
    _require_checkout()
    from pipeline.documentation.docs_reference import docs_reference as step

    for path in step():
        say(str(path))


@app.command(hidden=True)
def docs_pictures(folder: WorkspaceFolder, as_of: AsOf) -> None:
    """Take the pictures of the docs from a published night of the demo."""
    _require_checkout()
    from pipeline.documentation.docs_pictures import docs_pictures as step

    workspace, _, _ = open_workspace(folder)
    with workspace.locked(must_exist=True):
        say(f"picture: {step(workspace, as_of=as_of)}")


@app.command(hidden=True)
def docs_notebooks(folder: WorkspaceFolder, as_of: AsOf) -> None:
    """Run the notebooks on the demo's nights and keep them in notebooks/, with their outputs."""
    _require_checkout()
    from pipeline.documentation.docs_notebooks import docs_notebooks as step

    workspace, config, progress = open_workspace(folder)
    with workspace.locked(must_exist=True):
        say(f"notebooks: {step(workspace, config, progress, as_of=as_of)}")
