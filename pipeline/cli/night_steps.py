"""The steps of a night: the contact list, the dispute clock, the rates, the page and the board."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import (
    AsOf,
    Capacity,
    Dimension,
    Folder,
    Force,
    MappingFile,
    Raw,
    SourceName,
    TrackingFolder,
    both_or_none,
    open_workspace,
)
from pipeline.sources.source_context import SideFiles
from pipeline.workspace.progress import say, warn

app = typer.Typer()


@app.command()
def nightly(
    context: typer.Context,
    workspace: Folder,
    as_of: AsOf,
    source: SourceName = None,
    raw: Raw = None,
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
    capacity: Capacity = None,
    is_forced: Force = False,
) -> None:
    """Ingest, train if there is no champion, score: tonight's list in one step."""
    from pipeline.night.nightly import nightly as step
    from pipeline.night.nightly import say_summary

    both_or_none(source, raw)
    place, config, progress = open_workspace(workspace, context, capacity)
    with place.locked():
        run = step(
            place,
            config,
            progress,
            as_of=as_of,
            source=source,
            raw=raw,
            is_forced=is_forced,
            side_files=SideFiles(mapping, tracking),
        )
    say_summary(run)


@app.command()
def score(
    context: typer.Context,
    workspace: Folder,
    as_of: AsOf,
    capacity: Capacity = None,
    is_forced: Force = False,
) -> None:
    """Score one night with the champion and write its contact list."""
    from pipeline.night.nightly import say_summary
    from pipeline.night.score import score as step

    place, config, progress = open_workspace(workspace, context, capacity)
    with place.locked(must_exist=True):
        run = step(place, config, progress, as_of=as_of, is_forced=is_forced)
    say_summary(run)


@app.command()
def monitor(workspace: Folder, as_of: AsOf) -> None:
    """Is the model still right, and are its inputs as usual: fine, watch or act, with the
    reason."""
    from pipeline.night.monitor import monitor as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        run = step(place, config, progress, as_of=as_of)
    say(f"the same as files: {run / 'health.txt'}, {run / 'health.csv'}")


@app.command()
def clock(workspace: Folder, as_of: AsOf) -> None:
    """Write every open dispute by deadline; a night's run holds the same."""
    from pipeline.indicators.open_disputes import clock as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        say(f"dispute clock: {step(place, config, progress, as_of=as_of) / 'dispute_clock.csv'}")


@app.command()
def kpi(
    workspace: Folder,
    as_of: AsOf,
    by: Annotated[
        list[Dimension] | None, typer.Option(help="also by this; may be given several times")
    ] = None,
    window: Annotated[
        int | None, typer.Option(min=1, help="days of the window; default: the policy's")
    ] = None,
) -> None:
    """Write the indicators that the platform judges by, as they were knowable on a day."""
    from pipeline.indicators.kpi import kpi as step

    place, config, progress = open_workspace(workspace)
    groups = [dimension.value for dimension in by or []]
    with place.locked(must_exist=True):
        run = step(place, config, progress, as_of=as_of, by=groups, window_days=window)
    say(f"the same as tables: {run / 'kpi.csv'}, {run / 'kpi.xlsx'}")


@app.command()
def report(workspace: Folder, as_of: AsOf) -> None:
    """Make the page of a published night anew; a night's run holds the same."""
    from pipeline.pages.report import PAGE
    from pipeline.pages.report import report as step

    place, config, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        say(f"page: {step(place, config, progress, as_of=as_of) / PAGE}")


@app.command()
def contacts(
    workspace: Folder,
    file: Annotated[
        Path,
        typer.Option("--file", help="the contact list with contacted_at and outcome filled in"),
    ],
) -> None:
    """Take a contact list back that agents have filled in: their contacts become facts."""
    from pipeline.load.contacts import take_contacts as step

    place, _, progress = open_workspace(workspace)
    with place.locked(must_exist=True):
        step(place, progress, file=file)


@app.command()
def board(
    workspace: Folder,
    port: Annotated[int, typer.Option(min=1, max=65535, help="of this machine")] = 8321,
    address: Annotated[str, typer.Option(help="to listen on")] = "127.0.0.1",
    reason: Annotated[
        str | None, typer.Option(help="why it is safe to open it to other machines")
    ] = None,
) -> None:
    """Look at the nights, orders and products in a browser, and mark contacts."""
    from pipeline.board.board_app import check_address, serve

    place, _, _ = open_workspace(workspace)
    listened = check_address(address, reason)
    place.read_ingest_facts()
    is_open = not ip_address(listened).is_loopback
    if is_open:
        warn(
            f"the board answers other machines on {listened}, without a login. The reason given: {reason}"
        )
    say(f"the board of {place.folder}: http://{address}:{port}/ (Ctrl-C ends it)")
    serve(place, address=listened, port=port, is_open=is_open)
