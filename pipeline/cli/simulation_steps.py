"""The steps that make a simulated store and compare it with published figures."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from pipeline.cli.options import WorkspaceFolder, day, open_workspace
from pipeline.workspace.progress import say

app = typer.Typer()

FIRST_DAY = date(2024, 1, 1)


@app.command()
def simulate(
    folder: WorkspaceFolder,
    orders: Annotated[int, typer.Option(min=100, max=100_000_000, help="number of orders")] = 5000,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, max=2_147_483_647, help="seed of the store; another seed gives another store"
        ),
    ] = None,
    first: Annotated[
        date, typer.Option(parser=day, metavar="YYYY-MM-DD", help="first day of the store")
    ] = FIRST_DAY,
    days: Annotated[int, typer.Option(min=60, max=3650, help="days of history")] = 731,
    is_exported: Annotated[
        bool,
        typer.Option("--exports", help="also write API dumps, order sheets and tracking files"),
    ] = False,
) -> None:
    """Simulate a store.

    Reads config.toml in the workspace, if there is one.
    Writes raw/ (the store's files), truth/ (its true risks) and, with --exports,
    exports/.
    """
    from pipeline.simulation.simulate import simulate as step

    workspace, config, progress = open_workspace(folder)
    with workspace.locked():
        step(
            workspace,
            config,
            progress,
            orders=orders,
            seed=seed,
            first=first,
            days=days,
            is_exported=is_exported,
        )


@app.command()
def world_page(folder: WorkspaceFolder) -> None:
    """Compare the simulated store with published figures, on a page of charts.

    Reads raw/ and truth/ in the workspace.
    Writes simulated_store.html and simulated_store.csv.
    """
    from pipeline.simulation.realism.realism_page import world_page as step

    workspace, config, progress = open_workspace(folder)
    with workspace.locked(must_exist=True):
        say(f"open in a browser: {step(workspace, config, progress)}")
