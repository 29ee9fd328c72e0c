"""A receiver in a process of its own, and senders of signed pushes that send again what was not
acknowledged."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipeline.receiver.push_accounts import aftership_sign, seventeen_sign

KEY = "k3y-of-the-receiving-account-4711"
SECRET = "s3cr3t-of-the-webhook-4711"
CONFIG = """[pull.seventeentrack.main]
key = { env = "TRACK_KEY" }

[pull.aftership.main]
key = { env = "TRACK_KEY" }
webhook_secret = { env = "WEBHOOK_SECRET" }
"""
ENVIRONMENT = {"TRACK_KEY": KEY, "WEBHOOK_SECRET": SECRET, "NO_PROXY": "127.0.0.1"}
SEVENTEEN, AFTERSHIP = "/push/seventeentrack/main", "/push/aftership/main"


def push_of(number: int, size: int = 0) -> bytes:
    """The push of a parcel with one scan, of about `size` bytes."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_516_500_000 + number))
    event = {"time_utc": at, "sub_status": "InTransit_Arrival", "description": "x" * size}
    info = {
        "latest_status": {"status": "InTransit", "sub_status": "InTransit_Arrival"},
        "tracking": {"providers": [{"provider": {"key": 3011}, "events": [event]}]},
    }
    data = {"number": f"h-{number}", "carrier": 3011, "track_info": info}
    return json.dumps({"event": "TRACKING_UPDATED", "data": data}).encode()


def signed(body: bytes, path: str = SEVENTEEN) -> dict[str, str]:
    """The headers of a push."""
    if path == SEVENTEEN:
        return {"sign": seventeen_sign(KEY)(body)}
    return {"aftership-hmac-sha256": aftership_sign(SECRET)(body)}


# forks of a process that has the modules already start at once
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pipeline.receiver.receive", "pipeline.settings.config"])


def _serve(workspace: Path, port: int, said: Connection) -> None:
    from pipeline.receiver.receive import receive
    from pipeline.settings.config import load_config

    os.environ |= ENVIRONMENT
    receive(workspace, load_config(workspace), address="127.0.0.1", port=port, say=said.send)


class ReceiverProcess:
    """A receiver on a free port, which can be killed and started again on the same port."""

    def __init__(self, workspace: Path) -> None:
        workspace.mkdir(parents=True, exist_ok=True)
        (workspace / "config.toml").write_text(CONFIG)
        self.workspace, self.port, self.output = workspace, 0, ""
        self._process: Any = None

    def start(self) -> None:
        ours, theirs = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_serve, args=(self.workspace, self.port, theirs))
        self._process.start()
        theirs.close()
        with ours:
            while "health" not in (line := ours.recv()):
                self.output += f"{line}\n"
        self.output += line
        self.port = int(line.split("/")[2].rpartition(":")[2])

    def processor_seconds(self) -> float:
        """What the receiver has used of the processor."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """kill -9"""
        self._process.kill()
        self._process.join()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self._process.terminate()
        self._process.join()
        return int(self._process.exitcode)

    def lines(self) -> list[str]:
        """All lines that are kept, also those of an unfinished file."""
        folder = self.workspace / "pulled" / "tracking" / "received"
        return [line for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


@dataclass
class Senders:
    """Threads that send numbered pushes and send again what was not acknowledged."""

    port: int
    size: int = 0
    acknowledged: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    count_again: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, count: int, threads: int) -> None:
        """Send the pushes 0 to `count` - 1, and return when all are acknowledged."""
        numbers = iter(range(count))
        workers = [
            threading.Thread(target=self._work, args=(numbers,), daemon=True)
            for _ in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _work(self, numbers: Iterator[int]) -> None:
        connection: socket.socket | None = None
        while True:
            with self.lock:
                number = next(numbers, None)
            if number is None:
                break
            body = push_of(number, self.size)
            request = raw_request(body)
            started = time.perf_counter()
            while True:
                try:
                    connection = connection or socket.create_connection(
                        ("127.0.0.1", self.port), timeout=60
                    )
                    connection.sendall(request)
                    if status_of(connection) == 200:
                        break
                except OSError:
                    if connection is not None:
                        connection.close()
                        connection = None
                    with self.lock:
                        self.count_again += 1
                    time.sleep(0.02)
            with self.lock:
                self.acknowledged[number] += 1
                self.seconds.append(time.perf_counter() - started)
        if connection is not None:
            connection.close()


def raw_request(body: bytes) -> bytes:
    """A signed push as bytes: http.client would need more of the processor than the receiver."""
    lines = [f"POST {SEVENTEEN} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in signed(body).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def status_of(connection: socket.socket) -> int:
    """The status of the next answer, which is read whole."""
    answer = b""
    while True:
        block = connection.recv(4_096)
        if not block:
            raise ConnectionResetError
        answer += block
        head, end, rest = answer.partition(b"\r\n\r\n")
        if end and len(rest) >= int(head.lower().partition(b"content-length: ")[2].split()[0]):
            return int(head[9:12])


def push(
    connection: http.client.HTTPConnection,
    body: bytes,
    path: str = SEVENTEEN,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """The status and the content of the answer."""
    given = signed(body, path) if headers is None else headers
    connection.request("POST", path, body=body, headers=given)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def kept_numbers(lines: list[str]) -> Counter[int]:
    """How often each numbered push is kept. Each line must be whole."""
    numbers: Counter[int] = Counter()
    for line in lines:
        numbers[int(json.loads(line)["data"]["number"].removeprefix("h-"))] += 1
    return numbers
