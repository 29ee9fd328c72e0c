"""17TRACK and AfterShip on a free port: they answer as their pages say, and fail as users of their
interfaces report."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.unit.local_server import LocalHandler, local_server

KEY = "k3y-of-the-tracking-account-4711"
FAULTS = (
    "reset",
    "status_500",
    "status_503",
    "status_429",
    "html",
    "cut_off",
    "cut_body",
    "null",
    "no_data",
    "error_inside",
    "repeated",
    "empty_track",
)
TAKEN = {"code": -18019901, "message": "The tracking number is already registered."}
UNKNOWN = {"code": -18019902, "message": "The tracking number is not registered yet."}
NO_INFO = {"code": -18019909, "message": "No tracking information at the moment."}
NO_CARRIER = {"code": -18019903, "message": "Carrier cannot be detected."}
QUOTA = {"code": -18019908, "message": "Insufficient quota."}
BUSY = {"code": -18010003, "message": "Internal service error."}


@dataclass
class FakeServices:
    """`scans`: (time with its zone, time in UTC, status, sub-status, words) by number. `refuses`:
    the error by number. `share` of the requests have a fault of `kinds`; `planned` faults come
    first."""

    scans: dict[str, list[tuple[str, str, str, str, str]]] = field(default_factory=dict)
    refuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    quota: int = 1_000
    daily: int = 0
    used: int = 0
    share: float = 0.0
    kinds: tuple[str, ...] = FAULTS
    planned: list[str] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)
    is_echoing: bool = False
    port: int = 0
    registered: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    largest: int = 0
    draw: random.Random = field(default_factory=lambda: random.Random(5))
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fault(self) -> str:
        if self.planned:
            return self.planned.pop(0)
        return self.draw.choice(self.kinds) if self.draw.random() < self.share else ""

    def is_new(self, number: str, carrier: str) -> bool:
        """Register a parcel; it costs quota if it is new."""
        self.tried[number] += 1
        if number in self.registered:
            return False
        self.registered[number] = carrier
        self.used += 1
        return True


def seventeen(fake: FakeServices, method: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer of 17TRACK."""
    fake.largest = max(fake.largest, len(items))
    if len(items) > 40:
        return failure(-18010014, "Tracking numbers exceed the 40 limit.")
    if method == "getquota":
        left = {"quota_total": fake.quota, "quota_used": fake.used}
        left |= {"quota_remain": fake.quota - fake.used, "today_used": fake.used}
        return {"code": 0, "data": {**left, "max_track_daily": fake.daily}}
    if not items:
        return failure(-18010010, "Please provide the data.")
    accepted: list[Any] = []
    rejected: list[Any] = []
    for item in items:
        number = item["number"]
        error = register_error(fake, item) if method == "register" else ask_error(fake, number)
        if error:
            rejected.append({"number": number, "error": error})
        elif method == "register":
            accepted.append({"origin": 1, "number": number, "carrier": item.get("carrier", 3011)})
        else:
            accepted.append(seventeen_parcel(fake, number))
    return {"code": 0, "data": {"accepted": accepted, "rejected": rejected}}


def register_error(fake: FakeServices, item: dict[str, Any]) -> dict[str, Any] | None:
    number = item["number"]
    if number in fake.refuses and "carrier" not in item:
        fake.tried[number] += 1
        return fake.refuses[number]
    if number not in fake.registered and fake.used >= fake.quota:
        return QUOTA
    return None if fake.is_new(number, str(item.get("carrier", ""))) else TAKEN


def ask_error(fake: FakeServices, number: str) -> dict[str, Any] | None:
    fake.asked[number] += 1
    if number not in fake.registered:
        return UNKNOWN
    return None if fake.scans.get(number) else NO_INFO


def seventeen_parcel(fake: FakeServices, number: str) -> dict[str, Any]:
    events = [
        {"time_iso": iso, "time_utc": utc, "sub_status": sub, "stage": None, "description": words}
        for iso, utc, _, sub, words in reversed(fake.scans[number])
    ]
    _, _, status, sub_status, _ = fake.scans[number][-1]
    info = {
        "latest_status": {"status": status, "sub_status": sub_status},
        "latest_event": events[0],
        "tracking": {
            "providers_hash": 182180920,
            "providers": [{"provider": {"key": 3011, "name": "China Post"}, "events": events}],
        },
    }
    return {"number": number, "carrier": 3011, "param": None, "tag": "", "track_info": info}


def failure(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "data": {"errors": [{"code": code, "message": message}]}}


def aftership(
    fake: FakeServices, verb: str, query: dict[str, list[str]], body: Any
) -> tuple[int, Any]:
    """The answer of AfterShip: (status, content)."""
    if verb == "POST":
        number = str((body or {}).get("tracking_number") or "")
        if not number:
            return 400, meta(4007, "BadRequest", "`tracking_number` is required.")
        if number in fake.refuses and "slug" not in body:
            fake.tried[number] += 1
            return 400, meta(4005, "BadRequest", "The value of `tracking_number` is invalid.")
        if number not in fake.registered and fake.used >= fake.quota:
            return 402, meta(402, "PaymentRequired", "Your plan has no shipments left.")
        if not fake.is_new(number, body.get("slug", "")):
            return 400, meta(4003, "BadRequest", "Tracking already exists.")
        return 201, {"meta": {"code": 201}, "data": {"tracking_number": number, "slug": "cainiao"}}
    numbers = query.get("tracking_numbers", [""])[0].split(",")
    fake.largest = max(fake.largest, len(numbers))
    if "cursor" not in query:
        fake.asked.update(numbers)
    known = [number for number in numbers if number in fake.registered]
    first, size = int(query.get("cursor", ["0"])[0]), 20
    page = [aftership_parcel(fake, number) for number in known[first : first + size]]
    more = first + size < len(known)
    pagination = {"total": len(known), "has_next_page": more}
    pagination["next_cursor"] = str(first + size) if more else ""
    return 200, {"meta": {"code": 200}, "data": {"pagination": pagination, "trackings": page}}


def aftership_parcel(fake: FakeServices, number: str) -> dict[str, Any]:
    scans = fake.scans.get(number, [])
    points = [
        {"checkpoint_time": iso, "tag": status, "subtag": None, "message": words, "slug": "cainiao"}
        for iso, _, status, _, words in scans
    ]
    tag = scans[-1][2] if scans else "Pending"
    updated = scans[-1][1] if scans else "2018-01-16T00:00:00Z"
    parcel = {"id": f"id-{number}", "tracking_number": number, "slug": "cainiao", "tag": tag}
    return {**parcel, "updated_at": updated, "checkpoints": points}


def meta(code: int, kind: str, message: str) -> dict[str, Any]:
    return {"meta": {"code": code, "type": kind, "message": message}, "data": {}}


def spoiled(fault: str, content: Any) -> Any:
    """The content with a fault inside an answer whose status is 200."""
    if fault == "null":
        return None
    if fault == "no_data":
        return {**content, "data": None}
    if fault == "error_inside":
        return {"code": 0, "meta": {"code": 500}, "data": {"errors": [BUSY]}}
    data = content.get("data") if isinstance(content, dict) else None
    for name in ("accepted", "trackings"):
        rows = data.get(name) if isinstance(data, dict) else None
        if fault == "repeated" and rows:
            rows.append(rows[0])
        if fault == "empty_track" and rows and "track_info" in rows[0]:
            rows[0]["track_info"] = None
    return content


@contextmanager
def fake_services(**options: Any) -> Iterator[FakeServices]:
    """Both services on a free port."""
    with local_server(_Handler) as server:
        fake = FakeServices(port=server.server_address[1], **options)
        server.fake = fake  # type: ignore[attr-defined]
        yield fake


class _Handler(LocalHandler):
    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        fake: FakeServices = self.server.fake  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        with fake.lock:
            path = urlsplit(self.path)
            method = f"{self.command} trackings" if "trackings" in path.path else path.path[12:]
            fake.requests[method] += 1
            fault = fake.fault()
            fake.faults[fault or "none"] += 1
            status, content = self._respond(fake, method, path.query, body)
            if status < 300:
                content = spoiled(fault, content)
            if fake.is_echoing and isinstance(content, dict):
                content["tag"] = KEY
        self._send(fault, status, json.dumps(content).encode())

    def _respond(
        self, fake: FakeServices, method: str, query: str, body: Any
    ) -> tuple[int, dict[str, Any]]:
        given = self.headers.get("17token") or self.headers.get("as-api-key")
        is_right = given == KEY and method not in fake.forbidden
        if "trackings" in method:
            if not is_right:
                return 401, meta(401, "Unauthorized", f"Invalid API key {given}.")
            return aftership(fake, self.command, parse_qs(query), body)
        if not is_right:
            return 401, failure(-18010002, f"Invalid security key {given}.")
        return 200, seventeen(fake, method, body)

    def _send(self, fault: str, status: int, body: bytes) -> None:
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
        elif fault.startswith("status_"):
            self._answer(int(fault[-3:]), b"{}", 2)
        elif fault == "html":
            self._answer(200, b"<html>Maintenance</html>", 24)
        elif fault == "cut_off":
            self._answer(200, body[: len(body) // 2], len(body) // 2)
        elif fault == "cut_body":
            self._answer(200, body[: len(body) // 2], len(body))
            self.close_connection = True
        else:
            self._answer(status, body, len(body))

    def _answer(self, status: int, body: bytes, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass
