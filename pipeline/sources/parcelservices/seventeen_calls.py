"""The API of 17TRACK, v2.2 and v2.4.

A registration costs one quota; asking, and following a parcel to its end, costs nothing [17Q]. So
parcels are never stopped: a stopped parcel can be followed again only once, and 17TRACK stops by
itself. Codes: [17E]. docs/guide/operator/pull-tracking.md lists the sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.connections.call_faults import ForbiddenCall, RefusedCall, Throttled, Unanswered
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.web_client import WebAnswer, WebClient
from pipeline.output.safe_text import one_line
from pipeline.settings.delivery.tracking_settings import SeventeenTrack
from pipeline.sources.parcelservices.parcel_service import (
    AskedAnswer,
    FollowedParcel,
    RegisteredParcels,
    ServiceCalls,
    items_of,
    number_of,
    part_of,
)

ALREADY, UNREGISTERED, NO_INFO = -18019901, -18019902, -18019909
DAILY_LIMIT, QUOTA_USED = -18019907, -18019908
# address not in the white list, wrong key, account disabled, no authority
FORBIDDEN = (-18010001, -18010002, -18010004, -18010005)
BUSY = (-18010003,)
LONGEST_TEXT = 200
BATCH = 40


class SeventeenCalls(ServiceCalls):
    """One account of 17TRACK: a `ParcelService`."""

    service = "seventeentrack"
    most_registered = most_asked = BATCH

    def __init__(
        self,
        settings: SeventeenTrack,
        key: str,
        secrets: SecretValues,
        clock: PullClock,
        count: Any,
    ) -> None:
        super().__init__(settings, key, secrets, clock, count)
        self._base = f"{settings.url.rstrip('/')}/track/{settings.version}"
        self._keep_quota = settings.keep_quota

    def room(self) -> int | None:
        """What is left of the quota and of the day's limit, less what shall stay unused."""
        _, content, _ = self.post("getquota", [])
        data = part_of(content, "data")
        left = _count(data.get("quota_remain"))
        if left is None:
            return None
        daily, today = _count(data.get("max_track_daily")), _count(data.get("today_used"))
        # 0 means that there is no limit by day
        if daily:
            left = min(left, daily - (today or 0))
        return max(left - self._keep_quota, 0)

    def register(self, parcels: Sequence[FollowedParcel]) -> RegisteredParcels:
        """Register at most 40 parcels. One that is registered already costs nothing."""
        done = RegisteredParcels()
        try:
            _, content, _ = self.post("register", [_item(parcel) for parcel in parcels])
        except _QuotaUsed as fault:
            return RegisteredParcels(full=str(fault))
        asked = {parcel.number: parcel.carrier for parcel in parcels}
        data = part_of(content, "data")
        for item in items_of(data, "accepted"):
            if (number := number_of(item, "number")) in asked:
                done.followed[number] = _carrier(item) or asked[number]
        for item in items_of(data, "rejected"):
            number, (code, text) = number_of(item, "number"), _error(item)
            if number not in asked or number in done.followed or code in BUSY:
                continue
            if code == ALREADY:
                done.followed[number] = asked[number]
            elif code in (DAILY_LIMIT, QUOTA_USED):
                done.full = text
            else:
                done.refused[number] = text
        return done

    def ask(self, parcels: Sequence[FollowedParcel]) -> AskedAnswer:
        """All scans of at most 40 registered parcels."""
        answer, content, arrived_at = self.post("gettrackinfo", [_item(each) for each in parcels])
        asked = {parcel.number for parcel in parcels}
        data, done = part_of(content, "data"), AskedAnswer()
        for item in items_of(data, "accepted"):
            if (number := number_of(item, "number")) not in asked:
                continue
            done.answered.add(number)
            status = part_of(part_of(item, "track_info"), "latest_status").get("status")
            if status == "Delivered":
                done.delivered.add(number)
        for item in items_of(data, "rejected"):
            number, (code, _) = number_of(item, "number"), _error(item)
            if number in asked and code in (UNREGISTERED, NO_INFO):
                done.answered.add(number)
            if number in asked and code == UNREGISTERED:
                done.forgotten.add(number)
        if items_of(data, "accepted"):
            done.texts.append((answer.text, arrived_at))
        return done

    def post(
        self, method: str, items: list[dict[str, Any]]
    ) -> tuple[WebAnswer, dict[str, Any], Any]:
        """Call a method with a list of parcels."""
        headers = {"17token": self._key}

        def once(web: WebClient) -> WebAnswer:
            return web.ask("POST", f"{self._base}/{method}", json=items, headers=headers)

        return self.call(method, once, _raise_fault)


class _QuotaUsed(RefusedCall):
    """The quota, or the day's part of it, is used up."""


def _raise_fault(content: dict[str, Any], status: int) -> None:
    """Raise the fault of a whole answer. Some come with the status 200 and the code 0."""
    errors = items_of(content.get("data"), "errors") or items_of(content, "errors")
    code = _count(content.get("code"))
    if not code and errors:
        code = _count(errors[0].get("code")) or -1
    if not code and status < 400:
        if not isinstance(content.get("data"), dict):
            raise Unanswered("17TRACK's answer has no data")
        return
    said = str(errors[0].get("message") or "") if errors else str(content.get("msg") or "")
    text = one_line(f"17TRACK answered {code or status} {said}".rstrip(), LONGEST_TEXT)
    if code in (DAILY_LIMIT, QUOTA_USED):
        raise _QuotaUsed(text)
    if code in FORBIDDEN or status in (401, 403):
        raise ForbiddenCall(text)
    if code == 429:
        raise Throttled(text)
    raise Unanswered(text) if code in BUSY or not code else RefusedCall(text)


def _item(parcel: FollowedParcel) -> dict[str, Any]:
    return {"number": parcel.number} | ({"carrier": int(parcel.carrier)} if parcel.carrier else {})


def _carrier(item: Any) -> str:
    code = _count(item.get("carrier"))
    return str(code) if code and code > 0 else ""


def _error(item: Any) -> tuple[int, str]:
    error = part_of(item, "error")
    code = _count(error.get("code")) or 0
    return code, one_line(f"{code} {error.get('message') or ''}".strip(), LONGEST_TEXT)


def _count(value: Any) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None
