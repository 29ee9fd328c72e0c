"""Read lists, numbers and fields of the platform's answers, as far as fetching needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.connections.call_faults import RefusedCall, Unanswered
from pipeline.sources.aliexpress.answer_fields import field_text, list_items

PAGE_SIZE = 50


@dataclass
class SeenRows:
    """The rows on the pages of a list, by their ids. `steady`: those since the platform's count of
    them last changed, because a row that was read before may have left the list and moved another
    one to a page that was read already."""

    every: set[str] = field(default_factory=set)
    steady: set[str] = field(default_factory=set)
    total: int = -1

    def add(self, rows: Iterable[dict[str, Any]], total: int, name: str) -> bool:
        """Add a page and the platform's count on it. `name`: of the id. Returns whether a row is
        seen for the first time."""
        if total != self.total:
            self.steady.clear()
        self.total = total
        keys = {key for row in rows if (key := field_text(row, name))}
        is_new = not keys <= self.every
        self.every |= keys
        self.steady |= keys
        return is_new

    def are_all(self) -> bool:
        """Whether none is missing."""
        return len(self.steady) >= self.total


def result_of(method: str, response: dict[str, Any], name: str = "result") -> dict[str, Any]:
    """The `result` of an answer. Raises `Unanswered` if there is none, and `RefusedCall` if it says
    that it failed: the platform answers with 200 also then."""
    result = response.get(name)
    if not isinstance(result, dict) or not result:
        raise Unanswered(f"{method}: the answer has no {name}")
    for flag in ("success", "is_success", "result_success"):
        if str(result.get(flag)).lower() == "false":
            raise _failure(method, result)
    return result


def _failure(method: str, result: dict[str, Any]) -> RefusedCall | Unanswered:
    parts = (
        result.get(name) for name in ("error_code", "error_message", "error_msg", "error_desc")
    )
    shown = " ".join(str(part)[:100] for part in parts if part not in (None, ""))
    text = f"{method}: {shown or 'failed'}"
    is_trouble = any(word in shown.lower() for word in ("system", "timeout", "busy", "service"))
    return Unanswered(text) if is_trouble else RefusedCall(text)


def items_of(node: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list in any of its forms."""
    return [item for item in list_items(node.get(name)) if isinstance(item, dict)]


def whole_number(node: dict[str, Any], *names: str) -> int | None:
    """The first of the fields that is a number of at least 0."""
    for name in names:
        text = field_text(node, name)
        if text is not None and text.isdecimal() and len(text) < 15:
            return int(text)
    return None


def parcels_of(detail: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Number and service of the parcels in an order's detail."""
    for name in ("logistic_info_list", "logistics_info_list"):
        for parcel in items_of(detail, name):
            number = field_text(parcel, "logistics_no")
            service = field_text(parcel, "logistics_type_code", "logistics_service_name")
            if number or field_text(parcel, "gmt_send"):
                yield {"number": number or "", "service": service or ""}
