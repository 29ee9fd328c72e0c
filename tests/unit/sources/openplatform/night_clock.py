"""A clock that shows one moment and does not wait, and settings of a store that go with it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from pipeline.connections.pull_clock import PullClock
from pipeline.settings.delivery.pull_settings import AliexpressStore
from tests.unit.sources.openplatform.fake_platform import APP_KEY

FAST = {"first_wait_seconds": 0.0, "requests_per_second": 1_000.0, "timeout_seconds": 5.0}


class NightClock(PullClock):
    """Shows one moment all the time, and does not wait. Each clock has its own part of that second:
    two runs at one millisecond would sign the same request alike, which the platform refuses."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self.moment = moment + timedelta(milliseconds=random.randrange(1_000))
        self.waits: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def store_settings(url: str, **changes: Any) -> AliexpressStore:
    """The settings of a store on the platform at `url`."""
    texts = {"url": url, "app_key": APP_KEY, "app_secret": {"env": "AE_SECRET"}}
    return AliexpressStore(**{**texts, "code": {"env": "AE_CODE"}, **FAST, **changes})
