"""The Tracking API of AfterShip.

Its official Python SDK (aftership-tracking-sdk 10.0.1) is alive, but gives only parsed answers, has
no limit for the size or the whole time of an answer, takes its host from the environment, and
shows a wrong secret in an error. So the calls are made here. docs/guide/operator/pull-tracking.md
lists the sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pipeline.connections.call_faults import ForbiddenCall, RefusedCall, Throttled, Unanswered
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.web_client import WebAnswer, WebClient
from pipeline.output.safe_text import one_line
from pipeline.settings.delivery.tracking_settings import AfterShip
from pipeline.sources.parcelservices.parcel_service import (
    AskedAnswer,
    FollowedParcel,
    RegisteredParcels,
    ServiceCalls,
    items_of,
    number_of,
    part_of,
)

EXISTS = 4003
# payment required: no shipments are left in the plan
QUOTA_USED = 402
PAGE, BATCH, MOST_PAGES = 200, 50, 20
LONGEST_TEXT = 200


class AftershipCalls(ServiceCalls):
    """One account of AfterShip: a `ParcelService`. It does not say how much quota is left."""

    service = "aftership"
    most_registered, most_asked = 1, BATCH

    def __init__(
        self, settings: AfterShip, key: str, secrets: SecretValues, clock: PullClock, count: Any
    ) -> None:
        super().__init__(settings, key, secrets, clock, count)
        self._base = f"{settings.url.rstrip('/')}/tracking/{settings.version}/trackings"

    def room(self) -> int | None:
        """AfterShip has no method for it."""
        return None

    def register(self, parcels: Sequence[FollowedParcel]) -> RegisteredParcels:
        """Register one parcel."""
        (parcel,) = parcels
        body = {"tracking_number": parcel.number}
        if parcel.carrier:
            body["slug"] = parcel.carrier
        try:
            _, content, _ = self.send("POST", "", body)
        except _AlreadyThere:
            return RegisteredParcels(followed={parcel.number: parcel.carrier})
        except _PlanUsed as fault:
            return RegisteredParcels(full=str(fault))
        except RefusedCall as fault:
            return RegisteredParcels(refused={parcel.number: str(fault)})
        data = part_of(content, "data")
        slug = part_of(data, "tracking").get("slug") or data.get("slug") or parcel.carrier
        return RegisteredParcels(followed={parcel.number: str(slug)})

    def ask(self, parcels: Sequence[FollowedParcel]) -> AskedAnswer:
        """All checkpoints of at most 50 registered parcels."""
        asked = {parcel.number for parcel in parcels}
        done, cursor = AskedAnswer(answered=set(asked)), ""
        query = {"tracking_numbers": ",".join(sorted(asked)), "limit": str(PAGE)}
        for _ in range(MOST_PAGES):
            page = query | ({"cursor": cursor} if cursor else {})
            answer, content, arrived_at = self.send("GET", f"?{urlencode(page)}")
            data = part_of(content, "data")
            trackings = items_of(data, "trackings")
            if trackings:
                done.texts.append((answer.text, arrived_at))
            for item in trackings:
                if item.get("tag") == "Delivered":
                    done.delivered.add(number_of(item, "tracking_number"))
            pagination = part_of(data, "pagination")
            cursor = str(pagination.get("next_cursor") or "")
            if not cursor or not trackings or pagination.get("has_next_page") is False:
                break
        done.delivered &= asked
        return done

    def send(
        self, verb: str, rest: str, body: Any = None
    ) -> tuple[WebAnswer, dict[str, Any], datetime]:
        """Call a method."""
        headers = {"as-api-key": self._key}

        def once(web: WebClient) -> WebAnswer:
            return web.ask(verb, f"{self._base}{rest}", json=body, headers=headers)

        return self.call(f"{verb} trackings", once, _raise_fault)


class _AlreadyThere(RefusedCall):
    """The parcel is registered."""


class _PlanUsed(RefusedCall):
    """The plan has no shipments left."""


def _raise_fault(content: dict[str, Any], status: int) -> None:
    """Raise the fault that an answer reports in `meta`, also with the status 200."""
    meta = part_of(content, "meta")
    code = meta.get("code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else status
    if code < 300 and status < 300:
        if not isinstance(content.get("data"), dict):
            raise Unanswered("AfterShip's answer has no data")
        return
    said = f"AfterShip answered {code} {meta.get('type') or ''} {meta.get('message') or ''}"
    text = one_line(" ".join(said.split()), LONGEST_TEXT)
    if code == EXISTS:
        raise _AlreadyThere(text)
    if QUOTA_USED in (code, status):
        raise _PlanUsed(text)
    if code in (401, 403) or status in (401, 403):
        raise ForbiddenCall(text)
    if code == 429:
        raise Throttled(text)
    raise Unanswered(text) if 500 <= code < 600 else RefusedCall(text)
