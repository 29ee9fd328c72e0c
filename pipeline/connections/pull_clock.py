"""The clock of a pull: the time, waits, and the pace of requests. Tests replace it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class PullClock:
    """The clock of this machine."""

    def __init__(self) -> None:
        self._next = 0.0

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def pace(self, seconds: float) -> None:
        """Wait until `seconds` have passed since the last call of this."""
        wait = self._next - time.monotonic()
        if wait > 0:
            self.sleep(wait)
        self._next = time.monotonic() + seconds


def utc_text(moment: datetime) -> str:
    """2026-11-27T02:15:03Z"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
