"""Find the records in the Open Platform's answers, whatever their shape.

A list comes wrapped (`x_list: {"x_dto": [...]}`) or bare, a list of one item as that item, and an
empty list as `{}`, `""` or null. The name of its field shows what kind of record an object is; on
the newer gateway, the fields of the object do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline.sources.aliexpress.answer_fields import parse_json
from pipeline.sources.aliexpress.answer_names import (
    AFTERSHIP,
    ANSWER_NAMES,
    DETAIL,
    EMPTY_ANSWER,
    ISSUE,
    KIND_BY_FIELD,
    KIND_BY_LIST,
    KIND_BY_METHOD,
    KIND_BY_NAME,
    ORDER,
    PAGING_NAMES,
    REQUEST_NAMES,
    TIME_NAMES,
    UNKNOWN,
    WRAPPER_ENDS,
)
from pipeline.sources.json_text import JsonRecord


@dataclass(frozen=True)
class Request:
    """What the call asked for, if the answer does not contain it: order, tracking number, time; of
    a conversation also the channel, and the buyer's number and login."""

    order_id: str | None = None
    number: str | None = None
    fetched_at: str | None = None
    channel_id: str | None = None
    buyer_number: str | None = None
    buyer_login: str | None = None


@dataclass(frozen=True)
class ListedRecord:
    """A record: its kind, its fields, the request, and for `UNKNOWN` why it cannot be read."""

    kind: str
    value: Any
    request: Request
    fault: str = ""


def find_records(pieces: Iterator[JsonRecord], request: Request) -> Iterator[ListedRecord]:
    """Yield all records of a file's documents.

    Anything that is neither a record nor a field of paging is yielded as `UNKNOWN`.
    """
    current = request
    for piece in pieces:
        if piece.fault:
            yield ListedRecord(UNKNOWN, piece.value, current, piece.fault)
        elif piece.path and piece.path[-1] in REQUEST_NAMES:
            current = with_request(current, piece.value)
        else:
            if not piece.path:
                current = request
            yield from _walk(piece.value, piece.path, current)


def _walk(node: Any, path: tuple[str, ...], request: Request) -> Iterator[ListedRecord]:
    name = path[-1] if path else ""
    if isinstance(node, str) and node[:1] in ("{", "["):
        node = parse_json(node)
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, (*path, ""), request)
    elif not isinstance(node, dict):
        if not _is_empty(node, path):
            yield ListedRecord(UNKNOWN, node, request, "neither an object nor a list of objects")
    elif "error_response" in node or name == "error_response":
        yield ListedRecord(UNKNOWN, node, request, "the platform answered with an error")
    elif (kind := _kind(node, path)) != UNKNOWN:
        yield ListedRecord(kind, node, request)
    elif not path or _is_wrapper(name, path):
        yield from _open(node, path, request)
    else:
        yield ListedRecord(
            UNKNOWN, node, request, "no order, dispute or tracking record has such fields"
        )


def _open(node: dict[str, Any], path: tuple[str, ...], request: Request) -> Iterator[ListedRecord]:
    """Yield the records in a wrapper, and report its other fields unless they are about paging."""
    for name in REQUEST_NAMES:
        if isinstance(node.get(name), dict):
            request = with_request(request, node[name])
    fetched_at = next((str(node[n]) for n in TIME_NAMES if node.get(n)), request.fetched_at)
    request = replace(request, fetched_at=fetched_at)
    rest = {}
    for name, value in node.items():
        is_container = isinstance(value, dict | list) or (
            isinstance(value, str) and value[:2] in ('{"', "[{")
        )
        if name in REQUEST_NAMES or name in TIME_NAMES:
            continue
        if is_container and name not in PAGING_NAMES or (name == "msg" and isinstance(value, dict)):
            yield from _walk(value, (*path, name), request)
        elif name not in PAGING_NAMES and value not in (None, ""):
            rest[name] = value
    if rest:
        yield ListedRecord(
            UNKNOWN, rest, request, "fields next to the records that belong to no record"
        )
    if str(node.get("ret")).lower() == "false" or str(node.get("success")).lower() == "false":
        paging = {name: value for name, value in node.items() if name in PAGING_NAMES}
        yield ListedRecord(UNKNOWN, paging, request, EMPTY_ANSWER)


def _kind(node: dict[str, Any], path: tuple[str, ...]) -> str:
    names = [name for name in reversed(path) if name]
    if names and names[0] in KIND_BY_NAME:
        return KIND_BY_NAME[names[0]]
    for kind, fields in KIND_BY_FIELD:
        if not fields.isdisjoint(node):
            return kind
    if "issue_status" in node and "issue_id" in node:
        return ISSUE
    if "order_status" in node:
        return ORDER if "order_id" in node else DETAIL
    if path and path[-1] == "" and names and names[0] in KIND_BY_LIST:
        return KIND_BY_LIST[names[0]]
    # the answer about one order or dispute whose fields are unknown; it may be in another wrapper
    if (
        names
        and names[0] in ANSWER_NAMES
        and not any(isinstance(node.get(name), dict) for name in ANSWER_NAMES)
    ):
        method = next((name for name in names if name not in ANSWER_NAMES), "")
        return next((kind for end, kind in KIND_BY_METHOD.items() if method.endswith(end)), UNKNOWN)
    if "tag" in node and "tracking_number" in node:
        return AFTERSHIP
    return UNKNOWN


def _is_wrapper(name: str, path: tuple[str, ...]) -> bool:
    return name.endswith(WRAPPER_ENDS) or (name == "" and not any(path))


def _is_empty(node: Any, path: tuple[str, ...]) -> bool:
    """Whether the node is null or empty text in place of a wrapper; items of lists never are."""
    return node in (None, "") and bool(path) and path[-1] != ""


def with_request(request: Request, node: Any) -> Request:
    """Return `request` with the parameters of a call."""
    if not isinstance(node, dict):
        return request
    inner: Any = next((node[n] for n in ("query_dto", "param", "query") if node.get(n)), {})
    inner = parse_json(inner) if isinstance(inner, str) else inner
    parameters = {**node, **(inner if isinstance(inner, dict) else {})}

    def first(*names: str) -> str | None:
        values = (parameters.get(name) for name in names)
        return next(
            (str(value) for value in values if value and isinstance(value, str | int)), None
        )

    return Request(
        first("ae_order_id", "out_ref", "order_id", "order_no") or request.order_id,
        first("logistics_no", "tracking_number", "number") or request.number,
        first(*TIME_NAMES) or request.fetched_at,
        first("channel_id") or request.channel_id,
        first("other_ali_id") or request.buyer_number,
        first("other_login_id") or request.buyer_login,
    )
