"""From a record of an answer to rows of text: an order with its lines and parcels, a dispute with
its steps, scans.

Nothing is converted here and nothing is judged; a field that is not there is null. Field names,
with their spellings, are those of the public SDK of the Open Platform.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pipeline.sources.aliexpress import answer_shapes
from pipeline.sources.aliexpress.answer_shapes import ListedRecord, items, money, text

ORDERS, LINES, PARCELS, SCANS, DISPUTES, STEPS, UNREAD = (
    "orders",
    "order_lines",
    "parcels",
    "tracking",
    "disputes",
    "dispute_steps",
    "unread",
)
COLUMNS: dict[str, tuple[str, ...]] = {
    ORDERS: (
        "order_id",
        "placed_at",
        "buyer_id",
        "store_id",
        "country",
        "service",
        "total",
        "currency",
        "shipping",
        "status",
        "end_reason",
        "issue_status",
        "paid_at",
        "sent_at",
        "ended_at",
        "updated_at",
    ),
    LINES: (
        "order_id",
        "line_id",
        "product_id",
        "title",
        "quantity",
        "unit_price",
        "line_total",
        "shipping",
        "currency",
        "prepare_days",
        "commit_days",
        "sent_at",
        "service",
        "issue_status",
    ),
    PARCELS: ("order_id", "number", "service", "sent_at", "received_at"),
    SCANS: ("order_id", "number", "scanned_at", "status", "sub_status", "words", "carrier"),
    DISPUTES: (
        "line_id",
        "order_id",
        "issue_id",
        "opened_at",
        "status",
        "reason",
        "reason_english",
        "reason_id",
        "goods_received",
        "updated_at",
    ),
    STEPS: (
        "line_id",
        "order_id",
        "opened_at",
        "stepped_at",
        "action",
        "actor",
        "status",
        "reached_type",
        "solution",
        "amount",
        "currency",
        "freight_by",
    ),
    UNREAD: (),
}
Row = tuple[str, tuple[str | None, ...], Any, str]
NOT_AN_OBJECT = "not an object with fields"


def rows_of(found: ListedRecord) -> Iterator[Row]:
    """(kind, texts by `COLUMNS`, the source's record, why it cannot be read)."""
    if found.kind == answer_shapes.UNKNOWN:
        yield UNREAD, (), found.value, found.fault
        return
    if found.kind in (answer_shapes.SEVENTEEN, answer_shapes.AFTERSHIP):
        yield (
            UNREAD,
            (),
            found.value,
            "of a tracking provider: put such files into the folder 'tracking' inside",
        )
        return
    yield from _READERS[found.kind](found)


def _order(found: ListedRecord) -> Iterator[Row]:
    node = found.value
    if not isinstance(node, dict):
        yield ORDERS, (), node, NOT_AN_OBJECT
        return
    order_id = text(node, "order_id", "id")
    buyer, address = _part(node, "buyer_info"), _part(node, "receipt_address")
    total, currency = money(node, "pay_amount", "order_amount", "init_oder_amount")
    shipping, _ = money(node, "logistics_amount")
    lines = items(node.get("product_list")) or items(node.get("child_order_list"))
    services = [
        text(line, "logistics_service_name", "logistics_type")
        for line in lines
        if isinstance(line, dict)
    ]
    head = {key: value for key, value in node.items() if key not in _INNER}
    yield (
        ORDERS,
        (
            order_id,
            text(node, "gmt_create"),
            text(node, "buyer_login_id", "buyerloginid")
            or text(buyer, "login_id", "buyer_login_id"),
            text(node, "seller_login_id", "seller_operator_login_id"),
            text(address, "country", "country_code") or text(buyer, "country"),
            next((service for service in services if service), None)
            or text(node, "logistics_service_name"),
            total,
            currency,
            shipping,
            text(node, "order_status"),
            text(node, "end_reason", "order_end_reason"),
            text(node, "issue_status"),
            text(node, "gmt_pay_time", "gmt_pay_success"),
            text(node, "gmt_send_goods_time"),
            text(node, "gmt_trade_end"),
            text(node, "gmt_update", "gmt_modified"),
        ),
        head,
        "",
    )
    for line in lines:
        yield _line(line, order_id, currency)
    for parcel in items(node.get("logistic_info_list")) + items(node.get("logistics_info_list")):
        yield _parcel(parcel, order_id)


_INNER = ("product_list", "child_order_list", "logistic_info_list", "logistics_info_list")


def _part(node: dict, name: str) -> dict:
    value = node.get(name)
    return value if isinstance(value, dict) else {}


def _line(node: Any, order_id: str | None, order_currency: str | None) -> Row:
    if not isinstance(node, dict):
        return LINES, (), node, NOT_AN_OBJECT
    price, currency = money(node, "product_unit_price", "product_price")
    total, total_currency = money(node, "total_product_amount", "init_order_amt")
    shipping, _ = money(node, "logistics_amount")
    return (
        LINES,
        (
            # the line's own field holds the order's number in some answers and the child's in
            # others
            order_id or text(node, "order_id", "parent_order_id"),
            text(node, "child_id", "child_order_id", "id"),
            text(node, "product_id"),
            text(node, "product_name"),
            text(node, "product_count"),
            price,
            total,
            shipping,
            currency or total_currency or order_currency,
            text(node, "goods_prepare_time"),
            text(node, "freight_commit_day"),
            text(node, "send_goods_time"),
            text(node, "logistics_service_name", "logistics_type"),
            text(node, "issue_status"),
        ),
        {"order_id": order_id, **node},
        "",
    )


_OF_A_PARCEL = frozenset(
    ("logistics_no", "gmt_send", "gmt_received", "logistics_service_name", "logistics_type_code")
)
_OF_A_WAY = frozenset(("mail_no", "logistics_no", "detail_node_list"))


def _parcel(node: Any, order_id: str | None) -> Row:
    if not isinstance(node, dict) or _OF_A_PARCEL.isdisjoint(node):
        return PARCELS, (), node, "not a parcel by its fields"
    return (
        PARCELS,
        (
            order_id,
            text(node, "logistics_no"),
            text(node, "logistics_service_name", "logistics_type_code"),
            text(node, "gmt_send"),
            text(node, "gmt_received"),
        ),
        {"order_id": order_id, **node},
        "",
    )


def _trace(found: ListedRecord) -> Iterator[Row]:
    """Both generations: `details` of free text, and lines of nodes with a name and a stamp in
    milliseconds."""
    node, request = found.value, found.request
    if "tracking_detail_line_list" in node:
        for line in items(node["tracking_detail_line_list"]):
            if not isinstance(line, dict) or _OF_A_WAY.isdisjoint(line):
                yield SCANS, (), line, "not a parcel's way by its fields"
                continue
            number = text(line, "mail_no", "logistics_no") or request.number
            for event in items(line.get("detail_node_list")):
                yield _scan(event, request.order_id, number, text(line, "carrier_name"), _NODE)
        return
    for event in items(node.get("details")):
        yield _scan(event, request.order_id, request.number, None, _EVENT)


_NODE = ("time_stamp", "tracking_detail_desc", "tracking_name")
_EVENT = ("event_date", "event_desc", "status")


def _scan(
    node: Any,
    order_id: str | None,
    number: str | None,
    carrier: str | None,
    names: tuple[str, str, str],
) -> Row:
    if not isinstance(node, dict):
        return SCANS, (), node, NOT_AN_OBJECT
    at, words, title = (text(node, name) for name in names)
    told = " / ".join(part for part in (title, words) if part) or None
    beside = {"order_id": order_id, "logistics_no": number}
    return SCANS, (order_id, number, at, None, None, told, carrier), {**beside, **node}, ""


def _dispute(found: ListedRecord) -> Iterator[Row]:
    """A row of the list, or the detail: its `id` is not the dispute's number, so both are joined by
    line and time."""
    node = found.value
    if not isinstance(node, dict):
        yield DISPUTES, (), node, NOT_AN_OBJECT
        return
    line_id, order_id = text(node, "order_id"), text(node, "parent_order_id")
    opened_at = text(node, "gmt_create")
    lists = [name for name in node if name.endswith("_solution_list") or name == "process_dto_list"]
    inner = [step for name in lists for step in items(node[name])]
    issue_id = text(node, "issue_id") or next(
        (text(s, "issue_id") for s in inner if isinstance(s, dict)), None
    )
    head = {key: value for key, value in node.items() if key not in lists}
    process = items(node.get("process_dto_list"))
    received = [text(step, "receive_goods") for step in process if isinstance(step, dict)]
    yield (
        DISPUTES,
        (
            line_id,
            order_id,
            issue_id,
            opened_at,
            text(node, "issue_status"),
            text(node, "reason_chinese", "issue_reason"),
            text(node, "reason_english"),
            text(node, "issue_reason_id"),
            next((told for told in reversed(received) if told), None),
            text(node, "gmt_modified"),
        ),
        head,
        "",
    )
    for name in lists:
        for step in items(node[name]):
            yield _step(step, name, line_id, order_id, opened_at)


def _step(
    node: Any, name: str, line_id: str | None, order_id: str | None, opened_at: str | None
) -> Row:
    if not isinstance(node, dict):
        return STEPS, (), node, NOT_AN_OBJECT
    is_process = name == "process_dto_list"
    owner = text(node, "solution_owner") or name.removesuffix("_solution_list")
    amount, currency = text(node, "refund_money_post"), text(node, "refund_money_post_currency")
    if amount is None:
        amount, currency = text(node, "refund_money"), text(node, "refund_money_currency")
    return (
        STEPS,
        (
            line_id,
            order_id,
            opened_at,
            text(node, "gmt_create"),
            text(node, "action_type") if is_process else f"{owner}_solution",
            text(node, "submit_member_type") if is_process else owner,
            text(node, "status"),
            text(node, "reached_type"),
            text(node, "solution_type"),
            amount,
            currency,
            text(node, "logistics_fee_bear_role"),
        ),
        {"order_id": line_id, "list": name, **node},
        "",
    )


_READERS: dict[str, Callable[[ListedRecord], Iterator[Row]]] = {
    answer_shapes.ORDER: _order,
    answer_shapes.DETAIL: _order,
    answer_shapes.ISSUE: _dispute,
    answer_shapes.ISSUE_DETAIL: _dispute,
    answer_shapes.TRACE: _trace,
}
