"""A service on a free port, whose connections and answers fail as those of real ones do."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from tests.unit.local_server import LocalHandler, local_server
from tests.unit.sources.exports.export_truth import Order

# what may happen to any request
BROKEN = ("reset", "status_500", "status_502", "status_429", "redirect", "html", "cut_off")
BROKEN += ("cut_body", "null")


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True))


@dataclass
class Reply:
    content: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        if isinstance(self.content, str):
            return self.content.encode()
        return json.dumps(self.content, ensure_ascii=False).encode()


@dataclass
class FakeService:
    """Shows the orders of a shop as they are at `moment`. `share` of the requests have a fault of
    `kinds`; `planned` faults come first."""

    orders: list[Order]
    moment: datetime
    share: float = 0.0
    kinds: tuple[str, ...] = BROKEN
    planned: list[str] = field(default_factory=list)
    draw: random.Random = field(default_factory=lambda: random.Random(11))
    port: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    # repeats the secret of the request in its answer
    is_echoing: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def respond(self, request: Request, fault: str | None) -> Reply:
        raise NotImplementedError

    def next_fault(self) -> str | None:
        if self.planned:
            return self.planned.pop(0)
        return self.draw.choice(self.kinds) if self.draw.random() < self.share else None

    def placed(self) -> list[Order]:
        """The orders that exist now."""
        return [order for order in self.orders if order.placed <= self.moment]

    def until_now(self, when: datetime | None) -> datetime | None:
        return when if when is not None and when <= self.moment else None

    def updated(self, order: Order) -> datetime:
        times = (order.placed, order.paid, order.shipped)
        return max(each for each in times if each is not None and each <= self.moment)


Service = TypeVar("Service", bound=FakeService)


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    with local_server(_Handler) as server:
        service.port = server.server_address[1]
        server.service = service  # type: ignore[attr-defined]
        yield service


class _Handler(LocalHandler):
    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def _do(self, method: str) -> None:
        service: FakeService = self.server.service  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(method, parts.path, query, headers, body)
        with service.lock:
            fault = service.next_fault()
            if fault:
                service.faults[fault] += 1
            service.requests[parts.path] += 1
            service.headers.append({**headers, "path": parts.path})
            reply = service.respond(request, fault)
        if service.is_echoing and isinstance(reply.content, dict):
            sent = [headers.get("authorization", ""), headers.get("x-shopify-access-token", "")]
            reply.content = {**reply.content, "request_id": sent, "message": " ".join(sent)}
        self._send(fault, reply)

    def _send(self, fault: str | None, reply: Reply) -> None:
        body = reply.body
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
        elif fault in ("status_500", "status_502", "status_429"):
            self._answer(int(fault[-3:]), b"{}", {"Retry-After": "1"} if "429" in fault else {})
        elif fault == "redirect":
            self._answer(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})
        elif fault == "html":
            self._answer(200, b"<!DOCTYPE html><html><body>Just a moment...</body></html>", {})
        elif fault == "cut_off":
            self._answer(reply.status, body[: len(body) // 2], {})
        elif fault == "cut_body":
            self._answer(reply.status, body[: len(body) // 2], {}, length=len(body) + 1)
            self.close_connection = True
        elif fault == "null":
            self._answer(200, b"null", {})
        else:
            self._answer(reply.status, body, reply.headers)

    def _answer(
        self, status: int, body: bytes, headers: Mapping[str, str], length: int = -1
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length < 0 else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass
