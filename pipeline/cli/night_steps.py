"""The steps of a night: contact list, dispute clock, indicators, page and contacts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import (
    AsOf,
    Capacity,
    Dimension,
    Force,
    MappingFile,
    PullFirst,
    Raw,
    SourceName,
    TrackingFolder,
    Wait,
    WorkspaceFolder,
    both_or_none,
    open_workspace,
    side_files_of,
)
from pipeline.settings.errors import DeliveryFailed, PullFailed
from pipeline.workspace.progress import say

if TYPE_CHECKING:
    from pipeline.settings.config import Config
    from pipeline.workspace.progress import Progress
    from pipeline.workspace.workspace import Workspace

app = typer.Typer()


@app.command()
def nightly(
    context: typer.Context,
    folder: WorkspaceFolder,
    as_of: AsOf,
    source: SourceName = None,
    raw: Raw = None,
    mapping: MappingFile = None,
    tracking: TrackingFolder = None,
    capacity: Capacity = None,
    is_forced: Force = False,
    wait: Wait = 10.0,
    is_pulling: PullFirst = None,
) -> None:
    """Make a night's contact list: load the files, train a model if there is none, score.

    Fetches what is new if [pull] names platforms. Reads the files in --raw
    (without it, what was pulled, or else the tables already loaded) and the
    workspace's model.
    Writes tables/, quarantine/ and runs/AS_OF/latest/ in the workspace, and
    delivers the night if [deliver] has targets.
    """
    from pipeline.deliver.bulk.sent_contacts import recover_contacts
    from pipeline.night.contact_list import done_night, say_summary

    both_or_none(source, raw)
    workspace, config, progress = open_workspace(folder, context, capacity)
    failure = None
    if config.pull.stores() and (is_forced or workspace.latest(as_of) is None):
        from pipeline.connect.nightly_pull import NightInput, pulled_for_night

        given = NightInput(source, raw, tracking)
        pulled = pulled_for_night(workspace, config, progress, given, as_of, is_pulling)
        source, raw, tracking = pulled.source, pulled.raw, pulled.tracking
        failure = pulled.failure
    with workspace.locked(wait_seconds=wait * 60):
        # a bulk send that was killed may have left some
        recover_contacts(workspace, progress)
        run = None if is_forced else done_night(workspace, as_of)
        if run is not None:
            # another run made it meanwhile
            failure = None
        else:
            # this loads what models need, which a night that is done should not wait for
            from pipeline.night.nightly import nightly as step

            run = step(
                workspace,
                config,
                progress,
                as_of=as_of,
                source=source,
                raw=raw,
                is_forced=is_forced,
                side_files=side_files_of(mapping, tracking),
                pull_failure=failure,
            )
    say_summary(run)
    late = f"{as_of}: the list is published, without what is new. {failure}" if failure else ""
    _deliver(workspace, config, progress, as_of, late)
    if late:
        raise PullFailed(late)


def _deliver(
    workspace: Workspace, config: Config, progress: Progress, as_of: date, late: str
) -> None:
    """Deliver the night, which is published whatever happens to its deliveries. `late`: what a
    failure has to say in addition."""
    if not config.deliver.targets:
        return
    from pipeline.deliver.targets.deliver_night import deliver_night

    try:
        with workspace.shared():
            deliver_night(workspace, config, progress, as_of=as_of)
    except DeliveryFailed as error:
        raise DeliveryFailed(f"{error} {late}".rstrip()) from None


@app.command()
def score(
    context: typer.Context,
    folder: WorkspaceFolder,
    as_of: AsOf,
    capacity: Capacity = None,
    is_forced: Force = False,
    wait: Wait = 10.0,
) -> None:
    """Make a night's contact list from the tables and the model in the workspace.

    Reads tables/, the champion and past runs.
    Writes runs/AS_OF/latest/.
    """
    from pipeline.night.contact_list import say_summary
    from pipeline.night.score import score as step

    workspace, config, progress = open_workspace(folder, context, capacity)
    with workspace.locked(must_exist=True, wait_seconds=wait * 60):
        run = step(workspace, config, progress, as_of=as_of, is_forced=is_forced)
    say_summary(run)


@app.command()
def monitor(folder: WorkspaceFolder, as_of: AsOf) -> None:
    """Check the model's health and its inputs: fine, watch or act, with the reason.

    Reads tables/, the champion and past runs.
    Writes health.txt, health.csv and health.json into runs/AS_OF/latest-monitor/.
    """
    from pipeline.night.monitor import monitor as step

    workspace, config, progress = open_workspace(folder)
    with workspace.shared():
        run = step(workspace, config, progress, as_of=as_of)
    say(f"the same as files: {run / 'health.txt'}, {run / 'health.csv'}")


@app.command()
def clock(folder: WorkspaceFolder, as_of: AsOf) -> None:
    """List the open disputes by deadline; a night's run has the same list.

    Reads tables/ and the policy.
    Writes dispute_clock.csv and dispute_clock.xlsx into runs/AS_OF/latest-clock/.
    """
    from pipeline.indicators.open_disputes import clock as step

    workspace, config, progress = open_workspace(folder)
    with workspace.shared():
        run = step(workspace, config, progress, as_of=as_of)
        say(f"dispute clock: {run / 'dispute_clock.csv'}")


@app.command()
def kpi(
    folder: WorkspaceFolder,
    as_of: AsOf,
    by: Annotated[
        list[Dimension] | None,
        typer.Option(
            metavar="WHAT",
            help="also break the rates down by category, product, country, carrier, supplier or "
            "lane; may be repeated",
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(min=1, max=3_650, help="length of the window in days; default: the policy's"),
    ] = None,
) -> None:
    """Calculate the rates that the platform judges the store by, and their forecast.

    Reads tables/ and the policy.
    Writes kpi.csv, forecast.csv, drivers.csv and kpi.xlsx into runs/AS_OF/latest-
    kpi/.
    """
    from pipeline.indicators.kpi import kpi as step

    workspace, config, progress = open_workspace(folder)
    groups = [dimension.value for dimension in by or []]
    with workspace.shared():
        run = step(workspace, config, progress, as_of=as_of, by=groups, window_days=window)
    say(f"the same as tables: {run / 'kpi.csv'}, {run / 'kpi.xlsx'}")


@app.command()
def report(folder: WorkspaceFolder, as_of: AsOf) -> None:
    """Make the page of a published night again.

    Reads runs/AS_OF/latest/ and tables/.
    Writes report.html into runs/AS_OF/latest-report/.
    """
    from pipeline.pages.report import PAGE
    from pipeline.pages.report import report as step

    workspace, config, progress = open_workspace(folder)
    with workspace.shared():
        run = step(workspace, config, progress, as_of=as_of)
        say(f"page: {run / PAGE}")


@app.command()
def contacts(
    folder: WorkspaceFolder,
    file: Annotated[
        Path, typer.Option("--file", help="contact list with contacted_at and outcome filled in")
    ],
) -> None:
    """Load a contact list that the agents have filled in.

    Reads the file and tables/.
    Writes the contacts into own_contacts.parquet and tables/, and faulty cells
    into quarantine/sheets/.
    """
    from pipeline.load.contacts import take_contacts as step

    workspace, _, progress = open_workspace(folder)
    with workspace.shared():
        step(workspace, progress, file=file, must_take=True)
