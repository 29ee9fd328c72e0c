"""The steps that send: a night to its targets, and released messages to buyers."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from pipeline.cli.options import DAY_OPTION, AsOf, DryRun, WorkspaceFolder, open_workspace

app = typer.Typer()


@app.command()
def deliver(
    folder: WorkspaceFolder,
    as_of: Annotated[date | None, DAY_OPTION] = None,
    target: Annotated[
        str | None, typer.Option(help="only this target of [deliver]; default: all of them")
    ] = None,
    is_dry: DryRun = False,
) -> None:
    """Send a published night to the targets of [deliver], each once.

    Reads runs/AS_OF/latest/ and deliveries.db.
    Writes what was sent into deliveries.db.
    """
    from pipeline.deliver.targets.deliver_night import deliver_night as step

    workspace, config, progress = open_workspace(folder)
    with workspace.shared():
        step(workspace, config, progress, as_of=as_of, only=target, is_dry=is_dry)


@app.command()
def send(
    folder: WorkspaceFolder,
    as_of: AsOf,
    release: Annotated[
        str | None,
        typer.Option(help="release these drafts first: all, or order ids with commas between"),
    ] = None,
    is_dry: DryRun = False,
) -> None:
    """Send the released drafts of a night to the shop's channel, each buyer once.

    Reads runs/AS_OF/latest/, tables/ and deliveries.db.
    Writes what was released and sent into deliveries.db, and the contacts into
    own_contacts.parquet and tables/.
    """
    from pipeline.deliver.bulk.send_messages import send_messages as step

    workspace, config, progress = open_workspace(folder)
    with workspace.shared():
        step(workspace, config, progress, as_of=as_of, release_text=release, is_dry=is_dry)
