"""A row of the list says what the parcel did and who wrote last, as known on the night."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from features.clock import day_number
from models.contact.queues import QUEUES, WAITING
from pipeline.night.night_queues import queue_lines
from pipeline.night.row_facts import add_row_facts
from pipeline.output.contact_list_columns import ROW_FACTS
from pipeline.settings.link_settings import Links
from pipeline.workspace.checksums import read_manifest
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import NIGHT, latest


@pytest.fixture(scope="module")
def listed(finished: Path) -> pl.DataFrame:
    return pl.read_parquet(latest(finished) / "contact_list.parquet")


def test_rows_agree_with_a_loop_over_the_facts(finished: Path) -> None:
    """For all open orders: a naive reader of the whole tables finds the same."""
    files, night = Workspace(finished).table_files(), day_number(NIGHT)
    known = {
        name: [
            row for row in files.read_all_of(name).iter_rows(named=True) if row["known_day"] < night
        ]
        for name in ("orders", "tracking", "messages", "shipments")
    }
    # later facts exist, and no row may show one
    assert (files.read_all_of("tracking")["known_day"] >= night).any()
    scores = pl.read_parquet(latest(finished) / "scores.parquet")
    owners = {row["order_id"]: row for row in known["orders"]}
    ids = scores["order_id"].head(150)
    rows = pl.DataFrame(
        {
            "order_id": ids,
            "buyer_id": [owners[order]["buyer_id"] for order in ids],
            "product_id": ["p"] * len(ids),
        }
    )
    facts = add_row_facts(rows, files, Links(), NIGHT)
    assert facts.columns == [*rows.columns, *ROW_FACTS]
    count_scanned = count_said = 0
    for row in facts.iter_rows(named=True):
        order = row["order_id"]
        assert row["order_value_usd"] == owners[order]["total_usd"]
        said = [message for message in known["messages"] if message["order_id"] == order]
        if said:
            last = max(said, key=lambda m: (m["occurred_at"], m["sender"] == "seller"))
            assert (row["said_by"], row["first_words"]) == (last["sender"], last["text"])
            count_said += 1
        scans = [scan for scan in known["tracking"] if scan["order_id"] == order]
        if scans:
            last = max(scans, key=lambda s: (s["occurred_at"], s["known_at"], s["scan_id"]))
            assert row["last_scan"] in (last["sub_status"], last["status"])
            assert row["last_scan_location"] == last["location"]
            sent = [s["carrier"] for s in known["shipments"] if s["order_id"] == order]
            assert row["carrier"] in (sent or [None])
            count_scanned += 1
    assert count_scanned > 10
    assert count_said > 3


def test_times_are_the_stores_and_the_sheets_have_the_columns(listed: pl.DataFrame) -> None:
    assert set(ROW_FACTS) <= set(listed.columns)
    for name in ("last_scan_at", "said_at", "unanswered_since"):
        assert listed.schema[name] == pl.Datetime("us")
    assert listed["last_scan_at"].drop_nulls().max() < datetime(NIGHT.year, NIGHT.month, NIGHT.day)


def test_queues_hold_open_orders_once_and_the_manifest_counts_them(
    finished: Path, listed: pl.DataFrame
) -> None:
    run = latest(finished)
    queued = pl.read_parquet(run / "queues.parquet")
    scores = pl.read_parquet(run / "scores.parquet")
    assert queued["order_id"].is_unique().all()
    assert queued["order_id"].is_in(scores["order_id"].implode()).all()
    counts = read_manifest(run)["queues"]["counts"]
    assert list(counts) == list(QUEUES)
    assert {name: count for name, count in counts.items() if count} == dict(
        queued["queue"].value_counts().iter_rows()
    )
    assert counts[WAITING] > 0
    actions = dict(listed.select("order_id", "action").iter_rows())
    assert queued["action"].to_list() == [actions.get(order) for order in queued["order_id"]]
    # as a list that is not listed would have no words either
    words = queued.filter(pl.col("first_words").is_not_null())
    assert set(words["queue"]) == {WAITING}
    assert pl.read_csv(run / "queues.csv").height == queued.height


def test_the_terminal_counts_those_who_wait_first() -> None:
    counts = dict.fromkeys(QUEUES, 2) | {WAITING: 1}
    first, second = queue_lines({"counts": counts, "waiting_since": "2026-01-02"})
    assert first == "1 buyer waits for an answer, the longest since 2026-01-02"
    assert second.startswith("other open orders: 2 with an exception, 2 without movement")
    none = queue_lines({"counts": dict.fromkeys(QUEUES, 0), "waiting_since": None})
    assert none[0] == "0 buyers wait for an answer"
