"""A web server that fails as real ones do, and drops what it already has under a key."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.unit.local_server import LocalHandler, local_server

# refused, silent, reset before anything was read, or taken and then reset: the sender cannot know
FAULTS = ("refused", "silent", "reset", "taken_then_reset")
MOST_SILENT_SECONDS = 30.0


@dataclass
class Received:
    """What arrived. `taken`: key -> body, once per key; `dropped`: repeated keys; `faults`: what
    the receiver did wrong; `headers`: of the last request of each key."""

    taken: dict[str, bytes] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str, body: bytes, headers: dict[str, str]) -> None:
        with self.lock:
            self.headers[key] = headers
            if key in self.taken:
                self.dropped[key] += 1
                if self.taken[key] != body:
                    self.differing.append(key)
            else:
                self.taken[key] = body


@dataclass
class WebReceiver:
    """A running receiver. `planned`: faults for the next requests, before random ones; `status`: an
    answer to all requests instead of taking them."""

    port: int
    received: Received
    share: float
    draw: random.Random
    planned: list[str] = field(default_factory=list)
    status: int | None = None
    answer_headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fault(self) -> str | None:
        with self.received.lock:
            if self.planned:
                return self.planned.pop(0)
            return self.draw.choice(FAULTS) if self.draw.random() < self.share else None


@contextmanager
def web_receiver(share: float = 0.0, seed: int = 7) -> Iterator[WebReceiver]:
    """Receives on a free port; `share` of the requests fail."""
    with local_server(_Handler) as server:
        receiver = WebReceiver(server.server_address[1], Received(), share, random.Random(seed))
        server.receiver = receiver  # type: ignore[attr-defined]
        yield receiver


class _Handler(LocalHandler):
    def do_POST(self) -> None:
        receiver: WebReceiver = self.server.receiver  # type: ignore[attr-defined]
        received, fault = receiver.received, receiver.fault()
        if fault:
            with received.lock:
                received.faults[fault] += 1
        if fault == "reset":
            self._reset()
            return
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            # the sender was killed in the middle: no server takes such a request
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        if receiver.status is not None or fault == "refused":
            self._answer(receiver.status or 500, b"", receiver.answer_headers)
            return
        if fault == "silent":
            self._wait_for_end()
            self._reset()
            return
        received.take(headers.get("idempotency-key", self.path), body, headers)
        if fault == "taken_then_reset":
            self._reset()
            return
        self._answer(201, b"{}")

    def do_GET(self) -> None:
        """Tickets by their external id, as helpdesks list them."""
        receiver: WebReceiver = self.server.receiver  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        key = parse_qs(parts.query)["external_id"][0]
        receiver.received.asked.append(key)
        tickets = [{"external_id": key}] if key in receiver.received.taken else []
        self._answer(200, json.dumps({"tickets": tickets}).encode())

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _wait_for_end(self) -> None:
        """Until the sender gives up and closes the connection."""
        self.connection.settimeout(MOST_SILENT_SECONDS)
        with suppress(OSError):
            self.connection.recv(1)

    def _reset(self) -> None:
        """End the connection with a reset, not with an orderly close."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.rfile, self.wfile = _Nothing(), _Nothing()  # type: ignore[assignment]

    def log_message(self, format: str, *args: Any) -> None:
        """Not printed."""


class _Nothing:
    closed = True

    def flush(self) -> None: ...

    def close(self) -> None: ...
