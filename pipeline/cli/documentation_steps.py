"""The steps that make what the repository commits: reference pages, pictures, notebook outputs.

They are for contributors and are hidden from the list of steps.
"""

from __future__ import annotations

import typer

from pipeline.cli.options import AsOf, Folder, open_workspace
from pipeline.workspace.progress import say

app = typer.Typer()


@app.command(hidden=True)
def docs_reference() -> None:
    """Write the generated pages of docs/reference."""
    from pipeline.documentation.docs_reference import docs_reference as step

    for path in step():
        say(str(path))


@app.command(hidden=True)
def docs_pictures(workspace: Folder, as_of: AsOf) -> None:
    """Take the pictures of the docs from a published night of the demo."""
    from pipeline.documentation.docs_pictures import docs_pictures as step

    opened, _, _ = open_workspace(workspace)
    with opened.locked(must_exist=True):
        say(f"picture: {step(opened, as_of=as_of)}")


@app.command(hidden=True)
def docs_notebooks(workspace: Folder, as_of: AsOf) -> None:
    """Run the notebooks on the demo's nights and keep them in notebooks/, with their outputs."""
    from pipeline.documentation.docs_notebooks import docs_notebooks as step

    opened, config, progress = open_workspace(workspace)
    with opened.locked(must_exist=True):
        say(f"notebooks: {step(opened, config, progress, as_of=as_of)}")
