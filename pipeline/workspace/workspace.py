"""A workspace on disk: the derived state of one store, replaced whole or not at all.

    tables -> versions/<id>/tables      the canonical tables in use (a link, switched in one step)
    quarantine/*.csv                    rejected rows of the last ingest, with reasons
    mlflow.db, mlartifacts/             models
    runs/<as_of>/<run_id>/              finished nights; runs/<as_of>/latest is a link to the last
    complete one

A switch of a link is one rename: whoever reads sees the former state or the new one; a killed run
leaves the former.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from filelock import FileLock, Timeout

from features.tables import Tables
from pipeline.settings.errors import BadInput, WorkspaceBusy
from pipeline.workspace.disk_errors import disk_trouble
from pipeline.workspace.table_files import StoredTables, TableFiles, write_table_files

STORE_JSON = "store.json"


class Workspace:
    """Paths and atomic writes of one workspace folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    @property
    def tables(self) -> Path:
        return self.folder / "tables"

    @property
    def quarantine(self) -> Path:
        return self.folder / "quarantine"

    @contextmanager
    def locked(self, *, must_exist: bool = False) -> Iterator[None]:
        """Hold the workspace; a second run is told so at once. The lock falls with its process,
        however that ends."""
        if must_exist and not self.folder.is_dir():
            raise BadInput(
                f"{self.folder}: there is no such workspace. Check WORKSPACE, or load a store: make ingest"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".lock")
            lock.acquire(timeout=0)
        except Timeout:
            raise WorkspaceBusy(
                f"{self.folder}: another run holds this workspace. Wait until it is done, or use another WORKSPACE."
            ) from None
        except OSError as error:
            trouble = disk_trouble(error, self.folder)
            raise trouble or BadInput(
                f"{self.folder}: cannot be used as a workspace ({error.strerror})."
            ) from None
        try:
            self._clear_leftovers()
            yield
        finally:
            lock.release()

    def _clear_leftovers(self) -> None:
        """Remove what a killed run left half done. Only the holder of the lock comes here."""
        for leftover in [
            f
            for where in ("", "quarantine/", "runs/*/")
            for f in self.folder.glob(f"{where}.new-*")
        ]:
            shutil.rmtree(
                leftover
            ) if leftover.is_dir() and not leftover.is_symlink() else leftover.unlink()
        used = self.tables.resolve().parent.name
        for version in self.folder.glob("versions/*"):
            if version.name != used:
                shutil.rmtree(version)

    @contextmanager
    def replaced(self, path: Path) -> Iterator[Path]:
        """A new folder that takes the name `path` when the block ends well; a former one there is
        removed first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.parent / f".new-{secrets.token_hex(4)}"
        aside.mkdir()
        try:
            yield aside
            for file in aside.rglob("*"):
                sync(file)
            if path.exists():
                shutil.rmtree(path)
            aside.rename(path)
            sync(path.parent)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def point(self, link: Path, target: Path) -> None:
        """Make `link` lead to `target`, in one step."""
        aside = link.parent / f".new-{secrets.token_hex(4)}"
        aside.symlink_to(os.path.relpath(target, link.parent))
        aside.replace(link)
        sync(link.parent)

    # -- tables
    # ------------------------------------------------------------------------------------------------

    def write_tables(self, tables: Tables, facts: Mapping[str, Any]) -> None:
        """Replace the tables; `facts` (input hashes, row counts) is kept beside them."""
        version = self.folder / "versions" / new_id()
        settings = {
            "zone": tables.zone,
            "has_partial_outcomes": tables.has_partial_outcomes,
            **facts,
        }
        with self.replaced(version / "tables") as aside:
            write_table_files(tables, aside)
            write_json(aside / STORE_JSON, settings)
        self.point(self.tables, version / "tables")

    def replace_table(self, name: str, frame: pl.DataFrame, facts: Mapping[str, Any]) -> None:
        """Replace one of the tables in use, and some of the facts beside them; the others stay as
        they are."""
        files, current = self.table_files(), self.tables.resolve()
        version = self.folder / "versions" / new_id()
        with self.replaced(version / "tables") as aside:
            for file in current.iterdir():
                if file.name not in (STORE_JSON, f"{name}.parquet"):
                    _link_or_copy(file, aside / file.name)
            files.write_one(name, frame, aside)
            write_json(aside / STORE_JSON, {**self.read_ingest_facts(), **facts})
        self.point(self.tables, version / "tables")

    def table_files(self) -> TableFiles:
        """The files of the tables in use."""
        settings = self.read_ingest_facts()
        return TableFiles.of(self.tables.resolve(), settings)

    def read_tables(self) -> StoredTables:
        """The tables in use, whole."""
        return self.table_files().read_all()

    def read_ingest_facts(self) -> dict[str, Any]:
        try:
            return read_json(self.tables / STORE_JSON)
        except FileNotFoundError:
            raise BadInput(
                f"{self.folder}: holds no tables yet. Load some: make ingest SOURCE=... RAW=... WORKSPACE={self.folder}"
            ) from None

    def write_quarantine(self, faults: Mapping[str, pl.DataFrame]) -> None:
        """Replace the quarantine: one CSV per source file that has faulty rows."""
        self.quarantine.mkdir(exist_ok=True)
        for name, rows in faults.items():
            write_whole(self.quarantine / name, rows.write_csv())
        for file in self.quarantine.glob("*.csv"):
            if file.name not in faults:
                file.unlink()

    # -- refusals
    # ----------------------------------------------------------------------------------------------

    def refusal(self, as_of: date) -> Path:
        """Why the night was refused the last time; gone once it is published."""
        return self.folder / "refused" / f"{as_of.isoformat()}.json"

    def write_refusal(self, as_of: date, record: Mapping[str, Any]) -> None:
        self.refusal(as_of).parent.mkdir(exist_ok=True)
        write_json(self.refusal(as_of), record)

    # -- runs
    # --------------------------------------------------------------------------------------------------

    def latest(self, as_of: date) -> Path | None:
        """The last complete run of a night."""
        link = self.folder / "runs" / as_of.isoformat() / "latest"
        return link.resolve() if (link / "manifest.json").exists() else None

    @contextmanager
    def new_run(self, as_of: date, run_id: str) -> Iterator[Path]:
        """The folder of a new run, written aside; complete, it becomes `latest`."""
        folder = self.folder / "runs" / as_of.isoformat()
        with self.replaced(folder / run_id) as aside:
            yield aside
        self.point(folder / "latest", folder / run_id)


def _link_or_copy(file: Path, target: Path) -> None:
    """The same file under a second name; a copy where the disk knows no such names. Table files are
    never changed."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copy2(file, target)


def new_id() -> str:
    """Sorts by time; unique."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def sync(path: Path) -> None:
    """Make sure that the file, or the folder's list of names, is on the disk before a rename relies
    on it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, text: str) -> None:
    """Write aside, then rename: a reader never sees half a file."""
    write_bytes_whole(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def write_bytes_whole(path: Path, write: Callable[[Path], object]) -> None:
    """The same with a function that writes the file; what fails leaves nothing behind."""
    aside = path.with_name(f".new-{path.name}")
    try:
        write(aside)
        sync(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_whole(path, json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n")
