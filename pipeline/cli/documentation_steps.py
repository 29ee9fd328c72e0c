"""The steps that make what the repository commits: reference pages, pictures, notebook outputs.

They are for contributors and are hidden from the list of steps.
"""

from __future__ import annotations

import typer

from pipeline.cli.options import AsOf, WorkspaceFolder, open_workspace
from pipeline.workspace.progress import say

app = typer.Typer()


@app.command(hidden=True)
def docs_reference() -> None:
    """Write the generated pages of docs/reference."""
    from pipeline.documentation.docs_reference import docs_reference as step

    for path in step():
        say(str(path))


@app.command(hidden=True)
def docs_pictures(folder: WorkspaceFolder, as_of: AsOf) -> None:
    """Take the pictures of the docs from a published night of the demo."""
    from pipeline.documentation.docs_pictures import docs_pictures as step

    workspace, _, _ = open_workspace(folder)
    with workspace.locked(must_exist=True):
        say(f"picture: {step(workspace, as_of=as_of)}")


@app.command(hidden=True)
def docs_notebooks(folder: WorkspaceFolder, as_of: AsOf) -> None:
    """Run the notebooks on the demo's nights and keep them in notebooks/, with their outputs."""
    from pipeline.documentation.docs_notebooks import docs_notebooks as step

    workspace, config, progress = open_workspace(folder)
    with workspace.locked(must_exist=True):
        say(f"notebooks: {step(workspace, config, progress, as_of=as_of)}")
