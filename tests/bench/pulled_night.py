"""Pull a night in a process of its own that can be killed: from the test server over HTTP, or from
a copy of the platform in the process itself, which is much faster on a busy machine.

Nothing waits for the disk: what a killed process wrote stays without `fsync`.
"""

from __future__ import annotations

import gc
import io
import json
import multiprocessing
import os
import random
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.connections.call_faults import Throttled, Unanswered
from pipeline.connections.store_folders import StoreFolders
from pipeline.connections.web_client import WebAnswer
from pipeline.sources.openplatform import gateway
from tests.unit.nights import ROOT
from tests.unit.sources.openplatform import killed_puller
from tests.unit.sources.openplatform.fake_platform import (
    APP_SECRET,
    CODE,
    FakePlatform,
    respond_or_fail,
)
from tests.unit.sources.openplatform.moving_orders import MovingOrders

SECRETS = {"AE_SECRET": APP_SECRET, "AE_CODE": CODE, "NO_PROXY": "127.0.0.1"}
STATE_BYTES = 8_192


@dataclass(frozen=True)
class PullTask:
    """What a process is to pull."""

    folder: Path
    moment: datetime
    runs: int
    settings: dict[str, Any]

    def words(self, url: str) -> list[str]:
        """The arguments of `killed_puller`."""
        folders = StoreFolders.of(self.folder, "main")
        words = [url, self.moment.isoformat(), folders.state, folders.dumps, self.runs]
        return [*map(str, words), json.dumps(self.settings)]


class HttpPull:
    """Asks the test server of `platform`."""

    def __init__(self, task: PullTask, platform: FakePlatform, _: MovingOrders) -> None:
        self._platform = platform
        command = [sys.executable, __file__, *task.words(platform.url)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **SECRETS}
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)

    def count(self) -> int:
        """The requests so far, of all processes of the night."""
        return self._platform.requests.total()

    def is_over(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def reports(self) -> list[dict[str, Any]]:
        """Wait for the end. Returns the report of each run."""
        output, _ = self._process.communicate()
        assert self._process.returncode == 0
        return [json.loads(line) for line in output.splitlines()]


class ForkedPull:
    """Asks a copy of `platform`. What changes in the copy is read back at the end, also after a
    kill: counts, tokens, and the orders that came."""

    def __init__(self, task: PullTask, platform: FakePlatform, moving: MovingOrders) -> None:
        self._platform, self._moving = platform, moving
        self._file = task.folder.parent / "platform-state.json"
        self._output = task.folder.parent / "reports.jsonl"
        for path in (self._file, self._output):
            path.unlink(missing_ok=True)
        seed = platform.draw.random()
        gc.collect()
        gc.freeze()
        self._process = multiprocessing.get_context("fork").Process(
            target=self._pull, args=(task, seed)
        )
        self._process.start()

    def _pull(self, task: PullTask, seed: float) -> None:
        os.environ.update(SECRETS)
        self._platform.draw = random.Random(seed)
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT)
        web = DirectWeb(self._platform, self._moving, handle)
        gateway.WebClient = lambda settings: web  # type: ignore[assignment,misc]
        os.fsync = lambda handle: None  # type: ignore[assignment]
        with redirect_stdout(io.StringIO()) as output:
            killed_puller.main(*task.words("http://127.0.0.1"))
        self._output.write_text(output.getvalue())

    def count(self) -> int:
        """The requests so far, of all processes of the night."""
        state = self._state()
        return sum(state["requests"].values()) if state else 0

    def _state(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._file.read_bytes()))
        except (FileNotFoundError, ValueError):
            return {}

    def is_over(self) -> bool:
        return self._process.exitcode is not None

    def kill(self) -> None:
        self._process.kill()
        self._end()

    def _end(self) -> None:
        self._process.join()
        if state := self._state():
            platform = self._platform
            platform.tokens, platform.ended = state["tokens"], state["ended"]
            for name in ("requests", "faults", "refused"):
                setattr(platform, name, Counter(state[name]))
            for order_id in state["moved"]:
                if order_id in self._moving.listed:
                    self._moving.come(platform.store, order_id)
            for name, count in state["counts"].items():
                setattr(self._moving, name, count)

    def reports(self) -> list[dict[str, Any]]:
        """Wait for the end. Returns the report of each run."""
        self._end()
        assert self._process.exitcode == 0
        return [json.loads(line) for line in self._output.read_text().splitlines()]


class DirectWeb:
    """In place of the web client. Fails as that one does if an answer fails on its way."""

    def __init__(self, platform: FakePlatform, moving: MovingOrders, handle: int) -> None:
        self._platform, self._moving, self._handle = platform, moving, handle

    def close(self) -> None:
        pass

    def post(self, url: str, parameters: dict[str, str]) -> WebAnswer:
        platform, path = self._platform, url.removeprefix("http://127.0.0.1")
        fault, answer = respond_or_fail(platform, path, dict(parameters))
        text = json.dumps(answer, ensure_ascii=False)
        state = {
            "requests": platform.requests,
            "faults": platform.faults,
            "refused": platform.refused,
            "tokens": platform.tokens,
            "ended": platform.ended,
            "moved": self._moving.moved,
            "counts": {
                name: getattr(self._moving, name)
                for name in ("count_arrived", "count_left", "count_split")
            },
        }
        os.pwrite(self._handle, json.dumps(state).encode().ljust(STATE_BYTES), 0)
        if fault == "status_429":
            raise Throttled("127.0.0.1: answered 429")
        if fault in ("reset", "cut_body", "redirect", "burst", "status_500", "status_502"):
            raise Unanswered(f"127.0.0.1: {fault}")
        if fault == "html":
            text = "<!DOCTYPE html><html><body>Sorry, punish</body></html>"
        if fault == "cut_off":
            text = text[: len(text) // 2]
        if fault == "null":
            text = "null"
        return WebAnswer(text, float(int(platform.seconds())))


if __name__ == "__main__":
    os.fsync = lambda handle: None  # type: ignore[assignment]
    killed_puller.main(*sys.argv[1:])
