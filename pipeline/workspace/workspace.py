"""A workspace on disk: the derived state of one store. Each part is replaced whole or not at all.

    tables -> versions/<id>/tables      the canonical tables in use (a link, switched in one step)
    quarantine/*.csv                    rejected rows of the last ingest, with reasons
    mlflow.db, mlartifacts/             models
    runs/<as_of>/<run_id>/              finished nightly runs
    runs/<as_of>/latest                 a link to the last complete run

A link is switched by one rename: a reader sees the previous state or the new one, and a killed run
leaves the previous one.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.closing_times import usual_life_days
from features.tables import Tables
from pipeline.settings.errors import BadInput
from pipeline.workspace.checksums import reseal
from pipeline.workspace.file_modes import close_to_others
from pipeline.workspace.manifest import new_id as new_id
from pipeline.workspace.shared_folder import SharedFolder
from pipeline.workspace.stored_tables import StoredTables, write_table_files
from pipeline.workspace.table_checks import STORE_JSON, checked_tables, stored_facts
from pipeline.workspace.table_files import TableFiles


class Workspace(SharedFolder):
    """Paths and atomic writes of one workspace folder."""

    @property
    def quarantine(self) -> Path:
        """The folder with the rejected rows of the last ingest."""
        return self.folder / "quarantine"

    @contextmanager
    def replaced(self, path: Path) -> Iterator[Path]:
        """A new folder that takes the name `path` when the block ends without an error. A previous
        folder of that name is removed first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".new-{secrets.token_hex(4)}"
        temporary.mkdir()
        close_to_others(temporary)
        try:
            yield temporary
            reseal(temporary)
            for file in temporary.rglob("*"):
                close_to_others(file)
                sync(file)
            if path.exists():
                shutil.rmtree(path)
            temporary.rename(path)
            sync(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def point(self, link: Path, target: Path) -> None:
        """Make `link` point to `target`, in one step. A folder (a copy without links) gives way."""
        temporary = link.parent / f".new-{secrets.token_hex(4)}"
        temporary.symlink_to(os.path.relpath(target, link.parent))
        if link.is_dir() and not link.is_symlink():
            link.rename(link.parent / f".new-{secrets.token_hex(4)}")
        temporary.replace(link)
        sync(link.parent)

    def write_tables(self, tables: Tables, facts: Mapping[str, Any]) -> None:
        """Replace the tables. `facts` (input hashes, row counts) are stored next to them."""
        version = self.folder / "versions" / new_id()
        settings = {
            "zone": tables.zone,
            "has_partial_outcomes": tables.has_partial_outcomes,
            "life_days_by_month": usual_life_days(tables),
            **facts,
        }
        with self.replaced(version / "tables") as temporary:
            write_table_files(tables, temporary)
            write_json(temporary / STORE_JSON, settings)
        with self.changing_tables():
            self.point(self.tables, version / "tables")

    def replace_table(self, name: str, frame: pl.DataFrame, facts: Mapping[str, Any]) -> None:
        """Replace one of the tables in use, and some of the facts stored next to them. The other
        tables and facts do not change. The caller holds `changing_tables`."""
        files, current = self.table_files(), self._tables_in_use()
        version = self.folder / "versions" / new_id()
        with self.replaced(version / "tables") as temporary:
            for file in current.iterdir():
                if file.name not in (STORE_JSON, f"{name}.parquet"):
                    _link_or_copy(file, temporary / file.name)
            files.write_one(name, frame, temporary)
            write_json(temporary / STORE_JSON, {**self.read_ingest_facts(), **facts})
        self.point(self.tables, version / "tables")
        self._pinned = None

    def table_files(self) -> TableFiles:
        """The files of the tables in use. Raises `Damaged` if one is not as it was written."""
        # one folder: contacts may switch to the next one between its facts and its files
        folder = self._tables_in_use()
        return checked_tables(folder, self._facts_of(folder))

    def read_tables(self) -> StoredTables:
        """The tables in use, whole."""
        return self.table_files().read_all()

    def open_tables(self) -> StoredTables:
        """The tables in use; each is read whenever it is asked for. For steps that build features
        from them: those are built by part, so the memory does not grow with the store."""
        return self.table_files().open_all()

    def read_ingest_facts(self) -> dict[str, Any]:
        """What the last ingest stored next to the tables: input hashes, row counts, time zone.
        Raises `BadInput` if there are no tables."""
        return self._facts_of(self._tables_in_use())

    def _facts_of(self, tables: Path) -> dict[str, Any]:
        facts = stored_facts(tables)
        if facts is None:
            raise BadInput(
                f"{self.folder}: has no tables yet. Load a store first: "
                f"make ingest SOURCE=... RAW=... WORKSPACE={self.folder}"
            )
        return facts

    def write_quarantine(self, faults: Mapping[str, pl.DataFrame]) -> None:
        """Replace the quarantine: one CSV file per source file that has faulty rows."""
        self.quarantine.mkdir(exist_ok=True)
        for name, rows in faults.items():
            write_whole(self.quarantine / name, rows.write_csv())
        for file in self.quarantine.glob("*.csv"):
            if file.name not in faults:
                file.unlink()

    def refusal(self, as_of: date) -> Path:
        """The file with the reason why the last run for this night was refused. A published run
        removes it."""
        return self.folder / "refused" / f"{as_of.isoformat()}.json"

    def write_refusal(self, as_of: date, record: Mapping[str, Any]) -> None:
        """Store why the run for this night was refused."""
        self.refusal(as_of).parent.mkdir(exist_ok=True)
        write_json(self.refusal(as_of), record)

    def latest(self, as_of: date) -> Path | None:
        """The folder of the last complete run of a night, or None."""
        link = self.folder / "runs" / as_of.isoformat() / "latest"
        return link.resolve() if (link / "manifest.json").exists() else None

    @contextmanager
    def new_run(self, as_of: date, run_id: str) -> Iterator[Path]:
        """The folder of a new run, written under a temporary name. Once complete, it becomes
        `latest`."""
        folder = self.folder / "runs" / as_of.isoformat()
        with self.replaced(folder / run_id) as temporary:
            yield temporary
        self.point(folder / "latest", folder / run_id)


def _link_or_copy(file: Path, target: Path) -> None:
    """Give the file a second name; copy it where the file system has no hard links. A link is safe
    because table files are never changed."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copy2(file, target)


def sync(path: Path) -> None:
    """Make sure that the file, or the list of names in the folder, is on the disk before a rename
    relies on it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, text: str) -> None:
    """Write under a temporary name, then rename: a reader never sees half a file."""
    write_bytes_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_bytes_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Like `write_whole`, with a function that writes the file. A failed write leaves nothing
    behind."""
    temporary = path.with_name(f".new-{path.name}")
    try:
        write(temporary)
        close_to_others(temporary)
        sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object as a whole file. Values of other types become text."""
    write_whole(path, json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n")
