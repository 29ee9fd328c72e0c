"""Scans out of what tracking providers send or export: the bodies of 17TRACK and AfterShip, and
sheets of either.

Nothing is converted here: a scan is a row of text; what is none is told with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.sources.aliexpress.answer_shapes import items, text
from pipeline.sources.csv_text import ROW
from pipeline.sources.mapped.column_profile import plain

COLUMNS = ("number", "order_ref", "scanned_at", "told", "told_sub", "words", "carrier", "seen_at")
# what a sheet's columns may be called; an assumption, made from the names of the fields of the
# interfaces
SHEET: Mapping[str, tuple[str, ...]] = {
    "number": (
        "number",
        "tracking number",
        "tracking no",
        "waybill number",
        "单号",
        "运单号",
        "物流单号",
    ),
    "order_ref": ("order no", "order number", "order id", "order ids", "订单号", "订单编号"),
    "scanned_at": (
        "latest event time",
        "track time",
        "checkpoint time",
        "last checkpoint time",
        "event time",
        "last updated at",
        "last update",
        "latest event date",
        "最新事件时间",
        "最新轨迹时间",
        "更新时间",
    ),
    "told": (
        "package status",
        "status",
        "tag",
        "current status",
        "main status",
        "包裹状态",
        "物流状态",
    ),
    "told_sub": ("sub status", "subtag", "sub tag", "subtag message", "子状态"),
    "words": (
        "latest event info",
        "latest event",
        "last checkpoint",
        "message",
        "event",
        "最新事件",
        "最新轨迹",
    ),
    "carrier": ("carrier", "courier", "slug", "courier slug", "carrier name", "运输商", "物流商"),
}
NO_SCAN = "no 17TRACK or AfterShip record that is known by its fields"
_DEEP = 12


@dataclass(frozen=True)
class Scan:
    """The texts by `COLUMNS`, the source's record, and why it cannot be read."""

    texts: tuple[str | None, ...]
    record: Any
    fault: str = ""


def scans_of(body: Any, deep: int = 0) -> Iterator[Scan]:
    """All scans of a body: a webhook, an answer of the interface, a list of such."""
    if isinstance(body, list):
        for each in body:
            yield from scans_of(each, deep + 1)
    elif not isinstance(body, dict) or deep > _DEEP:
        yield _unread(body)
    elif "track_info" in body or (
        "number" in body and ("package_status" in body or "track" in body)
    ):
        yield from _seventeen(body)
    elif "tracking_number" in body or "checkpoints" in body:
        yield from _aftership(body, None)
    elif isinstance(body.get("msg"), dict):
        yield from _aftership(body["msg"], text(body, "ts"))
    else:
        yield from _opened(body, deep)


def _opened(body: dict, deep: int) -> Iterator[Scan]:
    """The records in a wrapper; of what the provider rejected there is no news."""
    inner = [
        body[name]
        for name in ("data", "accepted", "trackings", "tracking", "payload", "list")
        if body.get(name)
    ]
    refused = body.get("rejected")
    if not inner and not refused:
        # an answer about nothing, as the interfaces give it
        if not {"code", "meta", "data", "page", "count", "event"} & body.keys():
            yield _unread(body)
        return
    for each in inner:
        yield from scans_of(each, deep + 1)


def _unread(record: Any) -> Scan:
    return Scan((None,) * len(COLUMNS), record, NO_SCAN)


def _part(node: Any, *names: str) -> dict:
    for name in names:
        node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _seventeen(body: dict) -> Iterator[Scan]:
    number, order = text(body, "number"), text(body, "order_no", "tag", "param")
    track = _part(body, "track_info")
    found = False
    for provider in items(_part(track, "tracking").get("providers")):
        carrier = text(_part(provider, "provider"), "name")
        for event in items(provider.get("events")) if isinstance(provider, dict) else []:
            found = True
            yield _event(event, number, order, carrier)
    latest = _part(track, "latest_event")
    status = _part(track, "latest_status")
    if not found and latest:
        latest = {
            "stage": text(status, "status"),
            "sub_status": text(status, "sub_status"),
            **latest,
        }
        found = True
        yield _event(latest, number, order, None)
    if not found and "package_status" in body:
        at = text(body, "latest_event_time", "track_time")
        yield Scan(
            (
                number,
                order,
                at,
                text(body, "package_status"),
                None,
                text(body, "latest_event_info"),
                text(body, "carrier"),
                None,
            ),
            body,
        )
    elif not found and not status:
        yield Scan(
            (number, order) + (None,) * (len(COLUMNS) - 2), body, "a parcel without any event"
        )


def _event(event: Any, number: str | None, order: str | None, carrier: str | None) -> Scan:
    if not isinstance(event, dict):
        return _unread({"number": number, "event": event})
    at = text(event, "time_utc", "time_iso", "time_raw")
    told = (text(event, "sub_status"), text(event, "stage", "status"))
    words = text(event, "description", "description_translation")
    return Scan(
        (number, order, at, told[1], told[0], words, carrier, None), {"number": number, **event}
    )


def _aftership(body: dict, seen: str | None) -> Iterator[Scan]:
    number = text(body, "tracking_number")
    order = text(body, "order_id", "order_number", "order_ids")
    carrier = text(body, "slug")
    points = items(body.get("checkpoints"))
    for point in points:
        if not isinstance(point, dict):
            yield _unread({"tracking_number": number, "checkpoint": point})
            continue
        yield Scan(
            (
                number,
                order,
                text(point, "checkpoint_time", "created_at"),
                text(point, "tag"),
                text(point, "subtag"),
                text(point, "message"),
                text(point, "slug") or carrier,
                seen,
            ),
            {"tracking_number": number, **point},
        )
    if not points:
        at = text(body, "last_updated_at", "updated_at")
        yield Scan(
            (
                number,
                order,
                at,
                text(body, "tag"),
                text(body, "subtag"),
                text(body, "subtag_message"),
                carrier,
                seen,
            ),
            body,
        )


def scans_of_table(table: pl.DataFrame) -> Iterator[tuple[int, Scan]]:
    """Each row of a sheet: (row, scan)."""
    named = {plain(column): column for column in table.columns[1:]}
    chosen = {
        ours: next((named[name] for name in names if name in named), None)
        for ours, names in SHEET.items()
    }
    is_sheet = chosen["number"] is not None and (chosen["told"] or chosen["words"])
    for row in table.iter_rows(named=True):
        place = row.pop(ROW)
        if not is_sheet:
            yield (
                place,
                Scan((None,) * len(COLUMNS), row, "a sheet without a tracking number and a status"),
            )
            continue
        texts = [row[column] if (column := chosen.get(name)) else None for name in COLUMNS]
        yield place, Scan(tuple(texts), row)
