"""The steps that make a simulated store and show it next to published ranges."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from pipeline.cli.options import Folder, day, open_workspace
from pipeline.workspace.progress import say

app = typer.Typer()

FIRST_DAY = date(2024, 1, 1)


@app.command()
def simulate(
    workspace: Folder,
    orders: Annotated[int, typer.Option(min=100, max=100_000_000, help="how many orders")] = 5000,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="another seed, another store; default: that of the config"),
    ] = None,
    first: Annotated[
        date, typer.Option(parser=day, metavar="YYYY-MM-DD", help="the store's first day")
    ] = FIRST_DAY,
    days: Annotated[int, typer.Option(min=60, max=3650, help="how many days of history")] = 731,
    is_exported: Annotated[
        bool, typer.Option("--exports", help="also as API dumps, order sheet, tracking")
    ] = False,
) -> None:
    """Write the raw files of a made-up store, and the truth behind them, into the workspace."""
    from pipeline.simulation.simulate import simulate as step

    place, config, progress = open_workspace(workspace)
    with place.locked():
        step(
            place,
            config,
            progress,
            orders=orders,
            seed=seed,
            first=first,
            days=days,
            is_exported=is_exported,
        )


@app.command()
def world_page(workspace: Folder) -> None:
    """Draw the simulated store of the workspace beside published ranges."""
    from pipeline.simulation.realism.realism_page import world_page as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        say(f"open in a browser: {step(place, config, progress)}")
