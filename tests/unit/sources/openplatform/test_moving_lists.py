"""Lists that change while their pages are read, and searches that are split."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sources.openplatform.asked_calls import DETAIL, SEARCH, Pull, asked, kept
from tests.unit.sources.openplatform.fake_platform import fake_platform
from tests.unit.sources.openplatform.fake_store import FakeStore
from tests.unit.sources.openplatform.made_store import (
    NOON,
    NOW,
    add_issue,
    add_order,
    made_store,
    order,
)


def test_a_search_with_too_many_orders_is_split(pull: Pull) -> None:
    store = made_store(0)
    for number in range(170):
        placed = f"2025-06-0{1 + number % 9} 0{number % 7}:00:{number % 60:02}"
        add_order(store, order(number, placed))
    with fake_platform(store, seconds=NOW.timestamp) as platform:
        assert not pull(platform.url, NOW, most_rows=60, history_days=30).left
        assert len({q["order_id"] for q in asked(platform, DETAIL)}) == 170
        assert len({q["create_date_start"] for q in asked(platform, SEARCH)}) > 4


def test_orders_of_one_second_are_not_split_for_ever(pull: Pull) -> None:
    with fake_platform(made_store(130), seconds=NOW.timestamp) as platform:
        assert not pull(platform.url, NOW, most_rows=50, history_days=30, tracking="none").left
        assert len({q["order_id"] for q in asked(platform, DETAIL)}) == 130


@pytest.mark.parametrize("after", [1, 2])
def test_an_order_that_leaves_the_window_between_two_pages_hides_no_other(
    pull: Pull, after: int
) -> None:
    """The orders after it move up: one of them is on no page, until the pages are read again."""
    store = made_store(120)

    def close_one(store: FakeStore, query: dict[str, Any], total: int) -> None:
        if query["current_page"] == after and total == 120:
            # the first order of the first page
            closed = max(store.orders, key=lambda o: o["order_id"])
            closed["order_status"] = "FINISH"

    with fake_platform(store, seconds=NOW.timestamp, after_page=close_one) as platform:
        assert not pull(platform.url, NOW, history_days=30, tracking="none").left
        assert [o["order_status"] for o in store.orders].count("FINISH") == 1
        assert len({q["order_id"] for q in asked(platform, DETAIL)}) == 120


def test_an_order_that_changes_between_two_rounds_is_kept_as_it_is_then(
    pull: Pull, dumps: Path
) -> None:
    """The count changes on the third page, so that the second is read again."""
    store = made_store(120)

    def change_one(store: FakeStore, query: dict[str, Any], total: int) -> None:
        if query["current_page"] == 3 and len(store.orders) == 120:
            changed = order(30, NOON, "IN_ISSUE") | {"gmt_update": "2025-06-10 04:59:59"}
            add_order(store, changed)
            add_order(store, order(900, "2025-06-10 04:00:00"))

    with fake_platform(store, seconds=NOW.timestamp) as platform:
        pull(platform.url, NOW, history_days=30, tracking="none")
        later = NOW + timedelta(hours=1)
        platform.seconds, platform.after_page = later.timestamp, change_one
        assert not pull(platform.url, later, history_days=30, tracking="none").left
    pages = [answer for answer in kept(dumps) if SEARCH in str(answer["request"])]
    assert "IN_ISSUE" in json.dumps(pages)


def test_a_dispute_that_closes_between_two_pages_hides_no_other(pull: Pull) -> None:
    store = made_store(0)
    for number in range(120):
        add_issue(store, number, f"2025-05-{1 + number % 28:02} 0{number % 9}:00:{number % 60:02}")

    def close_one(store: FakeStore, query: dict[str, Any], total: int) -> None:
        if query.get("issue_status") == "processing" and query["current_page"] == 1:
            newest = max(store.issues, key=lambda issue: (issue["gmt_create"], issue["issue_id"]))
            newest["issue_status"] = "finish"
            platform.after_page = None

    with fake_platform(store, seconds=NOW.timestamp, after_page=close_one) as platform:
        assert not pull(platform.url, NOW).left
        assert len({form["issue_id"] for _, form in platform.queries if "issue_id" in form}) == 120
