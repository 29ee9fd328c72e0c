"""Pull one account: register the parcels of open orders, and keep the answers about all that are
followed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.connections.pull_clock import PullClock
from pipeline.connections.pull_record import pull_failures, recorded_pull
from pipeline.connections.pull_report import PullReport
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.store_folders import locked_store
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.parcelservices.open_parcels import Parcel, open_parcels
from pipeline.sources.parcelservices.parcel_run import (
    STATE,
    ParcelRun,
    Settings,
    parcel_folders,
    section_of,
)
from pipeline.workspace.workspace import Workspace

REGISTERS_AGAIN = (
    "registers the open parcels again, which costs no quota for those that the service still has."
)
NO_TABLES = "no orders are loaded yet; load the store once, and the next pull follows its parcels"


def pull_seventeentrack(
    name: str, workspace: Workspace, config: Config, say: Callable[[str], None]
) -> PullReport:
    """Pull the account `[pull.seventeentrack.NAME]` for the workspace's open orders.

    Raises `PullFailed` and `WorkspaceBusy`.
    """
    return _pull_open(name, config.pull.seventeentrack[name], workspace, config, say)


def pull_aftership(
    name: str, workspace: Workspace, config: Config, say: Callable[[str], None]
) -> PullReport:
    """Pull the account `[pull.aftership.NAME]` for the workspace's open orders.

    Raises `PullFailed` and `WorkspaceBusy`.
    """
    return _pull_open(name, config.pull.aftership[name], workspace, config, say)


def _pull_open(
    name: str, settings: Settings, workspace: Workspace, config: Config, say: Callable[[str], None]
) -> PullReport:
    try:
        workspace.read_ingest_facts()
    except BadInput:
        return PullReport(stop=NO_TABLES)
    parcels = open_parcels(workspace.read_tables(), config.dispute_window)
    return pull_parcels(name, settings, workspace.folder, parcels, say)


def pull_parcels(
    name: str,
    settings: Settings,
    workspace: Path,
    parcels: Sequence[Parcel],
    say: Callable[[str], None],
    clock: PullClock | None = None,
) -> PullReport:
    """Register these parcels, the most important first, and ask about all that are followed.

    Raises `PullFailed` if someone must do something, and `WorkspaceBusy` if the account is being
    pulled already. What came before stays in either case.
    """
    clock, secrets, section = clock or PullClock(), SecretValues(), section_of(settings)
    folders = parcel_folders(workspace, section, name)
    with locked_store(folders, f"{section} {name}"):
        run = ParcelRun(name, settings, folders, say, clock, secrets)
        with (
            recorded_pull(folders.state, (section, name), clock, run.report),
            pull_failures(f"{section} {name}", secrets, folders.state / STATE, REGISTERS_AGAIN),
        ):
            return run.run(parcels)
