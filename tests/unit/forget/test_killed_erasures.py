"""An erasure that is killed at any change leaves a workspace that can be read, and another run
finishes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from features.tables import TABLES
from pipeline.deliver.bulk.sent_contacts import BULK
from pipeline.deliver.delivery_record import FAILED, DeliveryId, open_record
from pipeline.desk.desk_log import DeskLog
from pipeline.forget.buyer_traces import BuyerTraces
from pipeline.forget.erase_databases import erase_database
from pipeline.forget.forget_buyer import forget_buyer
from pipeline.load.known_sources import SOURCES
from pipeline.settings.config import Config
from pipeline.workspace.checksums import read_manifest, read_run_table
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.deliver.made_night import NIGHT, listed_orders, make_night
from tests.unit.forget.every_byte import hits
from tests.unit.kill_states import states_if_killed

BUYER, ORDER, TEXT, NUMBER = "b-0002", "o-0002", "call me: 555 0199 77", "LP00123456789012"
NEEDLES = [BUYER, TEXT, NUMBER]
# every so many changes, the state after a kill there is tried
EVERY = 12


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    """A published night of three orders; the buyer of one wrote, and was written to."""
    is_theirs = pl.col("order_id") == ORDER
    listed = listed_orders(3).with_columns(
        first_words=pl.when(is_theirs).then(pl.lit(TEXT)),
        tracking_number=pl.when(is_theirs).then(pl.lit(NUMBER)),
    )
    store = make_night(tmp_path / "shop", listed=listed)
    (store.folder / "runs" / str(NIGHT) / "latest" / "report.html").write_text(f"<p>{TEXT}")
    tables = store.read_tables()
    times = tables["orders"].filter(order_id=ORDER).select("occurred_at", "known_at")
    message = times.with_columns(
        message_id=pl.lit("m"), order_id=pl.lit(ORDER), sender=pl.lit("buyer"), text=pl.lit(TEXT)
    )
    parcel = times.with_columns(shipment_id=pl.lit(NUMBER), order_id=pl.lit(ORDER))
    with store.locked():
        frames = {n: shaped(n, f) for n, f in (("messages", message), ("shipments", parcel))}
        changed = tables.with_frames({**tables.frames, **frames})
        facts = {"source": next(iter(SOURCES)), "input_sha256": {}, "table_rows": {}}
        store.write_tables(changed, facts)
    log = DeskLog(store.folder)
    with log.writing() as connection:
        entry = {"at": "2025-03-20T06:00:00Z", "user": "mei", "order_id": ORDER}
        log.add(connection, kind="note", buyer_id=BUYER, value={"text": TEXT}, **entry)
    log.close()
    with open_record(store.folder) as record:
        record.write(DeliveryId("shop", str(NIGHT), BULK, "r", ORDER), FAILED, f"no {BUYER}")
    (store.folder / "log.jsonl").write_text(f'{{"event": "warning", "text": "{BUYER}"}}\n')
    with store.locked():
        # only the newest tables are left
        return store


def shaped(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    days = {"occurred_day": pl.Int32, "known_day": pl.Int32}
    schema = {**TABLES[name].schema, **days}
    full = pl.concat([pl.DataFrame(schema=schema), rows], how="diagonal_relaxed")
    return full.with_columns(occurred_day=pl.lit(20_148), known_day=pl.lit(20_148)).cast(schema)


def forget(folder: Path) -> None:
    forget_buyer(Workspace(folder), Config(), Progress(), BUYER)


def test_a_killed_erasure_is_finished_by_the_next_run(shop: Workspace, tmp_path: Path) -> None:
    assert len(hits(shop.folder, NEEDLES)) > 8
    states = states_if_killed(shop.folder, tmp_path / "states", lambda: forget(shop.folder))
    assert not hits(shop.folder, NEEDLES)
    assert len(states) > 20
    half = 0
    for state in states[::EVERY]:
        copied = shutil.copytree(state, tmp_path / "w", symlinks=True)
        half += 0 < len(hits(copied, NEEDLES)) < len(hits(states[0], NEEDLES))
        assert_readable(copied)
        forget(copied)
        assert not hits(copied, NEEDLES)
        assert_readable(copied)
        (run,) = (p for p in (copied / "runs" / str(NIGHT)).iterdir() if not p.is_symlink())
        manifest = read_manifest(run)
        assert len(manifest["erasures"]) == 1
        assert {p.name for p in run.glob("*.parquet")} <= set(manifest["files_sha256"])
        shutil.rmtree(copied)
    assert half > 1


def test_a_page_of_make_report_with_an_order_of_the_buyer_is_removed(shop: Workspace) -> None:
    """It has no table next to it that says which words are the buyer's."""
    night = shop.folder / "runs" / str(NIGHT)
    for name, order in (("report-1", ORDER), ("report-2", "o-0003")):
        (night / name).mkdir()
        (night / name / "report.html").write_text(f"<p>{order}: {TEXT}")
    forget(shop.folder)
    assert "make report" in (night / "report-1" / "report.html").read_text()
    assert TEXT not in (night / "report-1" / "report.html").read_text()
    assert (night / "report-2" / "report.html").read_text() == f"<p>o-0003: {TEXT}"


def assert_readable(folder: Path) -> None:
    store = Workspace(folder)
    assert store.read_tables()["orders"].height == 3
    for path in (folder / "runs" / str(NIGHT) / "latest").glob("*.parquet"):
        assert read_run_table(path.parent, path.name).height > 0


def test_a_dry_run_changes_no_database_and_no_free_page_keeps_the_buyer(shop: Workspace) -> None:
    path = shop.folder / "desk.sqlite"
    traces = BuyerTraces({BUYER: "erased-1"}, frozenset({ORDER}), "erased-1")
    content = path.read_bytes()
    assert erase_database(path, traces, is_dry=True)
    assert path.read_bytes() == content
    assert erase_database(path, traces, is_dry=False)
    assert not erase_database(path, traces, is_dry=False)
    assert not [name for name in hits(shop.folder, NEEDLES) if name.startswith("desk.sqlite")]
