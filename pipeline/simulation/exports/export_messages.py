"""The messages of a simulated store as answers of the Open Platform: the list of conversations, one
per buyer, and the messages of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.simulation.exports.export_files import Answer, read_raw, utc, write_lines
from pipeline.simulation.exports.export_ids import MESSAGE, NO_LINE, ORDER, PERSON, number

RELATIONS = "aliexpress_message_redefining_versiontwo_querymsgrelationlist_response"
MESSAGES = "aliexpress_message_redefining_versiontwo_querymsgdetaillist_response"
PAGE = 100
SELLER = PERSON * 10**14 + NO_LINE


def write_messages_dumps(raw: Path, folder: Path, taken: str) -> None:
    """Write the list of conversations, and their messages with the newest first."""
    conversations = _conversations(raw)
    write_lines(folder / f"conversations-{taken}.jsonl", _lists(conversations))
    answers = (answer for row in conversations for answer in _messages(row))
    write_lines(folder / f"messages-{taken}.jsonl", answers)


def _conversations(raw: Path) -> list[Answer]:
    """One row per buyer who wrote or was written to, with the messages, the newest first."""
    buyers = read_raw(raw, "orders").select("order_id", "buyer_id")
    messages = read_raw(raw, "messages").sort("known_at", "message_id").with_row_index("nth", 1)
    message = pl.struct(
        "sender",
        "text",
        id=MESSAGE * 10**14 + pl.col("nth").cast(pl.Int64) * 10 + NO_LINE,
        order=number(ORDER, "order_id"),
        at=utc("occurred_at").dt.epoch("ms"),
    )
    of_buyers = messages.join(buyers, on="order_id", how="left", maintain_order="left").reverse()
    grouped = of_buyers.group_by("buyer_id", maintain_order=True).agg(messages=message)
    person = pl.col("buyer_id").str.extract(r"(\d+)").cast(pl.Int64) * 10
    return grouped.with_columns(person=PERSON * 10**14 + person + 1).to_dicts()


def _lists(conversations: list[Answer]) -> Iterator[Answer]:
    """`aliexpress.message.redefining.versiontwo.querymsgrelationlist`."""
    for start in range(0, max(len(conversations), 1), PAGE):
        rows = [_relation(row) for row in conversations[start : start + PAGE]]
        listed = {"relation_result": rows} if rows else {}
        yield {RELATIONS: {"result": {"is_success": True, "relation_list": listed}}}


def _relation(row: Answer) -> Answer:
    last = row["messages"][0]
    return {
        "channel_id": str(row["person"]),
        "other_ali_id": row["person"],
        "other_login_id": row["buyer_id"],
        "last_message_id": last["id"],
        "last_message_content": last["text"],
        "last_message_is_own": last["sender"] == "seller",
        "message_time": last["at"],
        "read_stat": "1",
        "unread_count": 0,
    }


def _messages(row: Answer) -> Iterator[Answer]:
    """`aliexpress.message.redefining.versiontwo.querymsgdetaillist`. The request says who is the
    buyer."""
    for page, start in enumerate(range(0, len(row["messages"]), PAGE), 1):
        rows = [
            {
                "id": message["id"],
                "gmt_create": message["at"],
                "message_type": "order",
                "extern_id": message["order"],
                "sender_ali_id": row["person"] if message["sender"] == "buyer" else SELLER,
                "sender_name": row["buyer_id"] if message["sender"] == "buyer" else "seller",
                "content": message["text"],
            }
            for message in row["messages"][start : start + PAGE]
        ]
        request = {
            "channel_id": str(row["person"]),
            "current_page": page,
            "page_size": PAGE,
            "other_ali_id": row["person"],
            "other_login_id": row["buyer_id"],
        }
        result = {"is_success": True, "message_detail_list": {"message_detail": rows}}
        yield {"request": request, MESSAGES: {"result": result}}
