"""200 readers of the API at the same time, while a night is made: waiting times and failures.

    python tests/bench/api_readers.py [--readers 200] [--requests 10] [--orders 10000]

The board and the night are processes of their own, as for a user. Each reader asks for its paths
one after another; every answer must be 200 and whole. Target: no failure. Seconds depend on the
machine: on two cores, the night and the board share them.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from statistics import quantiles
from typing import Any

from pipeline.night.nightly import nightly
from pipeline.settings.config import load_config
from pipeline.simulation.simulate import simulate
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

FIRST, NIGHT = date(2025, 1, 1), date(2026, 1, 1)
TIMEOUT_SECONDS = 120.0


def make_store(folder: Path, orders: int) -> Path:
    """A store with a published night; returns its raw files."""
    workspace = Workspace(folder)
    raw = simulate(workspace, load_config(folder), Progress(), orders=orders, first=FIRST, days=365)
    with workspace.locked():
        nightly(
            workspace,
            load_config(folder),
            Progress(),
            as_of=NIGHT,
            source="canonical",
            raw=raw,
            is_forced=False,
        )
    return raw


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(*arguments: object) -> subprocess.Popen[bytes]:
    """A step of the program, as a process of its own."""
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def get(port: int, path: str) -> tuple[int, Any]:
    """Status and JSON of one request on a new connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"/api/v1{path}")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def wait_until_open(port: int) -> None:
    """Wait until the board answers."""
    for _ in range(600):
        try:
            get(port, "/openapi.json")
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the board does not answer")


def read_all(port: int, paths: list[str]) -> tuple[list[float], list[str]]:
    """One reader: seconds of each request, and what failed."""
    seconds, failures = [], []
    for path in paths:
        begun = time.perf_counter()
        try:
            status, answer = get(port, path)
            if status != 200 or "error" in answer:
                failures.append(f"{path}: {status}")
        except (OSError, ValueError, http.client.HTTPException) as error:
            failures.append(f"{path}: {type(error).__name__}")
        seconds.append(time.perf_counter() - begun)
    return seconds, failures


def measure(port: int, readers: int, requests: int) -> tuple[list[float], list[str]]:
    """All readers at once; each asks for other orders, in another order of the paths."""
    ids = [row["order_id"] for row in get(port, "/orders?limit=1000")[1]["rows"]]
    fixed = ["/lists", f"/lists/{NIGHT}?limit=50", "/orders?limit=100", "/clock", "/health"]

    def paths(reader: int) -> list[str]:
        orders = [f"/orders/{ids[(reader * requests + n) % len(ids)]}" for n in range(requests)]
        mixed = [path for pair in zip(orders, fixed * requests, strict=False) for path in pair]
        return mixed[reader % 2 :][:requests]

    with ThreadPoolExecutor(readers) as threads:
        done = list(threads.map(lambda n: read_all(port, paths(n)), range(readers)))
    return [s for seconds, _ in done for s in seconds], [f for _, failed in done for f in failed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--requests", type=int, default=10)
    parser.add_argument("--orders", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        raw = make_store(folder, options.orders)
        board = start("board", "--workspace", folder, "--port", port)
        try:
            wait_until_open(port)
            sources = ("--source", "canonical", "--raw", raw, "--as-of", NIGHT, "--force")
            begun = time.perf_counter()
            night = start("nightly", "--workspace", folder, *sources)
            with ThreadPoolExecutor(1) as waiting:
                ended = waiting.submit(lambda: (night.wait(), time.perf_counter() - begun))
                seconds, failures = measure(port, options.readers, options.requests)
                reading = time.perf_counter() - begun
                code, whole = ended.result()
        finally:
            board.terminate()
            board.wait()
    cuts = quantiles(seconds, n=100)
    print(  # noqa: T201
        f"{options.readers} readers, {len(seconds)} answers in {reading:.1f} s "
        f"({len(seconds) / reading:.0f} a second): median {cuts[49]:.2f} s, "
        f"95 % within {cuts[94]:.2f} s, longest {max(seconds):.2f} s; {len(failures)} failed "
        f"{sorted(set(failures))[:5]}; the night ended with code {code} after {whole:.1f} s"
    )
    if failures or code:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
