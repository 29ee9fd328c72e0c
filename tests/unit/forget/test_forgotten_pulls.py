"""A buyer of pulled answers is erased: the answers, the rows that loads keep, the pull's queue.
What is pulled or dumped later does not bring them back."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.forget.forget_buyer import forget_buyer
from pipeline.load.ingest import ingest
from pipeline.load.pulling.compact_dumps import compact_dumps
from pipeline.settings.config import Config
from pipeline.settings.errors import StillHeld
from pipeline.sources.erased_ids import read_erased
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob, PullQueue
from pipeline.sources.source_context import SideFiles
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.forget.every_byte import hits

BUYER, OTHER = "br1234567890pkgv", "us9876543210abcd"
NAME, STREET, NUMBER = "Maria Encantada", "Rua das Flores 12", "LP00123456789012"
SAID, TOWN = "it is broken, call me at home", "Vila Esperanza"
NEEDLES = [BUYER, NAME, STREET, NUMBER, SAID, TOWN]
ORDER, OTHER_ORDER = 8194715118451470, 8194715118459999


def order(number: int, buyer: str) -> dict:
    product = {"order_id": number, "child_id": number + 1, "product_id": 7, "product_count": 1}
    money = {"currency_code": "USD", "amount": "12.50"}
    return {
        "order_id": number,
        "order_status": "WAIT_BUYER_ACCEPT_GOODS",
        "gmt_create": "2025-06-01 02:00:00",
        "gmt_pay_time": "2025-06-01 03:00:00",
        "buyer_login_id": buyer,
        "buyer_signer_fullname": NAME,
        "pay_amount": money,
        "product_list": {"order_product_dto": [{**product, "product_unit_price": money}]},
    }


def detail(number: int, parcel: str) -> dict:
    address = {"country": "BR", "contact_person": NAME, "detail_address": STREET}
    parcels = [{"logistics_no": parcel, "gmt_send": "2025-06-02 02:00:00"}]
    return {
        "id": number,
        "gmt_create": "2025-06-01 02:00:00",
        "order_status": "WAIT_BUYER_ACCEPT_GOODS",
        "receipt_address": address,
        "logistic_info_list": {"global_aeop_tp_logistic_info_dto": parcels},
    }


def scans(parcel: str, town: str) -> dict:
    node = {"time_stamp": 1749100000000, "tracking_name": "Arrived", "tracking_detail_desc": town}
    line = {"mail_no": parcel, "detail_node_list": [node]}
    return {"result": {"data": {"tracking_detail_line_list": [line]}}}


def lines(number: int, buyer: str, parcel: str, day: str = "05", town: str = TOWN) -> list[str]:
    """The answers about one order, in one pull."""
    said = {"id": number + 5, "gmt_create": 1749000000000, "sender_ali_id": 5, "content": SAID}
    about = {"message_type": "order", "extern_id": number}
    chat = {"channel_id": 9, "other_ali_id": 5, "other_login_id": buyer}
    every = [
        ({}, {"result": {"target_list": {"order_dto": [order(number, buyer)]}}}),
        ({"order_id": number}, {"result": {"data": detail(number, parcel)}}),
        ({"ae_order_id": number}, scans(parcel, town)),
        (chat, {"result": {"message_detail_list": {"message_detail": [{**said, **about}]}}}),
    ]
    stamp = {"fetched_at": f"2025-06-{day}T12:00:00Z"}
    return [json.dumps({**stamp, "request": {**req, **stamp}, **rest}) for req, rest in every]


def write(folder: Path, day: str, *every: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"answers-202506{day}T120000-0001.jsonl"
    path.write_text("\n".join(every) + "\n")
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    """A workspace with two pulls, of which one shows the buyer, loaded; and jobs that are left."""
    store = Workspace(tmp_path / "shop")
    main = store.folder / "pulled" / "aliexpress" / "main"
    write(main, "05", *lines(ORDER, BUYER, NUMBER), *lines(OTHER_ORDER, OTHER, "LP999999"))
    write(main, "06", *lines(OTHER_ORDER, OTHER, "LP999999", "06", "Lima"))
    state = store.folder / "pull" / "aliexpress" / "main"
    state.mkdir(parents=True)
    queue = PullQueue(state / "state.sqlite", "run")
    job = PullJob("messages", "9", 5, 0.0, {"other_login_id": BUYER, "other_ali_id": 5})
    queue.apply(JobResult(jobs=[job], known={("parcel", str(ORDER)): {"number": NUMBER}}))
    queue.close()
    load(store)
    return store


def load(store: Workspace, raw: Path | None = None) -> None:
    raw = raw or store.folder / "pulled" / "aliexpress"
    with store.locked():
        ingest(store, Config(), Progress(), source="aliexpress", raw=raw)


def forget(store: Workspace, *raw: Path) -> None:
    forget_buyer(store, Config(), Progress(), BUYER, raw)


def test_pulled_answers_show_a_forgotten_buyer_nowhere(shop: Workspace) -> None:
    before = shop.read_tables()
    assert before["messages"].height == 2
    assert set(before["tracking"]["shipment_id"]) == {NUMBER, "LP999999"}
    assert {Path(name).name for name in hits(shop.folder, NEEDLES)} >= {
        "answers-20250605T120000-0001.jsonl",
        "state.sqlite",
        "orders.parquet",
    }
    forget(shop)
    # what both buyers say and have is of the other one too
    theirs = [needle for needle in NEEDLES if needle not in (SAID, TOWN, NAME, STREET)]
    assert not hits(shop.folder, theirs)
    main = shop.folder / "pulled" / "aliexpress" / "main"
    assert [p.name for p in main.glob("*.jsonl")] == ["answers-20250606T120000-0001.jsonl"]
    after = shop.read_tables()
    for name, frame in before.frames.items():
        kept = frame.filter(order_id=str(OTHER_ORDER)) if "order_id" in frame.columns else frame
        other = after[name]
        assert kept.equals(
            other.filter(order_id=str(OTHER_ORDER)) if "order_id" in frame.columns else other
        )
        times = ("occurred_at", "known_at")
        assert frame.select(times).sort(times).equals(other.select(times).sort(times))
    load(shop)
    assert all(after[name].equals(frame) for name, frame in shop.read_tables().frames.items())


def test_later_answers_do_not_bring_a_forgotten_buyer_back(shop: Workspace, tmp_path: Path) -> None:
    forget(shop)
    known = shop.read_tables()["tracking"].filter(order_id=str(ORDER))["known_at"].to_list()
    main = shop.folder / "pulled" / "aliexpress" / "main"
    later = write(main, "07", *lines(ORDER, BUYER, NUMBER, "07", "Lima"))
    load(shop)
    outside = [name for name in hits(shop.folder, NEEDLES[:4]) if "answers-" not in name]
    assert not [name for name in outside if not name.startswith("pulled/")]
    compact_dumps(main, lambda path: False, read_erased(shop.folder))
    assert not later.exists()
    assert not hits(shop.folder, [BUYER, NUMBER])
    load(shop)
    tables = shop.read_tables()
    assert not hits(shop.folder, [BUYER, NUMBER])
    assert tables["tracking"].filter(order_id=str(ORDER))["known_at"].to_list() == known
    # the same in a folder of the seller's own dumps, which stays as it is
    own = tmp_path / "own"
    path = write(own, "08", *lines(ORDER, BUYER, NUMBER, "08"), json.dumps({"unknown": BUYER}))
    content = path.read_bytes()
    load(shop, own)
    assert not hits(shop.folder, [BUYER, NUMBER])
    with pytest.raises(StillHeld):
        forget(shop, own)
    assert path.read_bytes() == content


def test_the_queue_of_a_pull_keeps_its_jobs(shop: Workspace) -> None:
    forget(shop)
    path = shop.folder / "pull" / "aliexpress" / "main" / "state.sqlite"
    with closing(sqlite3.connect(path)) as database:
        (key,) = database.execute("SELECT key FROM known WHERE kind = 'parcel'").fetchone()
    assert key == str(ORDER)


def test_a_tracking_providers_scans_still_reach_the_order(shop: Workspace, tmp_path: Path) -> None:
    """The provider knows the parcel by its number, which the store has forgotten."""
    scans = tmp_path / "scans"
    scans.mkdir()
    rows = f"{NUMBER},2025-06-09 10:00,InTransit,{TOWN}\nLP0,2025-06-09 10:00,InTransit,{TOWN}\n"
    (scans / "track.csv").write_text(f"Tracking Number,Event Time,Package Status,Location\n{rows}")
    side = SideFiles(tracking=scans)
    raw = shop.folder / "pulled" / "aliexpress"
    counts = []
    for is_forgotten in (False, True):
        if is_forgotten:
            with pytest.raises(StillHeld):
                forget(shop, scans)
        with shop.locked():
            ingest(shop, Config(), Progress(), source="aliexpress", raw=raw, side_files=side)
        counts.append(shop.read_tables()["tracking"].filter(order_id=str(ORDER)).height)
    assert counts == [2, 2]
    assert not hits(shop.folder, [NUMBER])
