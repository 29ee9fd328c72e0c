"""What is fetched first, what is split, what is kept for the next night, and when a run ends."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.settings.errors import PullFailed, WorkspaceBusy
from tests.unit.sources.openplatform.asked_calls import (
    DETAIL,
    DISPUTES,
    MESSAGES,
    SEARCH,
    TRACKING,
    Pull,
    asked,
    kept,
)
from tests.unit.sources.openplatform.conftest import NightClock
from tests.unit.sources.openplatform.fake_platform import fake_platform
from tests.unit.sources.openplatform.made_store import (
    NOW,
    add_issue,
    add_message,
    add_order,
    made_store,
    order,
)


def test_open_orders_come_before_history(pull: Pull) -> None:
    store = made_store()
    add_order(store, order(7, "2024-01-05 10:00:00", "FINISH"))
    with fake_platform(store, seconds=NOW.timestamp) as platform:
        report = pull(platform.url, NOW, daily_requests=40)
        assert report.stop.startswith("the 40 requests of the day are used")
        details = [query["order_id"] % 1000 for query in asked(platform, DETAIL)]
        assert sorted(details) == [0, 1, 2]
        assert report.left["orders"][0] > 10
        # on the same day, nothing more is asked for
        count = platform.requests.total()
        assert pull(platform.url, NOW, daily_requests=40).stop
        assert platform.requests.total() == count
        later = NOW + timedelta(days=1)
        platform.seconds = later.timestamp
        assert not pull(platform.url, later).left
        assert 7 in {query["order_id"] % 1000 for query in asked(platform, DETAIL)}


def test_recent_conversations_come_before_history(pull: Pull) -> None:
    """On the first day, when not even all orders of the history can be searched for."""
    store = made_store()
    for days in (5, 400):
        at = int((NOW - timedelta(days=days)).timestamp() * 1000)
        add_message(store, f"{days} days ago", days, at)
    with fake_platform(store, seconds=NOW.timestamp) as platform:
        report = pull(platform.url, NOW, daily_requests=45)
        assert report.stop.startswith("the 45 requests of the day are used")
        assert report.left["orders"][0] > 10
        assert [form["channel_id"] for form in asked(platform, MESSAGES)] == ["5 days ago"]
        later = NOW + timedelta(days=1)
        platform.seconds = later.timestamp
        assert not pull(platform.url, later).left
        assert platform.requests[MESSAGES] == 2


def test_messages_and_ends_of_disputes_come_before_scans(pull: Pull) -> None:
    """Scans of many parcels can use a day's requests; the others are few."""
    store = made_store(40)
    add_message(store, "c", 1, int(NOW.timestamp() * 1000))
    with fake_platform(store, seconds=NOW.timestamp) as platform:
        report = pull(platform.url, NOW, daily_requests=60, history_days=30)
        assert set(report.left) == {"tracking", "orders", "evaluations"}
        assert 0 < platform.requests[TRACKING] < 40
        assert platform.requests[MESSAGES] == 1
        statuses = {query["issue_status"] for query in asked(platform, DISPUTES)}
        assert statuses == {"processing", "canceled_issue", "finish"}


def test_the_next_night_searches_by_change_with_a_day_of_overlap(pull: Pull) -> None:
    store = made_store()
    with fake_platform(store, seconds=NOW.timestamp) as platform:
        pull(platform.url, NOW)
        platform.queries.clear()
        changed = order(1, "2025-06-09 05:00:00", "FINISH") | {"gmt_update": "2025-06-10 15:00:00"}
        add_order(store, changed, is_sent=True)
        later = NOW + timedelta(days=1)
        platform.seconds = later.timestamp
        pull(platform.url, later)
        starts = {
            q.get("modified_date_start", q.get("create_date_start"))
            for q in asked(platform, SEARCH)
        }
        # noon in UTC is five o'clock in California
        assert starts == {"2025-06-09 05:00:00"}
        assert [q["order_id"] % 1000 for q in asked(platform, DETAIL)] == [1]
        # the scans of all parcels on their way, and of the one that has just ended
        assert len(asked(platform, TRACKING)) == 3


def test_a_failed_order_waits_for_the_next_night(pull: Pull, dumps: Path) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        before = platform.fault

        def fault() -> str | None:
            return "refused" if platform.requests[DETAIL] == 1 else before()

        platform.fault = fault  # type: ignore[method-assign]
        report = pull(platform.url, NOW)
        assert report.left == {"detail": (1, 1)}
        assert "isv.order-not-exist" in report.faults[0]
        platform.fault = before  # type: ignore[method-assign]
        assert not pull(platform.url, NOW).left
        details = [answer for answer in kept(dumps) if DETAIL in str(answer["request"])]
        assert len(details) == 3


@pytest.mark.parametrize("fault", ["html", "cut_off", "cut_body", "null", "redirect", "reset"])
def test_an_answer_that_is_none_is_never_kept(pull: Pull, dumps: Path, fault: str) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        platform.planned = ["", "", fault, fault]
        assert not pull(platform.url, NOW).left
        assert platform.faults[fault] == 2
        assert all(any(n.endswith("_response") for n in answer) for answer in kept(dumps))


def test_a_platform_that_is_away_ends_the_run_with_a_failure(pull: Pull) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        pull(platform.url, NOW)
        platform.kinds, platform.share = ("status_500",), 1.0
        with pytest.raises(PullFailed, match="calls in a row failed"):
            pull(platform.url, NOW)
        # not all jobs were tried
        assert platform.faults.total() <= 5 * 6


def test_waits_grow_and_follow_what_the_platform_asks(pull: Pull) -> None:
    clock = NightClock(NOW)
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        platform.planned = ["", *["call_limit"] * 4, "short_ban"]
        report = pull(platform.url, NOW, clock, first_wait_seconds=0.1, attempts=8)
        assert not report.stop
        waits = [wait for wait in clock.waits if wait > 0.05]
        assert all(
            later > earlier * 0.9 for earlier, later in zip(waits[:4], waits[1:4], strict=False)
        )
        assert waits[4] >= 1.0


def test_a_long_ban_ends_the_run_and_the_next_one_continues(pull: Pull) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        platform.planned = ["", "", "", "long_ban"]
        report = pull(platform.url, NOW)
        assert "14,229 seconds" in report.stop
        assert report.left
        assert not pull(platform.url, NOW).left


def test_a_clock_that_differs_is_corrected(pull: Pull) -> None:
    """This machine is two hours behind the platform."""
    with fake_platform(made_store(), seconds=lambda: NOW.timestamp() + 7_200) as platform:
        assert not pull(platform.url, NOW).left
        assert platform.refused == {"IllegalTimestamp": 1}


def test_a_method_that_is_not_allowed_costs_only_itself(pull: Pull) -> None:
    store = made_store()
    add_message(store, "c", 1, int(NOW.timestamp() * 1000))
    with fake_platform(store, seconds=NOW.timestamp, forbidden={TRACKING, MESSAGES}) as platform:
        report = pull(platform.url, NOW)
        assert set(report.missing) == {"tracking", "messages"}
        assert "only the promised day shows lateness" in report.missing["tracking"]
        assert platform.requests[TRACKING] == 1
        platform.forbidden = {SEARCH}
        with pytest.raises(PullFailed, match="may not list orders"):
            pull(platform.url, NOW)


def test_closed_disputes_are_read_down_to_the_oldest_that_was_open(pull: Pull) -> None:
    store = made_store(0)
    for number in range(180):
        add_issue(
            store,
            number,
            f"2025-0{1 + number // 60}-{1 + number % 28:02} 0{number % 9}:00:00",
            "finish",
        )
    add_issue(store, 500, "2025-05-20 01:00:00")
    with fake_platform(store, seconds=NOW.timestamp) as platform:
        assert not pull(platform.url, NOW).left
        pages = [
            q["current_page"] for q in asked(platform, DISPUTES) if q["issue_status"] == "finish"
        ]
        assert pages == [1, 2, 3, 4]
        platform.queries.clear()
        add_issue(store, 500, "2025-05-20 01:00:00", "finish")
        pull(platform.url, NOW)
        pages = [
            q["current_page"] for q in asked(platform, DISPUTES) if q["issue_status"] == "finish"
        ]
        assert pages == [1, 2]
        changed = {form["issue_id"] for _, form in platform.queries if "issue_id" in form}
        assert changed == {"6000000000000500"}


def test_only_conversations_with_news_are_read(pull: Pull, dumps: Path) -> None:
    store, at = made_store(0), int(NOW.timestamp() * 1000)
    for number in range(230):
        add_message(store, f"c-{number % 3}", number + 1, at - 1000 * (300 - number))
    with fake_platform(store, seconds=NOW.timestamp) as platform:
        assert not pull(platform.url, NOW).left
        assert platform.requests[MESSAGES] == 3
        add_message(store, "c-1", 1_000, at)
        assert not pull(platform.url, NOW).left
        assert platform.requests[MESSAGES] == 4
    texts = [answer for answer in kept(dumps) if MESSAGES.replace(".", "_") + "_response" in answer]
    assert {answer["request"]["other_ali_id"] for answer in texts} == {"5"}


def test_scans_are_looked_up_once_a_night_also_after_a_kill(pull: Pull) -> None:
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        for hours, count in ((0, 3), (1, 3), (24, 6)):
            now = NOW + timedelta(hours=hours)
            platform.seconds = now.timestamp
            assert not pull(platform.url, now).left
            assert platform.requests[TRACKING] == count


def test_tracking_by_parcel(pull: Pull) -> None:
    with fake_platform(made_store(1), seconds=NOW.timestamp) as platform:
        method = "aliexpress.logistics.redefining.querytrackingresult"
        pull(platform.url, NOW, tracking="by_parcel")
        (form,) = [form for name, form in platform.queries if name == method][:1]
        expected = {
            "service_name": "CAINIAO",
            "logistics_no": "LP8000000000000000",
            "to_area": "BR",
            "out_ref": "8000000000000000",
            "origin": "ESCROW",
        }
        assert {name: form[name] for name in expected} == expected


def test_two_pulls_of_one_store_do_not_run_at_once(pull: Pull) -> None:
    is_reached, may_go_on = threading.Event(), threading.Event()
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:

        class WaitingClock(NightClock):
            def pace(self, seconds: float) -> None:
                is_reached.set()
                may_go_on.wait(60)

        thread = threading.Thread(target=pull, args=(platform.url, NOW, WaitingClock(NOW)))
        thread.start()
        assert is_reached.wait(60)
        with pytest.raises(WorkspaceBusy, match="another run"):
            pull(platform.url, NOW)
        may_go_on.set()
        thread.join()


def test_a_damaged_state_is_a_clear_failure_and_can_be_removed(pull: Pull, tmp_path: Path) -> None:
    state = tmp_path / "shop" / "pull" / "aliexpress" / "main" / "state.sqlite"
    with fake_platform(made_store(), seconds=NOW.timestamp) as platform:
        pull(platform.url, NOW)
        for path in state.parent.glob("state.sqlite*"):
            path.write_bytes(b"not a database" * 1_000)
        with pytest.raises(PullFailed, match=r"state\.sqlite cannot be used"):
            pull(platform.url, NOW)
        for path in state.parent.glob("state.sqlite*"):
            path.unlink()
        assert not pull(platform.url, NOW).left
