"""The night that is sent: a published one, whose files are as the program wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, Refused
from pipeline.workspace.checksums import check_file, night_remedy, read_manifest, read_run_table
from pipeline.workspace.workspace import Workspace

LIST = "contact_list.parquet"
# what is sent of a row; lists of earlier program versions lack some of it
NEEDED = frozenset(
    {"rank", "order_id", "buyer_id", "stage", "action", "contact_by", "why_action", "draft_message"}
)


@dataclass(frozen=True)
class PublishedNight:
    """One night of one store. `listed`: its contact list, best first."""

    store: str
    as_of: date
    folder: Path
    manifest: Mapping[str, Any]
    listed: pl.DataFrame

    @property
    def run_id(self) -> str:
        """The run of the night that is sent."""
        return str(self.manifest.get("run_id", self.folder.name))

    def file(self, name: str) -> Path | None:
        """A file of the night, checked; None if this night has none of that name."""
        path = self.folder / name
        if not path.is_file():
            return None
        if name != "manifest.json":
            check_file(path, self.manifest, night_remedy(self.folder))
        return path


def read_night(workspace: Workspace, config: Config, as_of: date | None) -> PublishedNight:
    """The newest run of a night; without `as_of`, of the newest night.

    Raises `Refused` if the last run of the night failed its data checks, although an earlier run of
    the same night was published: its list is one that the checks no longer trust. Raises `BadInput`
    without a published night, and `Damaged` if its files were changed.
    """
    as_of = as_of or _newest(workspace)
    if workspace.refusal(as_of).exists():
        raise Refused(
            f"{as_of}: the last run of this night was refused by its data checks, so nothing of it "
            f"is sent. The reasons: {workspace.refusal(as_of)}. Fix the data and make the night: "
            f"make nightly AS_OF={as_of}"
        )
    folder = workspace.latest(as_of)
    if folder is None or not (folder / LIST).is_file():
        raise BadInput(
            f"{workspace.folder}: the night of {as_of} has no published list. Create it: "
            f"make nightly AS_OF={as_of}"
        )
    listed = read_run_table(folder, LIST)
    if missing := NEEDED - set(listed.columns):
        raise BadInput(
            f"{folder}: an earlier version of this program made this night; its list has no "
            f"{min(missing)}. Create it again: make nightly AS_OF={as_of} FORCE=1"
        )
    store = config.deliver.store or workspace.folder.name
    return PublishedNight(store, as_of, folder, read_manifest(folder), listed)


def _newest(workspace: Workspace) -> date:
    nights = []
    for link in workspace.folder.glob("runs/????-??-??/latest"):
        try:
            nights.append(date.fromisoformat(link.parent.name))
        except ValueError:
            continue
    if not nights:
        raise BadInput(
            f"{workspace.folder}: has no published night to send. Make one: make nightly"
        )
    return max(nights)
