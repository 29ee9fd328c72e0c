"""Dumps of the Open Platform's answers: both gateways, night after night, and spoiled in every
way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.load.ingest import ingest
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.aliexpress.dumps import read_dumps
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.phrases import cause_of, status_of
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources import aliexpress_dumps as made

TAKEN = datetime(2024, 11, 5, 2, tzinfo=UTC)


def load(folder: Path) -> StoreData:
    return enforce_contract(read_aliexpress(SourceContext(folder)))


def do_ingest(workspace: Path, raw: Path) -> dict[str, pl.DataFrame]:
    place = Workspace(workspace)
    with place.locked():
        ingest(place, load_config(workspace), Progress(), source="aliexpress", raw=raw)
    tables = place.read_tables()
    return {name: frame for name, frame in tables.frames.items() if frame.height}


def faults(data: StoreData) -> list[tuple[str, str]]:
    return [
        (row["column"], row["reason"])
        for file in data.files
        for row in file.quarantine().iter_rows(named=True)
    ]


def test_a_store_of_one_order_is_read_whole(tmp_path: Path) -> None:
    data = load(made.write_all(tmp_path / "raw"))
    assert faults(data) == []
    (order,) = data.frames["orders"].to_dicts()
    # sixteen digits stay what they are; times are the platform's, in California; only the detail
    # has a country
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


def test_a_dispute_is_joined_by_line_and_moment_and_tells_its_steps(tmp_path: Path) -> None:
    disputes = load(made.write_all(tmp_path / "raw")).frames["disputes"]
    assert disputes["dispute_id"].n_unique() == 1
    steps = disputes.sort("occurred_at").select("step", "actor", "liable", "cause").rows()
    assert steps == [
        ("opened", "buyer", None, "not_received"),
        ("escalated", "buyer", None, "not_received"),
        ("ruled", "platform", "seller", "not_received"),
        ("refunded", "platform", None, "not_received"),
    ]
    assert disputes.filter(step="opened")["amount_usd"].to_list() == [66.65]


def test_who_is_liable_may_be_told_beside_the_dumps(tmp_path: Path) -> None:
    raw = made.write_all(tmp_path / "raw")
    (raw / "liability.csv").write_text(f"order_id,liable\n{made.ORDER},buyer\n")
    assert load(raw).frames["disputes"].filter(step="ruled")["liable"].to_list() == ["buyer"]


def test_a_ruling_that_nobody_asked_for_went_to_the_platform_by_itself(tmp_path: Path) -> None:
    detail = made.issue_detail()
    process = detail["aliexpress_issue_detail_get_response"]["result_object"]["process_dto_list"]
    process["api_issue_process_dto"] = [
        s for s in process["api_issue_process_dto"] if "arbitration" not in s["action_type"]
    ]
    answers = {name: make() for name, make in made.ANSWERS.items()} | {"issue": detail}
    steps = load(made.write(tmp_path / "raw", "2024-11-05T0200", **answers)).frames["disputes"]
    assert steps.filter(step="escalated")["actor"].to_list() == ["platform"]


def test_lists_with_and_without_wrappers_say_the_same(tmp_path: Path) -> None:
    wrapped, bare = (
        load(made.write_all(tmp_path / str(is_bare), is_bare=is_bare)) for is_bare in (False, True)
    )
    for name, frame in wrapped.frames.items():
        assert frame.equals(bare.frames[name]), name


def test_what_is_said_once_is_known_from_then_on(tmp_path: Path) -> None:
    """Nights: paid; sent; finished, when the platform no longer says that it was sent."""
    raw = tmp_path / "raw"
    unsent = {"gmt_send_goods_time": "", "order_status": "WAIT_SELLER_SEND_GOODS"}
    made.write(raw, "2024-10-02T0200", orders=made.order_list(**unsent))
    first = do_ingest(tmp_path / "w", raw)
    assert "shipments" not in first
    made.write(raw, "2024-10-05T0200", orders=made.order_list())
    second = do_ingest(tmp_path / "w", raw)
    assert second["shipments"]["known_at"].to_list() == [datetime(2024, 10, 5, 2, tzinfo=UTC)]
    over = {
        "gmt_send_goods_time": "",
        "order_status": "FINISH",
        "gmt_update": "2024-11-01 10:00:00",
    }
    made.write(raw, "2024-11-02T0200", orders=made.order_list(**over))
    (raw / "orders-2024-10-02T0200.json").unlink()
    third = do_ingest(tmp_path / "w", raw)
    assert third["shipments"].equals(second["shipments"])
    assert third["orders"].equals(first["orders"])
    known = dict(third["order_events"].select("event", "known_at").rows())
    assert known == {
        "paid": datetime(2024, 10, 2, 2, tzinfo=UTC),
        "closed": datetime(2024, 11, 2, 2, tzinfo=UTC),
    }


def test_the_same_dumps_again_change_nothing(tmp_path: Path) -> None:
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


def test_without_anything_new_nothing_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, tables = made.write_all(tmp_path / "raw"), tmp_path / "w" / "tables"
    do_ingest(tmp_path / "w", raw)
    before = tables.resolve()
    do_ingest(tmp_path / "w", raw)
    assert tables.resolve() == before
    assert "nothing new" in capsys.readouterr().out
    (raw / "liability.csv").write_text(f"order_id,liable\n{made.ORDER},buyer\n")
    after = do_ingest(tmp_path / "w", raw)
    assert tables.resolve() != before
    assert after["disputes"].filter(step="ruled")["liable"].to_list() == ["buyer"]


def test_a_seller_may_vouch_for_the_history_of_the_first_dump(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "config.toml").write_text('sources = {history = "as_it_happened"}\n')
    tables = do_ingest(tmp_path / "w", made.write_all(tmp_path / "raw"))
    for frame in tables.values():
        assert frame["known_at"].equals(frame["occurred_at"].alias("known_at"))


@pytest.mark.parametrize(
    ("reason", "received", "cause"),
    [
        ("运单号无法查询到物流信息", None, "not_received"),
        ("海关扣关", None, "not_received"),
        ("物流方式不一致", None, "not_received"),
        ("我找到更便宜的", None, "other"),
        ("Product not as described", "true", "not_as_described"),
        ("Quality problem", "true", "not_as_described"),
        ("I no longer want it", None, "other"),
        ("The parcel was returned", None, "not_received"),
        ("something else altogether", "false", "not_received"),
        ("something else altogether", "true", "unknown"),
        (None, None, "unknown"),
    ],
)
def test_reasons(reason: str | None, received: str | None, cause: str) -> None:
    frame = pl.DataFrame({"r": [reason], "g": [received]}, schema={"r": pl.String, "g": pl.String})
    assert frame.select(cause_of(pl.col("r"), pl.col("g"))).item() == cause


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Package delivered", "Delivered"),
        ("Unsuccessful delivery attempt", "DeliveryFailure"),
        ("【8】Arrive at destination country", "InTransit"),
        ("Customs clearance completed", "InTransit"),
        ("Held by customs: security check", "Exception"),
        ("Out for delivery", "OutForDelivery"),
        ("Available at pick-up point", "AvailableForPickup"),
        ("Package in preparation", "InfoReceived"),
        ("Returned to sender", "Exception"),
        ("Покинуть склад", "InTransit"),
        ("no rule knows this", "InTransit"),
    ],
)
def test_carriers_words(words: str, status: str) -> None:
    assert pl.DataFrame({"w": [words]}).select(status_of(pl.col("w"))[0]).item() == status


def test_a_folder_without_dumps_and_one_without_orders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(BadInput, match="holds no dump"):
        do_ingest(tmp_path / "w", tmp_path / "raw")
    made.write(tmp_path / "raw", "2024-11-05", issues=made.issue_list())
    with pytest.raises(BadInput, match="usable order|unknown order"):
        do_ingest(tmp_path / "w", tmp_path / "raw")


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rng=st.randoms(use_true_random=True))
def test_whatever_is_in_a_dump_each_row_is_good_or_in_quarantine(
    rng: Random, tmp_path: Path
) -> None:
    """Fifty spoiled dumps at a time; tests/bench/spoiled_dumps.py tries twenty thousand."""
    raw = made.write(tmp_path / "raw", "2024-11-05T0200", orders=made.order_list())
    for number in range(50):
        (raw / f"spoiled-2024-11-06-{number}.json").write_bytes(made.spoiled(rng))
    made.account(read_aliexpress(SourceContext(raw)))


MARK = "M-7731"
# of a record's own fields, those that are read
READ = {
    "order_id",
    "gmt_create",
    "gmt_pay_time",
    "gmt_send_goods_time",
    "order_status",
    "buyer_login_id",
    "pay_amount",
    "child_id",
    "product_id",
    "product_name",
    "product_count",
    "goods_prepare_time",
    "freight_commit_day",
    "product_unit_price",
    "logistics_no",
    "gmt_send",
    "country",
    "time_stamp",
    "tracking_name",
    "mail_no",
    "issue_id",
    "parent_order_id",
    "gmt_modified",
    "issue_status",
    "reason_chinese",
    "reason_english",
    "action_type",
    "refund_money_post",
}
# read, but not where they stand there
NOT_READ = {
    "result.time_stamp",
    "result_object.product_id",
    "buyer_info.country",
    "order_product_dto.order_id",
    "target_list.issue_status",
    "order_product_dto.issue_id",
    "solution_api_dto.issue_id",
    "issue_api_issue_dto.buyer_login_id",
    "result_object.buyer_login_id",
    "tracking_detail.package_item_list",
}


def is_read(path: tuple) -> bool:
    """Whether something else in its place must be found again: a wrapper, an item of a list, a
    field that is read."""
    names = [step for step in path if isinstance(step, str)]
    last = path[-1]
    ends = ("_response", "result", "result_object", "target", "_list", "_dto", "_node")
    is_told = isinstance(last, int) or last.endswith(ends) or last in READ
    return is_told and ".".join(names[-2:]) not in NOT_READ


@pytest.mark.parametrize("name", sorted(made.ANSWERS))
@pytest.mark.parametrize("mark", [MARK, [MARK], {"x": MARK}], ids=["text", "list", "object"])
def test_nothing_that_is_read_gets_lost(name: str, mark: Any, tmp_path: Path) -> None:
    """Each place in turn holds something that does not belong there: it is in a row, or in
    quarantine."""
    lost, tried = [], 0
    for number, path in enumerate(
        path for path in made.places(made.ANSWERS[name]()) if path and is_read(path)
    ):
        answer = made.ANSWERS[name]()
        made.at(answer, list(path[:-1]))[path[-1]] = mark
        raw = made.write(tmp_path / str(number), "2024-11-05", spoiled=answer)
        rows = [row for frame in read_dumps(raw, {}).frames.values() for row in frame.rows()]
        tried += 1
        if not any(MARK in str(cell) for row in rows for cell in row):
            lost.append(path)
    assert lost == []
    assert tried > 5
