"""Erase forgotten buyers from one answer, or push, of a tracking service.

Of a parcel stay its scans with their times and statuses. Its number is replaced, so that the scans
still find the order; what the carrier wrote, towns and signatures are dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from pipeline.sources.aliexpress.answer_fields import field_text, list_items
from pipeline.sources.erased_ids import NUMBER, PREFIX, ErasedIds
from pipeline.sources.forgotten.kept_fields import SINGLE, kept_fields, single_values
from pipeline.sources.phrases import status_of
from pipeline.sources.tracking.scan_times import country_zone

NUMBERS = ("number", "tracking_number")
# the line's own fields
HEAD = ("fetched_at", "request")
ORDERS = ("order_no", "tag", "param", "order_id", "order_number", "order_ids")
# what `tracking_bodies` reads of a parcel of 17TRACK
EVENT = {
    **single_values("time_utc time_iso stage status sub_status"),
    "time_raw": {SINGLE: True, **single_values("date time timezone")},
    "address": single_values("country"),
}
SEVENTEEN = {
    **single_values("number order_no tag param package_status latest_event_time track_time"),
    "track": {},
    "track_info": {
        "latest_event": EVENT,
        "latest_status": single_values("status sub_status"),
        "tracking": {"providers": {"events": EVENT}},
    },
}
# and of one of AfterShip
POINT = single_values("checkpoint_time created_at tag subtag country_iso3 country_region")
AFTERSHIP = {
    **single_values("tracking_number order_id order_number order_ids"),
    **single_values("last_updated_at updated_at tag subtag"),
    "checkpoints": POINT,
}
Record = dict[str, Any]


class ParcelRecords:
    """`orders`: the ids of the orders of forgotten buyers."""

    def __init__(self, erased: ErasedIds, orders: Collection[str]) -> None:
        self._erased, self._orders = erased, orders

    def erased_answer(self, content: Mapping[str, Any], request: Mapping[str, Any]) -> Record:
        """The answer of a line without forgotten buyers."""
        head = {name: content[name] for name in HEAD if name in content}
        rest = {name: value for name, value in content.items() if name not in HEAD}
        return {**head, **self.erased(rest)}

    def erased(self, node: Any) -> Any:
        """The answer, or a part of it, without forgotten buyers; the same if it has none."""
        if isinstance(node, list):
            return [self.erased(item) for item in node]
        if not isinstance(node, dict):
            return node
        for name in NUMBERS:
            if name in node and (number := self._replacement(node, name)):
                kept = _seventeen(node) if name == "number" else _aftership(node)
                refs = {ref: kept[ref] for ref in ORDERS if kept.get(ref)}
                is_tag = name == "tracking_number"
                lost = {
                    ref: None
                    for ref, text in refs.items()
                    if str(text).strip() not in self._orders and not (is_tag and ref == "tag")
                }
                return {**kept, **lost, name: number}
        return {name: self.erased(value) for name, value in node.items()}

    def _replacement(self, node: Mapping[str, Any], name: str) -> str | None:
        """What replaces the number of a parcel; None if it is of another buyer."""
        text = field_text(node, name) or ""
        number = text.strip().upper()
        if number.startswith(PREFIX.upper()):
            return text
        if other := self._erased.replacement(NUMBER, number):
            return other
        refs = ((field_text(node, ref) or "").strip() for ref in ORDERS)
        order = next((ref for ref in refs if ref in self._orders), "")
        return f"{PREFIX}{order}" if order else None


def _seventeen(body: Mapping[str, Any]) -> Record:
    kept: Record = kept_fields(body, SEVENTEEN)
    info, was = _part(kept, "track_info"), _part(body, "track_info")
    tracking = _part(info, "tracking"), _part(was, "tracking")
    for provider, old in _pairs(*tracking, "providers"):
        for event, words in _pairs(provider, old, "events"):
            _settle(event, words, ("stage", "status"), ("sub_status",))
    if latest := _part(info, "latest_event"):
        status = _part(was, "latest_status")
        stated = {"stage": status.get("status"), "sub_status": status.get("sub_status")}
        whole = {**stated, **_part(was, "latest_event")}
        _settle(latest, whole, ("stage", "status"), ("sub_status",))
    if "package_status" in body:
        _settle(kept, body, ("package_status",), (), "latest_event_info")
    return kept


def _aftership(body: Mapping[str, Any]) -> Record:
    kept: Record = kept_fields(body, AFTERSHIP)
    for point, old in _pairs(kept, body, "checkpoints"):
        _settle(point, old, ("tag",), ("subtag",), "message")
    _settle(kept, body, ("tag",), ("subtag",), "subtag_message")
    return kept


def _settle(
    kept: Record,
    old: Mapping[str, Any],
    status_names: tuple[str, ...],
    sub_names: tuple[str, ...],
    *word_names: str,
) -> None:
    """State the status that only the carrier's words say, and drop a country that says no zone."""
    for holder in (kept, kept.get("address")):
        for name in ("country", "country_iso3", "country_region"):
            if isinstance(holder, dict) and not _is_country(holder.get(name)):
                holder.pop(name, None)
    words = field_text(old, *(word_names or ("description", "description_translation")))
    if words is None or field_text(old, *status_names, *sub_names):
        return
    texts = pl.DataFrame({"words": [words]})
    status, sub_status = texts.select(*_named(*status_of(pl.col("words")))).row(0)
    if status is not None:
        kept[status_names[0]] = sub_status if sub_status and not sub_names else status
        if sub_names:
            kept[sub_names[0]] = sub_status


def _named(status: pl.Expr, sub_status: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    return status.alias("status"), sub_status.alias("sub_status")


def _is_country(value: object) -> bool:
    return isinstance(value, str) and country_zone(value.strip().upper()) is not None


def _part(node: Mapping[str, Any], name: str) -> Record:
    value = node.get(name)
    return value if isinstance(value, dict) else {}


def _pairs(
    kept: Mapping[str, Any], old: Mapping[str, Any], name: str
) -> list[tuple[Record, Record]]:
    """The objects of a list, as they are kept and as they were."""
    both = ([row for row in list_items(node.get(name)) if _is_object(row)] for node in (kept, old))
    return list(zip(*both, strict=False))


def _is_object(value: object) -> bool:
    return isinstance(value, dict)
