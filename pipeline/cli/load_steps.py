"""The steps that load a source's files: look at them first, load them, fix rejected rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import (
    MappingFile,
    Raw,
    RawFolder,
    Source,
    SourceName,
    TrackingFolder,
    WorkspaceFolder,
    both_or_none,
    open_workspace,
    side_files_of,
)
from pipeline.workspace.progress import say

app = typer.Typer()


@app.command("map")
def propose_map(
    raw: Annotated[Path, typer.Option(help="folder with the shop's files")],
    mapping: Annotated[
        Path | None, typer.Option(help="file to write; default: mapping.toml in --raw")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="time zone of the store, such as Europe/Berlin")
    ] = None,
) -> None:
    """Propose what the columns of unknown tables mean, with how certain each one is.

    Reads the files in --raw.
    Writes a mapping file, for you to check and edit.
    """
    from pipeline.load.propose_mapping import propose_mapping

    propose_mapping(raw, mapping, zone)


@app.command()
def pull(
    raw: Annotated[
        Path | None, typer.Option(help="folder with database.toml; the rows are written there")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="get all rows again, not only the new ones")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--workspace", help="workspace whose config.toml names the platforms"),
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="only this store of [pull]; default: all of them")
    ] = None,
) -> None:
    """Get what is new from a shop's database, or from the platforms of a workspace.

    For a database, give --raw: reads database.toml there, and writes the new rows into that folder.
    For platforms, give --workspace: reads [pull] in its config.toml, and writes into its pulled/.
    """
    from pipeline.load.pulling.pull import pull_into, pull_platforms, ways_to_load
    from pipeline.workspace.progress import Progress

    if (raw is None) == (folder is None):
        raise typer.BadParameter("give --raw for a database, or --workspace for platforms")
    if raw is None:
        assert folder is not None
        workspace, config, progress = open_workspace(folder)
        with workspace.shared():
            pull_platforms(workspace, config, progress, store)
        for line in ways_to_load(workspace, config):
            say(line)
        return
    pull_into(raw, Progress(), anew=full)
    say(
        f"pulled into {raw}. To load it: once make map RAW={raw}, then "
        f"make doctor SOURCE=database RAW={raw}"
    )


@app.command()
def ingest(
    folder: WorkspaceFolder,
    source: Source,
    raw: RawFolder,
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
    force: Annotated[
        bool, typer.Option("--force", help="read the files even if nothing has changed")
    ] = False,
) -> None:
    """Load a source's files into the workspace; the tables there are replaced.

    Reads the files in --raw. They are not read again while nothing has changed.
    Writes tables/, and the rejected rows into quarantine/.
    """
    from pipeline.load.ingest import ingest as step

    workspace, config, progress = open_workspace(folder)
    side_files = side_files_of(mapping, tracking)
    with workspace.locked():
        step(
            workspace,
            config,
            progress,
            source=source,
            raw=raw,
            side_files=side_files,
            is_forced=force,
        )
    say(f"tables: {workspace.tables}")


@app.command()
def forget(
    folder: WorkspaceFolder,
    buyer: Annotated[
        str, typer.Option(help="id of the buyer, as in buyer_id; -: read it from standard input")
    ],
    raw: Annotated[
        list[Path] | None,
        typer.Option(help="folder with source files to search, in addition to those in the log"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would change; change nothing")
    ] = False,
) -> None:
    """Erase a buyer from the workspace, and list the source files that still hold them.

    Reads every file of the workspace, and the source files.
    Rewrites the files that hold the buyer, and writes erased.json.
    """
    from pipeline.forget.forget_buyer import forget_buyer

    buyer_id = (sys.stdin.readline() if buyer == "-" else buyer).strip()
    if not buyer_id:
        raise typer.BadParameter("the id of the buyer is empty")
    workspace, config, progress = open_workspace(folder)
    forget_buyer(workspace, config, progress, buyer_id, raw or [], is_dry=dry_run)
    say("nothing was changed: dry run" if dry_run else "the buyer is erased")


@app.command()
def doctor(
    source: Source,
    raw: RawFolder,
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
    folder: Annotated[
        Path | None,
        typer.Option("--workspace", help="workspace whose config.toml applies; default: none"),
    ] = None,
) -> None:
    """Check a source's files before you load them: what is good, rejected, missing or old.

    Reads the files in --raw.
    Writes nothing.
    """
    from pipeline.load.doctor import examine
    from pipeline.settings.config import Config, load_config

    config = load_config(folder) if folder else Config()
    examine(config, source=source, raw=raw, side_files=side_files_of(mapping, tracking))


@app.command()
def quarantine(
    folder: WorkspaceFolder,
    dismissed: Annotated[
        str | None,
        typer.Option("--dismiss", help="file of quarantine/sheets to drop; all: every file there"),
    ] = None,
) -> None:
    """Show which rows of the last ingest and of contact lists were rejected, and why.

    Reads quarantine/.
    Writes nothing; with --dismiss, moves files into quarantine/dismissed/.
    """
    from pipeline.load.quarantine import summarise
    from pipeline.load.sheet_faults import dismiss

    workspace, _, _ = open_workspace(folder)
    with workspace.shared():
        if dismissed:
            with workspace.changing_tables():
                for name in dismiss(workspace, dismissed):
                    say(f"dismissed: {name}, now in quarantine/dismissed/")
        summarise(workspace)


@app.command()
def requarantine(
    folder: WorkspaceFolder,
    source: SourceName = None,
    raw: Raw = None,
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
) -> None:
    """Load the rows that you have fixed in quarantine/: of contact lists and, with --raw, of files.

    Reads quarantine/ and the files in --raw.
    Writes tables/, quarantine/, corrections.json and own_contacts.parquet.
    """
    from pipeline.load.quarantine import requarantine as step
    from pipeline.load.retake_sheets import retake_sheets

    both_or_none(source, raw)
    workspace, config, progress = open_workspace(folder)
    side_files = side_files_of(mapping, tracking)
    with workspace.locked(must_exist=True):
        if source and raw:
            step(workspace, config, progress, source=source, raw=raw, side_files=side_files)
        retake_sheets(workspace, progress)
