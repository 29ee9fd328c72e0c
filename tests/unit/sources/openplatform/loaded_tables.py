"""Load dumps into tables and compare them."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from features.tables import TABLES, Tables
from pipeline.load.ingest import ingest
from pipeline.settings.config import Config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace


def load_dumps(raw: Path, folder: Path, config: Config | None = None) -> Tables:
    """The tables from the dumps in `raw`, without a row in quarantine."""
    workspace = Workspace(folder)
    with workspace.locked():
        ingest(workspace, config or Config(), Progress(), source="aliexpress", raw=raw)
        assert not list(workspace.quarantine.glob("*.csv")), list(workspace.quarantine.glob("*"))
        return workspace.read_tables()


def own_dumps(nights: list[Path], folder: Path) -> Path:
    """The store's own dumps of several nights in one folder, with one catalogue of products."""
    folder.mkdir()
    for night in nights:
        for path in night.glob("*.jsonl"):
            shutil.copy(path, folder)
        shutil.copy(night / "products.csv", folder)
    return folder


def assert_same_tables(pulled: Tables, expected: Tables) -> None:
    """The same facts in all tables, whatever the order of the rows and the made-up ids of scans."""
    for name in TABLES:
        left, right = (_sorted(tables[name]) for tables in (pulled, expected))
        assert_frame_equal(left, right, check_exact=True)
    assert expected["orders"].height > 100
    assert expected["disputes"].height > 5
    assert expected["tracking"].height > 100


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(pl.all())
