"""The steps that concern what a source gives: load it, look at it first, see what was refused, try
that again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import Folder, MappingFile, Source, TrackingFolder, open_workspace
from pipeline.sources.source_context import SideFiles
from pipeline.workspace.progress import say

app = typer.Typer()


@app.command("map")
def propose_map(
    raw: Annotated[Path, typer.Option(help="folder with the shop's files")],
    mapping: Annotated[
        Path | None, typer.Option(help="where to write it; default: RAW/mapping.toml")
    ] = None,
) -> None:
    """Propose a mapping file for a folder of unknown tables, and say how sure each column is."""
    from pipeline.load.propose_mapping import propose_mapping

    propose_mapping(raw, mapping)


@app.command()
def pull(
    raw: Annotated[
        Path, typer.Option(help="folder with the database.toml; the answers come there")
    ],
    full: Annotated[
        bool, typer.Option("--full", help="all rows again, not only what is new")
    ] = False,
) -> None:
    """Ask a database the queries of a database.toml, for what is new since the last time."""
    from pipeline.load.pull import pull_into
    from pipeline.workspace.progress import Progress

    pull_into(raw, Progress(), anew=full)
    say(
        f"pulled into {raw}. To load it: make map RAW={raw}, once; then make doctor SOURCE=database RAW={raw}"
    )


@app.command()
def ingest(
    workspace: Folder,
    source: Source,
    raw: Annotated[Path, typer.Option(help="folder with the source's files")],
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
) -> None:
    """Replace the workspace's tables by those of the raw files."""
    from pipeline.load.ingest import ingest as step

    place, config, progress = open_workspace(workspace)
    with place.locked():
        step(
            place, config, progress, source=source, raw=raw, side_files=SideFiles(mapping, tracking)
        )
    say(f"tables: {place.tables}")


@app.command()
def doctor(
    source: Source,
    raw: Annotated[Path, typer.Option(help="folder with the source's files")],
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
    workspace: Annotated[
        Path | None, typer.Option(help="whose config.toml holds; nothing is written")
    ] = None,
) -> None:
    """Read raw files whole, write nothing, and say what would be loaded and what is missing."""
    from pipeline.load.doctor import examine
    from pipeline.settings.config import Config, load_config

    examine(
        load_config(workspace) if workspace else Config(),
        source=source,
        raw=raw,
        side_files=SideFiles(mapping, tracking),
    )


@app.command()
def quarantine(workspace: Folder) -> None:
    """Say which rows of the last ingest were refused, and why."""
    from pipeline.load.quarantine import summarise

    place, _, _ = open_workspace(workspace)
    with place.locked(must_exist=True):
        summarise(place)


@app.command()
def requarantine(
    workspace: Folder,
    source: Source,
    raw: Annotated[Path, typer.Option(help="folder with the source's files")],
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
) -> None:
    """Take the records that were mended in the quarantine, and ingest again."""
    from pipeline.load.quarantine import requarantine as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        step(
            place, config, progress, source=source, raw=raw, side_files=SideFiles(mapping, tracking)
        )
