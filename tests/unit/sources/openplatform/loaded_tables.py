"""Load dumps into tables and compare them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from features.tables import TABLES, Tables, create_tables
from pipeline.load.ingest import ingest
from pipeline.settings.config import Config
from pipeline.sources.conversation.message_labels import with_labels
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

# of dumps in this time from the first, `history = "as_it_happened"` takes the times of the facts
FIRST_DUMPS = timedelta(days=1)


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


def with_own_messages(pulled: Tables, raw: Path, moments: Sequence[datetime]) -> Tables:
    """The pulled tables with the messages of the store's own files in `raw`, which get the
    platform's numbers of orders. One that no pull of the first day read is known since the first of
    `moments`, the times of all pulls, that follows it."""
    number = pl.col("order_id").str.slice(2).cast(pl.Int64)
    messages = pl.read_csv(raw / "messages.csv", infer_schema=False).with_columns(
        pl.col("occurred_at", "known_at").str.to_datetime(time_unit="us", time_zone="UTC"),
        order_id=(80 * 10**14 + number * 10 + 9).cast(pl.String),
    )
    pulls = pl.DataFrame({"pulled_at": moments}, schema={"pulled_at": pl.Datetime("us", "UTC")})
    messages = (
        messages.sort("known_at")
        .join_asof(pulls, left_on="known_at", right_on="pulled_at", strategy="forward")
        .with_columns(
            known_at=pl.when(pl.col("pulled_at") > moments[0] + FIRST_DUMPS)
            .then("pulled_at")
            .otherwise("known_at")
        )
        .drop_nulls("known_at")
    )
    frames = {name: frame.select(*TABLES[name].schema) for name, frame in pulled.frames.items()}
    messages = messages.select(pl.col(n).cast(k) for n, k in TABLES["messages"].schema.items())
    # loading labels what the buyers wrote
    return create_tables({**frames, "messages": with_labels(messages)}, zone=pulled.zone)


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(pl.all())
