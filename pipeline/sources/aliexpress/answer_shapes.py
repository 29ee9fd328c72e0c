"""The shapes that the Open Platform's answers take, and how to read each the same way.

Lists come wrapped (`x_list: {"x_dto": [...]}`) or bare, a list of one as its single item, and an
empty one as `{}`, `""` or null. Which record an object is, is told by the name it stands under or,
on the newer gateway, by its fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline.sources.json_text import JsonRecord

ORDER, DETAIL, ISSUE, ISSUE_DETAIL, TRACE, UNKNOWN = (
    "order",
    "order_detail",
    "issue",
    "issue_detail",
    "trace",
    "unknown",
)
SEVENTEEN, AFTERSHIP = "17track", "aftership"
# put before the text of an object or list that stands where a single value should
NESTED = "\x00"
_NAMED = {
    "order_dto": ORDER,
    "aeop_order_item_dto": ORDER,
    "order_item_dto": ORDER,
    "simple_order_item_vo": ORDER,
    "issue_api_issue_dto": ISSUE,
    "result_object": ISSUE_DETAIL,
}
_BY_LIST = {"target_list": ORDER, "order_list": ORDER, "data_list": ISSUE, "issue_list": ISSUE}
_BY_METHOD = {
    "order_info_get_response": DETAIL,
    "findorderbyid_response": DETAIL,
    "issue_detail_get_response": ISSUE_DETAIL,
}
_BY_FIELD: tuple[tuple[str, frozenset[str]], ...] = (
    (
        ISSUE_DETAIL,
        frozenset(
            ("process_dto_list", "buyer_solution_list", "platform_solution_list", "issue_reason_id")
        ),
    ),
    (ISSUE, frozenset(("reason_chinese", "reason_english"))),
    (ORDER, frozenset(("product_list", "gmt_send_goods_time"))),
    (
        DETAIL,
        frozenset(
            ("child_order_list", "receipt_address", "logistic_info_list", "opr_log_dto_list")
        ),
    ),
    (TRACE, frozenset(("tracking_detail_line_list", "details"))),
    (SEVENTEEN, frozenset(("track_info", "package_status"))),
    (AFTERSHIP, frozenset(("checkpoints", "subtag"))),
)
_ANSWER = ("result", "target", "data")
_REQUEST = ("request", "params", "query")
_TIMES = ("fetched_at", "requested_at", "dumped_at")
_ENDS = (
    "_response",
    "result",
    "results",
    "data",
    "target",
    "body",
    "response",
    "responses",
    "pages",
    "_list",
    "msg",
    "tracking",
    "trackings",
    "accepted",
    "rejected",
    "list",
    "_dto",
)
_PAGING = frozenset(
    (
        "total_count",
        "current_page",
        "page_size",
        "total_page",
        "total_item",
        "success",
        "error_code",
        "error_message",
        "error_msg",
        "time_stamp",
        "request_id",
        "ret",
        "msg",
        "code",
        "result_success",
        "error_desc",
        "sub_code",
        "sub_msg",
        "_trace_id_",
        "type",
        "event",
        "event_id",
        "ts",
        "is_tracking_first_tag",
        "page",
        "page_no",
        "meta",
        "version",
    )
)


@dataclass(frozen=True)
class Request:
    """What was asked for, where an answer does not say it: the order, the tracking number, and
    when."""

    order_id: str | None = None
    number: str | None = None
    fetched_at: str | None = None


@dataclass(frozen=True)
class ListedRecord:
    """A record: what it is, its fields, what was asked for, and why it cannot be read (`UNKNOWN`
    only)."""

    kind: str
    value: Any
    request: Request
    fault: str = ""


def find_records(pieces: Iterator[JsonRecord], request: Request) -> Iterator[ListedRecord]:
    """All records of a file's documents; whatever is none of them, and no paging either, is
    `UNKNOWN`."""
    told = request
    for piece in pieces:
        if piece.fault:
            yield ListedRecord(UNKNOWN, piece.value, told, piece.fault)
        elif piece.path and piece.path[-1] in _REQUEST:
            told = with_request(told, piece.value)
        else:
            if not piece.path:
                told = request
            yield from _walk(piece.value, piece.path, told)


def _walk(node: Any, path: tuple[str, ...], request: Request) -> Iterator[ListedRecord]:
    name = path[-1] if path else ""
    if isinstance(node, str) and node[:1] in ("{", "["):
        node = _parsed(node)
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, (*path, ""), request)
    elif not isinstance(node, dict):
        if not _is_nothing(node, path):
            yield ListedRecord(UNKNOWN, node, request, "neither an object nor a list of them")
    elif "error_response" in node or name == "error_response":
        yield ListedRecord(UNKNOWN, node, request, "the platform answered with an error")
    elif (kind := _kind(node, path)) != UNKNOWN:
        yield ListedRecord(kind, node, request)
    elif not path or _is_wrapper(name, path):
        yield from _open(node, path, request)
    else:
        yield ListedRecord(
            UNKNOWN, node, request, "no order, dispute or tracking that is known by its fields"
        )


def _open(node: dict, path: tuple[str, ...], request: Request) -> Iterator[ListedRecord]:
    """The records in a wrapper; what stands beside them and is not known to say nothing is reported
    too."""
    for name in _REQUEST:
        if isinstance(node.get(name), dict):
            request = with_request(request, node[name])
    request = replace(
        request, fetched_at=next((str(node[n]) for n in _TIMES if node.get(n)), request.fetched_at)
    )
    left = {}
    for name, value in node.items():
        is_inside = isinstance(value, dict | list) or (
            isinstance(value, str) and value[:2] in ('{"', "[{")
        )
        if name in _REQUEST or name in _TIMES:
            continue
        if is_inside and name not in _PAGING or (name == "msg" and isinstance(value, dict)):
            yield from _walk(value, (*path, name), request)
        elif name not in _PAGING and value not in (None, ""):
            left[name] = value
    if left:
        yield ListedRecord(
            UNKNOWN, left, request, "fields beside the records that say of no record"
        )
    if str(node.get("ret")).lower() == "false" or str(node.get("success")).lower() == "false":
        yield ListedRecord(
            UNKNOWN,
            {k: v for k, v in node.items() if k in _PAGING},
            request,
            "the platform found nothing",
        )


def _kind(node: dict, path: tuple[str, ...]) -> str:
    names = [name for name in reversed(path) if name]
    if names and names[0] in _NAMED:
        return _NAMED[names[0]]
    for kind, fields in _BY_FIELD:
        if not fields.isdisjoint(node):
            return kind
    if "issue_status" in node and "issue_id" in node:
        return ISSUE
    if "order_status" in node:
        return ORDER if "order_id" in node else DETAIL
    if path and path[-1] == "" and names and names[0] in _BY_LIST:
        return _BY_LIST[names[0]]
    # the answer about one order or dispute, of which its fields are not known; it may lie in
    # another wrapper
    if (
        names
        and names[0] in _ANSWER
        and not any(isinstance(node.get(name), dict) for name in _ANSWER)
    ):
        method = next((name for name in names if name not in _ANSWER), "")
        return next((kind for end, kind in _BY_METHOD.items() if method.endswith(end)), UNKNOWN)
    if "tag" in node and "tracking_number" in node:
        return AFTERSHIP
    return UNKNOWN


def _is_wrapper(name: str, path: tuple[str, ...]) -> bool:
    return name.endswith(_ENDS) or (name == "" and not any(path))


def _is_nothing(node: Any, path: tuple[str, ...]) -> bool:
    """Null or empty text in place of a wrapper; an item of a list is never nothing."""
    return node in (None, "") and bool(path) and path[-1] != ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def with_request(request: Request, node: Any) -> Request:
    """`request` with what the parameters of a call say."""
    if not isinstance(node, dict):
        return request
    inner: Any = next((node[n] for n in ("query_dto", "param", "query") if node.get(n)), {})
    inner = _parsed(inner) if isinstance(inner, str) else inner
    asked = {**node, **(inner if isinstance(inner, dict) else {})}

    def first(*names: str) -> str | None:
        return next(
            (str(asked[n]) for n in names if isinstance(asked.get(n), str | int) and asked[n]), None
        )

    return Request(
        first("ae_order_id", "out_ref", "order_id", "order_no") or request.order_id,
        first("logistics_no", "tracking_number", "number") or request.number,
        first(*_TIMES) or request.fetched_at,
    )


def items(value: Any) -> list[Any]:
    """The items of a list in any of its shapes. What is none comes as one item, for the checks to
    refuse."""
    if value is None or value == "" or value == {}:
        return []
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = _parsed(value)
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and len(value) == 1:
        ((name, only),) = value.items()
        if isinstance(only, list) or name.endswith(
            ("_dto", "_vo", "details", "_node", "_detail", "_item")
        ):
            return items(only)
    return [value]


def text(node: Any, *names: str) -> str | None:
    """The first of the fields that says something, as text."""
    for name in names:
        value = node.get(name)
        if value is None or value == "" or value == {} or value == []:
            continue
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        return (
            NESTED + json.dumps(value, ensure_ascii=False)
            if isinstance(value, dict | list)
            else str(value)
        )
    return None


_MONEY_TEXT = re.compile(
    r"^\s*(?:US\s?\$|\$|(?P<before>[A-Z]{3}))?\s*(?P<amount>-?[\d.,]+)\s*(?P<after>[A-Z]{3})?\s*$"
)


def money(node: Any, *names: str) -> tuple[str | None, str | None]:
    """(amount, currency) of the first field that says something; a bare number has no currency."""
    for name in names:
        value = node.get(name)
        if isinstance(value, dict) and value:
            amount = text(value, "amount", "amount_str", "value")
            if amount is None:
                return NESTED + json.dumps(value, ensure_ascii=False), None
            return amount, text(value, "currency_code", "currency")
        found = text(node, name)
        if found is not None:
            match = _MONEY_TEXT.match(found)
            return (match["amount"], match["before"] or match["after"]) if match else (found, None)
    return None, None
