"""Find the scans in the bodies of 17TRACK and AfterShip.

A scan is a row of text; values are not parsed here. Anything else is reported with a reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.sources.aliexpress.answer_fields import field_text, list_items
from pipeline.sources.tracking.scan_times import event_time, zone_if_needed

COLUMNS = (
    "number",
    "order_ref",
    "scanned_at",
    "status_text",
    "sub_status_text",
    "words",
    "carrier",
    "seen_at",
    # the zone of a time without an offset, if the record tells it
    "zone",
    # where it was scanned, in the carrier's words
    "location",
)
NO_SCAN = "no 17TRACK or AfterShip record has such fields"
# levels of lists and wrappers that are opened
_MAX_DEPTH = 12


@dataclass(frozen=True)
class Scan:
    """The texts by `COLUMNS`, the source's record, and why it cannot be read."""

    texts: tuple[str | None, ...]
    record: Any
    fault: str = ""


def scans_of(body: Any, depth: int = 0) -> Iterator[Scan]:
    """Yield all scans of a body: a webhook, an answer of the interface, or a list of these."""
    if isinstance(body, list):
        for item in body:
            yield from scans_of(item, depth + 1)
    elif not isinstance(body, dict) or depth > _MAX_DEPTH:
        yield _unread(body)
    elif "track_info" in body or (
        "number" in body and ("package_status" in body or "track" in body)
    ):
        yield from _seventeen(body)
    elif "tracking_number" in body or "checkpoints" in body:
        yield from _aftership(body, None)
    elif isinstance(body.get("msg"), dict):
        yield from _aftership(body["msg"], field_text(body, "ts"))
    else:
        yield from _opened(body, depth)


def _opened(body: dict[str, Any], depth: int) -> Iterator[Scan]:
    """Yield the records in a wrapper; numbers that the provider rejected have no scans."""
    inner = [
        body[name]
        for name in ("data", "accepted", "trackings", "tracking", "payload", "list")
        if body.get(name)
    ]
    rejected = body.get("rejected")
    if body.get("event") == "TRACKING_STOPPED" and "track_info" not in _part(body, "data"):
        # says only that 17TRACK no longer asks the carrier
        return
    if not inner and not rejected:
        # these fields alone are an empty answer
        if not {"code", "meta", "data", "page", "count", "event"} & body.keys():
            yield _unread(body)
        return
    for value in inner:
        yield from scans_of(value, depth + 1)


def _unread(record: Any) -> Scan:
    return Scan((None,) * len(COLUMNS), record, NO_SCAN)


def _part(node: Any, *names: str) -> dict[str, Any]:
    for name in names:
        node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _seventeen(body: dict[str, Any]) -> Iterator[Scan]:
    number, order = field_text(body, "number"), field_text(body, "order_no", "tag", "param")
    track = _part(body, "track_info")
    has_event = False
    for provider in list_items(_part(track, "tracking").get("providers")):
        carrier = field_text(_part(provider, "provider"), "name")
        for event in list_items(provider.get("events")) if isinstance(provider, dict) else []:
            has_event = True
            yield _event(event, number, order, carrier)
    latest = _part(track, "latest_event")
    status = _part(track, "latest_status")
    if not has_event and latest:
        latest = {
            "stage": field_text(status, "status"),
            "sub_status": field_text(status, "sub_status"),
            **latest,
        }
        has_event = True
        yield _event(latest, number, order, None)
    if not has_event and "package_status" in body:
        at = field_text(body, "latest_event_time", "track_time")
        yield Scan(
            (
                number,
                order,
                at,
                field_text(body, "package_status"),
                None,
                field_text(body, "latest_event_info"),
                field_text(body, "carrier"),
                None,
                None,
                None,
            ),
            body,
        )
    elif not has_event and not status:
        yield Scan(
            (number, order) + (None,) * (len(COLUMNS) - 2), body, "a parcel without any event"
        )


def _event(event: Any, number: str | None, order: str | None, carrier: str | None) -> Scan:
    if not isinstance(event, dict):
        return _unread({"number": number, "event": event})
    at, zone = event_time(event)
    status, sub_status = field_text(event, "stage", "status"), field_text(event, "sub_status")
    words = field_text(event, "description", "description_translation")
    return Scan(
        (number, order, at, status, sub_status, words, carrier, None, zone, _location(event)),
        {"number": number, **event},
    )


def _aftership(body: dict[str, Any], seen: str | None) -> Iterator[Scan]:
    number = field_text(body, "tracking_number")
    order = field_text(body, "order_id", "order_number", "order_ids")
    carrier = field_text(body, "slug")
    points = list_items(body.get("checkpoints"))
    for point in points:
        if not isinstance(point, dict):
            yield _unread({"tracking_number": number, "checkpoint": point})
            continue
        at = field_text(point, "checkpoint_time", "created_at")
        yield Scan(
            (
                number,
                order,
                at,
                field_text(point, "tag"),
                field_text(point, "subtag"),
                field_text(point, "message"),
                field_text(point, "slug") or carrier,
                seen,
                zone_if_needed(at, field_text(point, "country_iso3", "country_region")),
                _location(point),
            ),
            {"tracking_number": number, **point},
        )
    if not points:
        at = field_text(body, "last_updated_at", "updated_at")
        yield Scan(
            (
                number,
                order,
                at,
                field_text(body, "tag"),
                field_text(body, "subtag"),
                field_text(body, "subtag_message"),
                carrier,
                seen,
                None,
                None,
            ),
            body,
        )


def _location(event: dict[str, Any]) -> str | None:
    """The location in the carrier's words, or else city and country."""
    if stated := field_text(event, "location"):
        return stated
    parts = event.get("address") if isinstance(event.get("address"), dict) else event
    names = [field_text(parts, "city"), field_text(parts, "country", "country_region")]
    return ", ".join(name for name in names if name) or None
