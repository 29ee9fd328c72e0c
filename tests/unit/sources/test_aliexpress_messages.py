"""Messages with buyers in dumps: who wrote them, about which order, about what, and since when they
are known."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.load.ingest import ingest
from pipeline.settings.config import Config
from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.conversation.message_topics import topic_of
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources import aliexpress_answers as answers

BUYER, SELLER = 2_000_000_000_000_011, 2_000_000_000_000_009
MESSAGES = "aliexpress_message_redefining_versiontwo_querymsgdetaillist_response"
RELATIONS = "aliexpress_message_redefining_versiontwo_querymsgrelationlist_response"
TAKEN = datetime(2024, 11, 5, 2, tzinfo=UTC)
AT = 1_728_000_000_000  # 2024-10-04 00:00 UTC, three days after the order


def message(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "id": 7_100_000_000_000_009 + number * 10,
        "gmt_create": AT + number * 1000,
        "message_type": "member",
        "sender_ali_id": BUYER,
        "sender_name": "br buyer",
        "content": "Where is my parcel?",
        "file_path_list": {},
        "summary": {},
        **changed,
    }


def conversation(*rows: Any, wrapped: bool = True, **request: Any) -> dict[str, Any]:
    listed = {"message_detail": list(rows)} if wrapped else list(rows)
    asked = {"channel_id": "4711", "other_ali_id": BUYER, "other_login_id": "br0001", **request}
    return {
        "request": {name: value for name, value in asked.items() if value is not None},
        MESSAGES: {"result": {"is_success": True, "error_code": 0, "message_detail_list": listed}},
    }


def write(raw: Path, *dumps: dict[str, Any], taken: str = "2024-11-05T0200") -> Path:
    raw.mkdir(exist_ok=True)
    for number, dump in enumerate(dumps):
        (raw / f"dump-{taken}-{number}.json").write_text(json.dumps(dump))
    return raw


def load(raw: Path) -> StoreData:
    return enforce_contract(read_aliexpress(SourceContext(raw)))


def faults(data: StoreData) -> list[tuple[str, str]]:
    return [
        (row["column"], row["reason"])
        for file in data.files
        for row in file.quarantine().iter_rows(named=True)
    ]


@pytest.mark.parametrize("wrapped", [True, False])
def test_both_sides_of_a_conversation(tmp_path: Path, wrapped: bool) -> None:
    rows = (message(1), message(2, sender_ali_id=str(SELLER), content="We ask the carrier."))
    data = load(write(tmp_path, answers.order_list(), conversation(*rows, wrapped=wrapped)))
    assert faults(data) == []
    first, second = data.frames["messages"].sort("occurred_at").to_dicts()
    assert (first["order_id"], first["sender"], first["topic"]) == (
        str(answers.ORDER),
        "buyer",
        "parcel",
    )
    assert (second["sender"], second["text"]) == ("seller", "We ask the carrier.")
    assert first["occurred_at"] == datetime(2024, 10, 4, 0, 0, 1, tzinfo=UTC)
    assert first["known_at"] == TAKEN


def test_a_message_names_its_order_or_belongs_to_the_last_one_before_it(tmp_path: Path) -> None:
    named = message(1, message_type="order", extern_id=answers.ORDER)
    rows = (
        message(2, message_type="product", extern_id=answers.PRODUCT),
        message(3, message_type="product", extern_id=77),
        # before the buyer's first order
        message(4, gmt_create=AT - 86_400_000 * 30),
    )
    other = conversation(named, message(5), other_login_id="someone else")
    data = load(write(tmp_path, answers.order_list(), other, conversation(*rows)))
    assert faults(data) == []
    by_id = {row["message_id"]: row["order_id"] for row in data.frames["messages"].to_dicts()}
    assert by_id == {str(message(number)["id"]): str(answers.ORDER) for number in (1, 2, 3)}


def test_messages_on_the_page_of_the_order(tmp_path: Path) -> None:
    dump = answers.order_info()
    (response,) = dump.values()
    said = {"gmt_create": "2024-10-03 08:00:00", "sender_login_id": "br0001", "status": "1"}
    response["result"]["data"]["order_msg_list"] = {
        "global_aeop_tp_order_msg_dto": [
            {"id": 12345678, "poster": "buyer", "content": "It is broken.", **said},
            {"id": 12345679, "poster": "seller", "content": "Sorry!", **said},
        ]
    }
    data = load(write(tmp_path, answers.order_list(), dump))
    assert faults(data) == []
    rows = {row["message_id"]: row for row in data.frames["messages"].to_dicts()}
    assert {row["order_id"] for row in rows.values()} == {str(answers.ORDER)}
    assert (rows["12345678"]["sender"], rows["12345678"]["topic"]) == ("buyer", "product")
    # the page of an order has the platform's own time
    assert rows["12345679"]["occurred_at"] == datetime(2024, 10, 3, 15, tzinfo=UTC)


def test_without_the_buyers_number_in_the_request_the_sender_is_unknown(tmp_path: Path) -> None:
    data = load(write(tmp_path, answers.order_list(), conversation(message(1), other_ali_id=None)))
    assert faults(data) == [("what", "messages: sender is missing")]
    assert data.frames["messages"].is_empty()


def test_the_list_of_conversations_adds_nothing(tmp_path: Path) -> None:
    row = {"channel_id": "4711", "other_ali_id": BUYER, "last_message_content": "hi", "rank": "1"}
    for rows in ({"relation_result": [row]}, [row], {}):
        dump = {RELATIONS: {"result": {"is_success": True, "relation_list": rows}}}
        data = load(write(tmp_path, answers.order_list(), dump))
        assert faults(data) == []
        assert data.frames["messages"].is_empty()


def test_a_message_is_known_since_the_first_dump_and_kept(tmp_path: Path) -> None:
    """Also in a workspace that was filled before messages were read."""
    raw, store = tmp_path / "raw", Workspace(tmp_path / "w")
    write(raw, answers.order_list())
    with store.locked():
        ingest(store, Config(), Progress(), source="aliexpress", raw=raw)
    forget_messages(store.folder / "sources" / "aliexpress")
    write(raw, conversation(message(1)), taken="2024-11-06T0200")
    write(raw, conversation(message(1)), taken="2024-11-09T0200")
    for _ in range(2):
        with store.locked():
            ingest(store, Config(), Progress(), source="aliexpress", raw=raw)
        (row,) = store.read_tables()["messages"].to_dicts()
        assert row["known_at"] == datetime(2024, 11, 6, 2, tzinfo=UTC)


def forget_messages(state: Path) -> None:
    """Make the kept rows look as an earlier version wrote them."""
    from pipeline.workspace.checksums import FILES, read_sealed, sealed
    from pipeline.workspace.workspace import write_json

    current = read_sealed(state / "current.json", "")
    (state / str(current["folder"]) / "messages.parquet").unlink()
    del current[FILES]["messages.parquet"]
    kept = {name: current[name] for name in ("folder", "dumps", FILES)}
    write_json(state / "current.json", sealed(kept))


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Hello, where is my parcel?", "parcel"),
        ("It arrived damaged, see my photos.", "product"),
        ("Когда придёт посылка?", "parcel"),
        ("¿Dónde está mi paquete?", "parcel"),
        ("O produto chegou quebrado", "product"),
        ("La taille ne va pas", "product"),
        ("我的包裹在哪里", "parcel"),
        ("尺寸不对", "product"),
        ("Thank you!", None),
        ("", None),
        (None, None),
    ],
)
def test_the_topic_follows_from_the_words(text: str | None, topic: str | None) -> None:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    assert frame.select(topic_of(pl.col("text"))).item() == topic
