"""Ratings are pulled by the time at which they became effective; a list without pages is halved
until it cannot be cut off."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from pipeline.connections.pull_report import PullReport
from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.openplatform.conversations import EVALUATIONS_METHOD
from pipeline.sources.openplatform.pull_jobs import TIME, platform_time
from pipeline.sources.source_context import SourceContext
from tests.unit.sources.openplatform.fake_platform import fake_platform
from tests.unit.sources.openplatform.fake_store import FakeStore
from tests.unit.sources.openplatform.made_store import NOW, made_store

Pull = Callable[..., PullReport]


def rate(store: FakeStore, number: int, minutes: int) -> None:
    """A rating of an order that became effective so many minutes before NOW."""
    store.evaluations.append(
        {
            "parent_order_id": store.orders[number % len(store.orders)]["order_id"],
            "order_id": 8_300_000_000_000_000 + number,
            "buyer_evaluation": str(1 + number % 5),
            "valid_date": platform_time(NOW - timedelta(minutes=minutes)).strftime(TIME),
        }
    )


def stars(dumps: Path) -> int:
    return read_aliexpress(SourceContext(dumps)).frames["reviews"].height


def test_all_ratings_are_pulled_once_and_later_ones_the_next_night(pull: Pull, dumps: Path) -> None:
    store = made_store(3)
    for number in range(130):
        rate(store, number, 60 + 90 * number)
    with fake_platform(store, seconds=NOW.timestamp) as platform:
        assert not pull(platform.url, NOW).left
        assert stars(dumps) == 130
        first = [form for method, form in platform.queries if method == EVALUATIONS_METHOD]
        # ratings of 8 days: windows of a month, halved where there are 50 or more
        spans = [json.loads(form["trade_evaluation_request"]) for form in first]
        assert len(spans) > 5
        rate(store, 200, -300)
        night = NOW + timedelta(days=1)
        platform.seconds = night.timestamp
        platform.queries.clear()
        assert not pull(platform.url, night).left
        asked = [form for method, form in platform.queries if method == EVALUATIONS_METHOD]
    assert stars(dumps) == 131
    (span,) = [json.loads(form["trade_evaluation_request"]) for form in asked]
    assert span["start_valid_date"] == platform_time(NOW - timedelta(days=1)).strftime(TIME)


def test_an_account_that_may_not_read_ratings_is_pulled_without(pull: Pull) -> None:
    with fake_platform(made_store(3), seconds=NOW.timestamp) as platform:
        platform.forbidden = {EVALUATIONS_METHOD}
        report = pull(platform.url, NOW)
    assert "no ratings" in report.missing["evaluations"]


def test_ratings_can_be_left_out(pull: Pull) -> None:
    with fake_platform(made_store(3), seconds=NOW.timestamp) as platform:
        assert not pull(platform.url, NOW, evaluations=False).left
    assert not platform.requests[EVALUATIONS_METHOD]
