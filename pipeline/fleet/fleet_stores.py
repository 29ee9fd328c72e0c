"""The stores of a fleet: the folders in one folder that are workspaces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.settings.errors import BadInput
from pipeline.workspace.workspace import Workspace

# a folder with one of these is a workspace
MARKS = ("config.toml", "tables", "raw")
RAW = "raw"
# the folder of the summaries
OWN_FOLDER = "fleet"
NIGHTS = "runs"


@dataclass(frozen=True)
class FleetStore:
    """One store. `last_night`: its newest published night, None without one."""

    name: str
    folder: Path
    last_night: date | None


def find_stores(folder: Path) -> list[FleetStore]:
    """The stores in `folder`. Those whose last night is oldest come first, so that a budget of time
    leaves out others every night.

    Raises `BadInput` if there is none.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no such folder. STORES= is the folder of the stores.")
    stores = [
        FleetStore(path.name, path, last_night(path))
        for path in sorted(folder.iterdir())
        if path.is_dir() and path.name != OWN_FOLDER and any((path / m).exists() for m in MARKS)
    ]
    if not stores:
        raise BadInput(
            f"{folder}: holds no store. A store is a folder with {', '.join(MARKS[:-1])} or "
            f"{MARKS[-1]} in it."
        )
    return sorted(stores, key=lambda store: (store.last_night or date.min, store.name))


def last_night(folder: Path) -> date | None:
    """The newest night that a workspace has published."""
    nights = []
    for path in (folder / NIGHTS).glob("????-??-??"):
        try:
            night = date.fromisoformat(path.name)
        except ValueError:
            continue
        if Workspace(folder).latest(night):
            nights.append(night)
    return max(nights, default=None)
