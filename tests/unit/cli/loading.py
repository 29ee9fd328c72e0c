"""Load a source into a workspace, and look at its tables and its quarantine."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

from pipeline.load.ingest import ingest
from pipeline.settings.config import load_config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.source_folders import Source

ORDERS, ITEMS = "olist_orders_dataset.csv", "olist_order_items_dataset.csv"
REVIEWS, PAYMENTS = "olist_order_reviews_dataset.csv", "olist_order_payments_dataset.csv"
# the files that become one row of a table per row, and these tables
TABLE_OF = {
    "canonical": {
        f"{name}.csv": name
        for name in (
            "orders",
            "order_lines",
            "promises",
            "products",
            "shipments",
            "tracking",
            "disputes",
        )
    },
    "olist": {ORDERS: "orders", ITEMS: "order_lines", REVIEWS: "reviews"},
}


def load(folder: Path, kind: str, raw: Path) -> None:
    """Ingest the files in `raw` into the workspace in `folder`."""
    folder.mkdir(exist_ok=True)
    workspace = Workspace(folder)
    with workspace.locked():
        ingest(workspace, load_config(folder), Progress(), source=kind, raw=raw)


def quarantined(workspace: Path, file: str) -> list[dict[str, str]]:
    """The rows of a source file that are in quarantine, one per fault."""
    path = workspace / "quarantine" / file
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def assert_no_row_is_lost(workspace: Path, source: Source) -> None:
    """Each row of the source is in its table or in quarantine."""
    tables = Workspace(workspace).read_tables()
    for file, table in TABLE_OF[source.kind].items():
        rows = {row["row"] for row in quarantined(workspace, file)}
        assert tables[table].height + len(rows) == len(source.files[file]), file


def digest(folder: Path) -> dict[str, str]:
    """The hash of each file in a folder, by file name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }
