"""Convert a record of the Open Platform's answers into rows of text by kind.

An order becomes a row with its lines, parcels and messages, a dispute a row with its steps, a trace
its scans, a message or a rating a row. Values are neither parsed nor judged here, and an absent
field is null.
Field names, with their spellings, are those of the platform's public SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pipeline.sources.aliexpress import answer_names
from pipeline.sources.aliexpress.answer_fields import field_text, list_items
from pipeline.sources.aliexpress.answer_shapes import ListedRecord
from pipeline.sources.aliexpress.order_rows import order_rows
from pipeline.sources.aliexpress.record_columns import (
    DISPUTES,
    MESSAGES,
    NOT_AN_OBJECT,
    REVIEWS,
    SCANS,
    STEPS,
    UNREAD,
    Row,
)

_TRACE_LINE_FIELDS = frozenset(("mail_no", "logistics_no", "detail_node_list"))
# the fields with time, text and title of a scan, in the newer and the older answer
_NODE_FIELDS = ("time_stamp", "tracking_detail_desc", "tracking_name")
_EVENT_FIELDS = ("event_date", "event_desc", "status")


def rows_of(record: ListedRecord) -> Iterator[Row]:
    """Yield the rows of a record; see `record_columns.Row`."""
    if record.kind == answer_names.UNKNOWN:
        yield UNREAD, (), record.value, record.fault
    elif record.kind in (answer_names.SEVENTEEN, answer_names.AFTERSHIP):
        reason = "from a tracking provider; put such files into the subfolder 'tracking'"
        yield UNREAD, (), record.value, reason
    else:
        yield from _READERS[record.kind](record)


def _trace_rows(record: ListedRecord) -> Iterator[Row]:
    """Yield the scans of a trace.

    The older answer has `details` with free text; the newer one has lines of nodes, each with a
    name and a time in milliseconds.
    """
    node, request = record.value, record.request
    if "tracking_detail_line_list" in node:
        for line in list_items(node["tracking_detail_line_list"]):
            if not isinstance(line, dict) or _TRACE_LINE_FIELDS.isdisjoint(line):
                yield SCANS, (), line, "not the trace of a parcel: its fields are unknown"
                continue
            number = field_text(line, "mail_no", "logistics_no") or request.number
            carrier = field_text(line, "carrier_name")
            for event in list_items(line.get("detail_node_list")):
                yield _scan(event, request.order_id, number, carrier, _NODE_FIELDS)
        return
    for event in list_items(node.get("details")):
        yield _scan(event, request.order_id, request.number, None, _EVENT_FIELDS)


def _scan(
    node: Any,
    order_id: str | None,
    number: str | None,
    carrier: str | None,
    names: tuple[str, str, str],
) -> Row:
    if not isinstance(node, dict):
        return SCANS, (), node, NOT_AN_OBJECT
    at, description, title = (field_text(node, name) for name in names)
    words = " / ".join(part for part in (title, description) if part) or None
    request = {"order_id": order_id, "logistics_no": number}
    return SCANS, (order_id, number, at, None, None, words, carrier), {**request, **node}, ""


def _dispute_rows(record: ListedRecord) -> Iterator[Row]:
    """Yield the rows of a dispute from the list of disputes or from a dispute's detail.

    The detail's `id` is not the dispute's number, so line and time of opening identify a dispute.
    """
    node = record.value
    if not isinstance(node, dict):
        yield DISPUTES, (), node, NOT_AN_OBJECT
        return
    line_id, order_id = field_text(node, "order_id"), field_text(node, "parent_order_id")
    opened_at = field_text(node, "gmt_create")
    lists = [name for name in node if name.endswith("_solution_list") or name == "process_dto_list"]
    steps = [step for name in lists for step in list_items(node[name])]
    issue_id = field_text(node, "issue_id") or next(
        (field_text(step, "issue_id") for step in steps if isinstance(step, dict)), None
    )
    process = list_items(node.get("process_dto_list"))
    received = [field_text(step, "receive_goods") for step in process if isinstance(step, dict)]
    yield (
        DISPUTES,
        (
            line_id,
            order_id,
            issue_id,
            opened_at,
            field_text(node, "issue_status"),
            field_text(node, "reason_chinese", "issue_reason"),
            field_text(node, "reason_english"),
            field_text(node, "issue_reason_id"),
            next((answer for answer in reversed(received) if answer), None),
            field_text(node, "gmt_modified"),
        ),
        {key: value for key, value in node.items() if key not in lists},
        "",
    )
    for name in lists:
        for step in list_items(node[name]):
            yield _step(step, name, line_id, order_id, opened_at)


def _step(
    node: Any, name: str, line_id: str | None, order_id: str | None, opened_at: str | None
) -> Row:
    if not isinstance(node, dict):
        return STEPS, (), node, NOT_AN_OBJECT
    is_process = name == "process_dto_list"
    owner = field_text(node, "solution_owner") or name.removesuffix("_solution_list")
    amount = field_text(node, "refund_money_post")
    currency = field_text(node, "refund_money_post_currency")
    if amount is None:
        amount = field_text(node, "refund_money")
        currency = field_text(node, "refund_money_currency")
    return (
        STEPS,
        (
            line_id,
            order_id,
            opened_at,
            field_text(node, "gmt_create"),
            field_text(node, "action_type") if is_process else f"{owner}_solution",
            field_text(node, "submit_member_type") if is_process else owner,
            field_text(node, "status"),
            field_text(node, "reached_type"),
            field_text(node, "solution_type"),
            amount,
            currency,
            field_text(node, "logistics_fee_bear_role"),
        ),
        {"order_id": line_id, "list": name, **node},
        "",
    )


def _message_rows(record: ListedRecord) -> Iterator[Row]:
    """Yield the row of a message of a conversation. Who wrote it follows from the request, which
    has the buyer's number: without it, the sender is unknown and the row is refused."""
    node, request = record.value, record.request
    if not isinstance(node, dict):
        yield MESSAGES, (), node, NOT_AN_OBJECT
        return
    writer, buyer = field_text(node, "sender_ali_id"), request.buyer_number
    sender = None
    if writer is not None and buyer is not None:
        sender = "buyer" if writer == buyer else "seller"
    about = {field_text(node, "message_type"): field_text(node, "extern_id")}
    yield (
        MESSAGES,
        (
            field_text(node, "id"),
            about.get("order"),
            request.channel_id,
            request.buyer_login,
            about.get("product"),
            field_text(node, "gmt_create"),
            sender,
            field_text(node, "content"),
        ),
        {"channel_id": request.channel_id, **node},
        "",
    )


def _review_rows(record: ListedRecord) -> Iterator[Row]:
    """Yield the row of a buyer's rating. The seller sees it once it is effective: both have rated,
    or the time for it is over. Without stars, the buyer has not rated."""
    node = record.value
    if not isinstance(node, dict):
        yield REVIEWS, (), node, NOT_AN_OBJECT
        return
    score = field_text(node, "buyer_evaluation")
    if score is not None:
        line_id = field_text(node, "order_id")
        rated_at = field_text(node, "valid_date", "buyer_fb_date", "gmt_create")
        order_id = field_text(node, "parent_order_id") or line_id
        yield REVIEWS, (order_id, line_id, rated_at, score), node, ""


def _no_rows(record: ListedRecord) -> Iterator[Row]:
    """The list of conversations repeats their last messages; these come with the conversations."""
    yield from ()


_READERS: dict[str, Callable[[ListedRecord], Iterator[Row]]] = {
    answer_names.ORDER: order_rows,
    answer_names.DETAIL: order_rows,
    answer_names.ISSUE: _dispute_rows,
    answer_names.ISSUE_DETAIL: _dispute_rows,
    answer_names.TRACE: _trace_rows,
    answer_names.MESSAGE: _message_rows,
    answer_names.CONVERSATION: _no_rows,
    answer_names.EVALUATION: _review_rows,
}
