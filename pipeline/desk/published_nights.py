"""The published nights of a workspace, for those who read them often: the board and the API.

A run is never changed once it is published, so what was read of it is kept in memory until another
run takes its night.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.settings.errors import Damaged
from pipeline.workspace.checksums import check_file, read_manifest, read_run_table
from pipeline.workspace.workspace import Workspace

LIST, SCORES = "contact_list.parquet", "scores.parquet"
# runs that are kept in memory, without their tables
_KEPT_RUNS = 256
# tables that are kept: the lists and scores of the last nights that were asked for
_KEPT_TABLES = 16


@dataclass(frozen=True)
class PublishedRun:
    """The newest complete run of a night."""

    night: date
    folder: Path
    manifest: dict[str, Any]

    @cached_property
    def listed(self) -> pl.DataFrame:
        """The contact list, one row per buyer."""
        return self.table(LIST)

    def table(self, name: str) -> pl.DataFrame:
        """A Parquet file of the run. Raises `Damaged` if it is not as it was written."""
        return _table(self.folder, name, _changed_at(self.folder / name))


def published(workspace: Workspace) -> list[PublishedRun]:
    """Each complete run that this version can read, newest night first."""
    runs = []
    for link in sorted(workspace.folder.glob("runs/????-??-??/latest"), reverse=True):
        try:
            folder = link.resolve(strict=True)
            times = [_changed_at(folder / name) for name in (LIST, SCORES, "manifest.json")]
            runs.append(_read(folder, *times))
        except (OSError, ValueError, Damaged):
            continue
    return runs


def newest(workspace: Workspace) -> PublishedRun | None:
    """The newest published night; None if there is none."""
    return next(iter(published(workspace)), None)


@lru_cache(maxsize=_KEPT_RUNS)
def _read(folder: Path, *_: int) -> PublishedRun:
    manifest = read_manifest(folder)
    for name in (LIST, SCORES):
        check_file(folder / name, manifest, "")
    return PublishedRun(date.fromisoformat(folder.parent.name), folder, manifest)


@lru_cache(maxsize=_KEPT_TABLES)
def _table(folder: Path, name: str, _: int) -> pl.DataFrame:
    return read_run_table(folder, name)


def _changed_at(path: Path) -> int:
    return path.stat().st_mtime_ns
