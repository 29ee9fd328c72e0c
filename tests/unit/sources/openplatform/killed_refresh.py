"""Renew a token in processes that are killed at given points, and say what the next run has.

Arguments: the platform's address, a folder, then the points. A point is a number n: SIGKILL after
the n-th change on the disk since the answer arrived; or SIGTERM, when the answer has arrived.
Prints a JSON list of [how the process ended, the access token or the error of the next run].
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.connections.call_faults import PullStopped
from pipeline.connections.secret_values import SecretValues
from pipeline.sources.openplatform.access_tokens import AccessTokens
from pipeline.sources.openplatform.gateway import Gateway
from tests.unit.sources.openplatform.conftest import NightClock, store_settings
from tests.unit.sources.openplatform.fake_platform import APP_SECRET

# everything that changes a file which is open or has a name
CHANGES = ("pwrite", "fsync", "ftruncate", "replace")


def tokens_at(url: str, folder: Path, moment: datetime) -> tuple[AccessTokens, Gateway]:
    secrets = SecretValues()
    settings = store_settings(url)
    gateway = Gateway(settings, APP_SECRET, secrets, NightClock(moment), lambda: None)
    return AccessTokens(settings, secrets, gateway, folder / "token.json", "main"), gateway


def die_after(left: int) -> None:
    """Kill this process after so many changes."""
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

    def patched(original: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            result = original(*arguments, **named)
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for name in CHANGES:
        setattr(os, name, patched(getattr(os, name)))


def renew_and_die(url: str, folder: Path, moment: datetime, point: str) -> None:
    tokens, gateway = tokens_at(url, folder, moment)
    post = gateway._web.post

    def answered(*arguments: Any) -> Any:
        answer = post(*arguments)
        if point == "SIGTERM":
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            die_after(int(point))
        return answer

    gateway._web.post = answered  # type: ignore[method-assign]
    tokens.current()


def next_run(url: str, folder: Path, moment: datetime) -> str:
    tokens, _ = tokens_at(url, folder, moment)
    try:
        access = tokens.current()
        return tokens.problem or access
    except PullStopped as stop:
        return str(stop)


if __name__ == "__main__":
    url, folder = sys.argv[1], Path(sys.argv[2])
    moment, results = datetime(2025, 1, 1, tzinfo=UTC), []
    tokens_at(url, folder, moment)[0].current()
    for point in sys.argv[3:]:
        # the token lives for ten days
        moment += timedelta(days=9)
        child = os.fork()
        if child == 0:
            renew_and_die(url, folder, moment, point)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        results.append([os.waitstatus_to_exitcode(status), next_run(url, folder, moment)])
    sys.stdout.write(json.dumps(results))
