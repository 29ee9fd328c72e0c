"""The step that makes the nights of many stores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import SOURCE_NAMES, AsOf, Force, known_source

app = typer.Typer()


@app.command()
def fleet(
    folder: Annotated[
        Path,
        typer.Option("--stores", metavar="STORES", help="folder with the workspaces of the stores"),
    ],
    as_of: AsOf,
    source: Annotated[
        str | None,
        typer.Option(
            parser=known_source,
            metavar="SOURCE",
            help=f"format of the files in raw/ of each store: {SOURCE_NAMES}",
        ),
    ] = None,
    is_forced: Force = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, max=1_000, help="stores at a time; default: one per processor"),
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(min=0.1, max=100_000, help="minutes after which no further store starts"),
    ] = 360.0,
    store_minutes: Annotated[
        float, typer.Option(min=0.1, max=100_000, help="minutes that one store may take")
    ] = 60.0,
    attempts: Annotated[
        int, typer.Option(min=1, max=10, help="tries of a store whose fault may pass")
    ] = 2,
) -> None:
    """Make the nights of many stores, each in its own process.

    Reads config.toml, raw/, tables/ and the model of each store.
    Writes each store's runs/AS_OF/latest/, and STORES/fleet/AS_OF/ with a table, a
    page and the output of each store.
    """
    from pipeline.fleet.fleet import default_jobs
    from pipeline.fleet.fleet import fleet as step
    from pipeline.fleet.run_fleet import FleetRules

    rules = FleetRules(jobs or default_jobs(), minutes * 60, store_minutes * 60, attempts)
    # a store in use is tried again at the end, instead of holding up the others
    options = ["--wait", "0", *(["--force"] if is_forced else [])]
    step(folder, rules, as_of=as_of, source=source, options=options)
