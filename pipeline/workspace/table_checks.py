"""The tables in use are as an ingest wrote them, or the ingest that makes them anew is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from features.tables import TABLES
from pipeline.workspace.checksums import check_file, damaged, read_sealed
from pipeline.workspace.table_files import TableFiles

STORE_JSON = "store.json"
REMEDY = "Load the data again: make ingest SOURCE=... RAW=... WORKSPACE=..."
# what every version of this program stored next to the tables
_REQUIRED = {"zone", "has_partial_outcomes"}


def stored_facts(folder: Path) -> dict[str, Any] | None:
    """What the last ingest stored next to the tables; None without tables.

    Raises `Damaged` if the file is not as it was written.
    """
    path = folder / STORE_JSON
    try:
        facts = read_sealed(path, REMEDY)
    except FileNotFoundError:
        return None
    if missing := sorted(_REQUIRED - facts.keys()):
        raise damaged(path, REMEDY, f"{', '.join(missing)} is missing")
    return facts


def checked_tables(folder: Path, facts: Mapping[str, Any]) -> TableFiles:
    """The table files. Raises `Damaged` if one differs from its hash in the facts."""
    paths = [folder / f"{name}.parquet" for name in TABLES]
    # first, because opening the files reads some of them; a missing one may be of an older version
    for path in filter(Path.exists, paths):
        check_file(path, facts, REMEDY)
    try:
        files = TableFiles.of(folder, facts)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise damaged(folder / "orders.parquet", REMEDY, str(error)) from None
    for path in paths:
        check_file(path, facts, REMEDY)
    return files
