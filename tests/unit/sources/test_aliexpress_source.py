"""Dumps of the Open Platform's answers: both gateways, and one night after another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipeline.load.ingest import ingest
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, Damaged
from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources import aliexpress_answers as answers
from tests.unit.sources import aliexpress_dispute_answers as disputes
from tests.unit.sources import aliexpress_dumps as made

TAKEN = datetime(2024, 11, 5, 2, tzinfo=UTC)


def load(folder: Path) -> StoreData:
    return enforce_contract(read_aliexpress(SourceContext(folder)))


def do_ingest(workspace: Path, raw: Path) -> dict[str, pl.DataFrame]:
    store = Workspace(workspace)
    with store.locked():
        ingest(store, load_config(workspace), Progress(), source="aliexpress", raw=raw)
    tables = store.read_tables()
    return {name: frame for name, frame in tables.frames.items() if frame.height}


def faults(data: StoreData) -> list[tuple[str, str]]:
    return [
        (row["column"], row["reason"])
        for file in data.files
        for row in file.quarantine().iter_rows(named=True)
    ]


def test_all_tables_of_a_store_with_one_order(tmp_path: Path) -> None:
    data = load(made.write_all(tmp_path / "raw"))
    assert faults(data) == []
    (order,) = data.frames["orders"].to_dicts()
    # an id of sixteen digits is unchanged; times are local to California; only the detail has a
    # country
    assert order["order_id"] == "8194715118451470"
    assert order["occurred_at"] == datetime(2024, 10, 1, 15, tzinfo=UTC)
    assert (order["buyer_id"], order["country"], order["lane"]) == ("br0001", "BR", "EMS>BR")
    assert (order["total_usd"], order["shipping_usd"], order["known_at"]) == (58.01, 1.01, TAKEN)
    (line,) = data.frames["order_lines"].to_dicts()
    assert (line["line_id"], line["quantity"], line["unit_price_usd"]) == (
        "8194715118461470",
        2.0,
        30.0,
    )
    promised = (
        data.frames["promises"]
        .sort("occurred_at", "promised_at")
        .select("kind", "promised_at")
        .rows()
    )
    assert promised == [
        ("dispatch", datetime(2024, 10, 4, 15, 5, tzinfo=UTC)),
        ("delivery", datetime(2024, 10, 31, 15, 5, tzinfo=UTC)),
        ("delivery", datetime(2024, 10, 31, 3, tzinfo=UTC)),
    ]
    assert data.frames["shipments"]["occurred_at"].to_list() == [
        datetime(2024, 10, 4, 3, tzinfo=UTC)
    ]
    scans = data.frames["tracking"].sort("occurred_at")
    assert scans["status"].to_list() == ["InfoReceived", "Delivered"]
    assert scans["occurred_at"][0] == datetime(2024, 10, 4, tzinfo=UTC)


def test_line_and_time_of_opening_identify_a_dispute(tmp_path: Path) -> None:
    dispute = load(made.write_all(tmp_path / "raw")).frames["disputes"]
    assert dispute["dispute_id"].n_unique() == 1
    assert dispute["line_id"].unique().to_list() == ["8194715118461470"]
    steps = dispute.sort("occurred_at").select("step", "actor", "liable", "cause").rows()
    assert steps == [
        ("opened", "buyer", None, "not_received"),
        ("escalated", "buyer", None, "not_received"),
        ("ruled", "platform", "seller", "not_received"),
        ("refunded", "platform", None, "not_received"),
    ]
    assert dispute.filter(step="opened")["amount_usd"].to_list() == [66.65]


def test_liability_csv_overrides_who_is_liable(tmp_path: Path) -> None:
    raw = made.write_all(tmp_path / "raw")
    (raw / "liability.csv").write_text(f"order_id,liable\n{answers.ORDER},buyer\n")
    assert load(raw).frames["disputes"].filter(step="ruled")["liable"].to_list() == ["buyer"]


def test_a_ruling_without_the_buyers_request_escalates_automatically(tmp_path: Path) -> None:
    detail = disputes.issue_detail()
    process = detail["aliexpress_issue_detail_get_response"]["result_object"]["process_dto_list"]
    process["api_issue_process_dto"] = [
        step
        for step in process["api_issue_process_dto"]
        if "arbitration" not in step["action_type"]
    ]
    dumps = {name: answer() for name, answer in made.ANSWERS.items()} | {"issue": detail}
    steps = load(made.write(tmp_path / "raw", made.TAKEN, **dumps)).frames["disputes"]
    assert steps.filter(step="escalated")["actor"].to_list() == ["platform"]


def test_lists_with_and_without_wrappers_give_the_same_tables(tmp_path: Path) -> None:
    wrapped, bare = (
        load(made.write_all(tmp_path / str(is_bare), is_bare=is_bare)) for is_bare in (False, True)
    )
    for name, frame in wrapped.frames.items():
        assert frame.equals(bare.frames[name]), name


def test_a_fact_is_kept_when_later_dumps_lack_it(tmp_path: Path) -> None:
    """Three nights: paid, sent, finished. The last dump no longer has the time it was sent."""
    raw = tmp_path / "raw"
    unsent = {"gmt_send_goods_time": "", "order_status": "WAIT_SELLER_SEND_GOODS"}
    made.write(raw, "2024-10-02T0200", orders=answers.order_list(**unsent))
    first = do_ingest(tmp_path / "w", raw)
    assert "shipments" not in first
    made.write(raw, "2024-10-05T0200", orders=answers.order_list())
    second = do_ingest(tmp_path / "w", raw)
    assert second["shipments"]["known_at"].to_list() == [datetime(2024, 10, 5, 2, tzinfo=UTC)]
    finished = {
        "gmt_send_goods_time": "",
        "order_status": "FINISH",
        "gmt_update": "2024-11-01 10:00:00",
    }
    made.write(raw, "2024-11-02T0200", orders=answers.order_list(**finished))
    (raw / "orders-2024-10-02T0200.json").unlink()
    third = do_ingest(tmp_path / "w", raw)
    assert third["shipments"].equals(second["shipments"])
    assert third["orders"].equals(first["orders"])
    known = dict(third["order_events"].select("event", "known_at").rows())
    assert known == {
        "paid": datetime(2024, 10, 2, 2, tzinfo=UTC),
        "closed": datetime(2024, 11, 2, 2, tzinfo=UTC),
    }


def test_loading_the_same_dumps_again_changes_nothing(tmp_path: Path) -> None:
    raw = made.write_all(tmp_path / "raw")
    before = do_ingest(tmp_path / "w", raw)
    (raw / "again").mkdir()
    (raw / "again" / "orders-2024-12-01.json").write_bytes(
        (raw / "orders-2024-11-05T0200.json").read_bytes()
    )
    after = do_ingest(tmp_path / "w", raw)
    assert {name: frame.equals(after[name]) for name, frame in before.items()} == dict.fromkeys(
        before, True
    )


def test_tables_are_not_rewritten_without_new_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, tables = made.write_all(tmp_path / "raw"), tmp_path / "w" / "tables"
    do_ingest(tmp_path / "w", raw)
    before = tables.resolve()
    do_ingest(tmp_path / "w", raw)
    assert tables.resolve() == before
    assert "nothing new" in capsys.readouterr().out
    (raw / "liability.csv").write_text(f"order_id,liable\n{answers.ORDER},buyer\n")
    after = do_ingest(tmp_path / "w", raw)
    assert tables.resolve() != before
    assert after["disputes"].filter(step="ruled")["liable"].to_list() == ["buyer"]


def test_damaged_tables_are_written_again_without_new_files(tmp_path: Path) -> None:
    raw, orders = made.write_all(tmp_path / "raw"), tmp_path / "w" / "tables" / "orders.parquet"
    before = do_ingest(tmp_path / "w", raw)
    orders.write_bytes(orders.read_bytes()[:-9] + b"123456789")
    with pytest.raises(Damaged, match="make ingest"):
        Workspace(tmp_path / "w").read_tables()
    after = do_ingest(tmp_path / "w", raw)
    assert after["orders"].equals(before["orders"])


def test_facts_of_the_first_dump_may_be_known_as_they_happened(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "config.toml").write_text('sources = {history = "as_it_happened"}\n')
    tables = do_ingest(tmp_path / "w", made.write_all(tmp_path / "raw"))
    for frame in tables.values():
        assert frame["known_at"].equals(frame["occurred_at"].alias("known_at"))


def test_a_folder_without_dumps_or_without_orders_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(BadInput, match="holds no dump"):
        do_ingest(tmp_path / "w", tmp_path / "raw")
    made.write(tmp_path / "raw", "2024-11-05", issues=disputes.issue_list())
    with pytest.raises(BadInput, match="usable order|unknown order"):
        do_ingest(tmp_path / "w", tmp_path / "raw")
