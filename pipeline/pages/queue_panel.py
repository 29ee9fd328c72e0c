"""The queues of open orders on the page: counts, and the first rows of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from models.contact.queues import QUEUES, WAITING
from pipeline.output.safe_text import neutral_frame
from pipeline.settings.link_settings import Links
from pipeline.workspace.checksums import read_run_table
from pipeline.workspace.table_files import TableFiles

FILE = "queues.parquet"
MOST_WAITING, MOST_OTHERS = 50, 10


def read_queues(run: Path, files: TableFiles, links: Links) -> list[dict[str, Any]]:
    """One entry per queue: `name`, `count`, `since` (the oldest date, or None) and `rows`, the
    first ones, each with `order_url`. Empty for a run of an earlier version."""
    if not (run / FILE).exists():
        return []
    queued = neutral_frame(read_run_table(run, FILE))
    shown = {
        name: queued.filter(pl.col("queue") == name).head(
            MOST_WAITING if name == WAITING else MOST_OTHERS
        )
        for name in QUEUES
    }
    urls = _order_urls(pl.concat(shown.values())["order_id"], files, links)
    counts = dict(queued["queue"].value_counts().iter_rows())
    return [
        {
            "name": name,
            "count": counts.get(name, 0),
            "since": rows["since"].min(),
            "rows": [
                row | {"order_url": urls.get(row["order_id"])} for row in rows.iter_rows(named=True)
            ],
        }
        for name, rows in shown.items()
    ]


def _order_urls(ids: pl.Series, files: TableFiles, links: Links) -> dict[str, str | None]:
    """The address of each of these orders; only their own rows are read."""
    orders = files.read_facts("orders", ids).select("order_id", "store_id", "buyer_id")
    return {
        row["order_id"]: links.of_store(row["store_id"]).of(row)["order_url"]
        for row in orders.iter_rows(named=True)
    }
