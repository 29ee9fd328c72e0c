"""The work of one run, and what comes first: open orders before history, so that a run that ends
early has what tonight's list needs.

Searches are by the time of the order and by the time of the last change. Both overlap the previous
run by a day: clocks differ, and the platform lists some changes late. Times are those of
California, as the platform writes and compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.settings.delivery.pull_settings import AliexpressStore
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob, PullQueue

ORDERS, DETAIL, TRACKING = "orders", "detail", "tracking"
DISPUTES, DISPUTE = "disputes", "dispute"
CONVERSATIONS, MESSAGES = "conversations", "messages"
EVALUATIONS = "evaluations"
# the lower, the earlier
OPEN_SEARCH, OPEN_DISPUTES, RECENT_SEARCH = 10, 15, 20
DISPUTE_DETAIL, OPEN_DETAIL, RECENT_CONVERSATIONS = 25, 30, 32
RECENT_MESSAGES, CLOSED_DISPUTES, RECENT_EVALUATIONS = 34, 36, 38
# scans come last of what a list needs: of many parcels, they may use up a day's requests
OPEN_TRACKING = 40
HISTORY_SEARCH, HISTORY_DETAIL, HISTORY_TRACKING = 60, 70, 80
HISTORY_DISPUTE, HISTORY_CONVERSATIONS, HISTORY_MESSAGES = 72, 84, 86
HISTORY_EVALUATIONS = 88

PLATFORM_ZONE = ZoneInfo("America/Los_Angeles")
# as long as a dispute may be opened after the end of an order
LATE_SCANS = timedelta(days=15)
NEW_SCANS = timedelta(hours=12)
# few orders are open for longer
LONGEST_OPEN = timedelta(days=75)
OVERLAP, AHEAD, SLICE = timedelta(days=1), timedelta(hours=1), timedelta(days=30)
OPEN_STATUS = "processing"
STATUSES_OF_DISPUTES = (OPEN_STATUS, "canceled_issue", "finish")
UNTIL, MESSAGES_UNTIL = "orders_until", "messages_until"
EVALUATIONS_UNTIL = "evaluations_until"
TIME = "%Y-%m-%d %H:%M:%S"


def platform_time(moment: datetime) -> datetime:
    """The wall clock of the platform, without a zone."""
    return moment.astimezone(PLATFORM_ZONE).replace(tzinfo=None, microsecond=0)


def platform_day(moment: datetime) -> str:
    """The platform's day, for which its allowance counts."""
    return platform_time(moment).date().isoformat()


def planned(state: PullQueue, settings: AliexpressStore, now: datetime) -> JobResult:
    """The jobs of a run that starts at `now`, next to those that earlier runs left."""
    local = platform_time(now)
    result = JobResult(marks={UNTIL: local.strftime(TIME)})
    result.jobs += _searches(state.mark(UNTIL), settings, local)
    result.jobs += [_disputes_job(status, state, local) for status in STATUSES_OF_DISPUTES]
    if settings.tracking != "none":
        result.jobs += [
            tracking_job(key, order, now, OPEN_TRACKING)
            for key, order in state.all_known(ORDERS).items()
            if order.get("parcels") and _is_on_its_way(order, local) and _is_due(order, now)
        ]
    if settings.messages:
        start = state.mark(MESSAGES_UNTIL)
        result.jobs += conversation_jobs(start, settings, now)
        result.marks[MESSAGES_UNTIL] = str(int(now.timestamp() * 1000))
    if settings.evaluations:
        result.jobs += _evaluations(state.mark(EVALUATIONS_UNTIL), settings, local)
        result.marks[EVALUATIONS_UNTIL] = local.strftime(TIME)
    return result


def _is_on_its_way(order: dict[str, Any], local: datetime) -> bool:
    """Whether scans may still come: of an open order, and of one that ended a short time ago."""
    changed = str(order["mark"][0] or "")
    return bool(order["is_open"]) or changed >= (local - LATE_SCANS).strftime(TIME)


def _is_due(order: dict[str, Any], now: datetime) -> bool:
    """Whether its scans were not looked up a few hours ago, by a run that was killed."""
    return abs(now.timestamp() - float(order.get("tracked", 0.0))) > NEW_SCANS.total_seconds()


def _searches(until: str | None, settings: AliexpressStore, local: datetime) -> Iterator[PullJob]:
    end = local + AHEAD
    if until is None:
        first = local - timedelta(days=settings.history_days)
        while end > first:
            start = max(end - SLICE, first)
            yield search_job("create", start, end, OPEN_SEARCH, is_open=True)
            yield search_job("create", start, end, HISTORY_SEARCH, is_open=False)
            end = start
        return
    start = datetime.strptime(until, TIME) - OVERLAP
    for by in ("modified", "create"):
        yield search_job(by, start, end, OPEN_SEARCH, is_open=True)
        yield search_job(by, start, end, RECENT_SEARCH, is_open=False)


def _disputes_job(status: str, state: PullQueue, local: datetime) -> PullJob:
    """The list of the disputes with a status. `bound`: no dispute opened earlier can have come into
    this list since it was last read; without a bound, all are read."""
    wanted = {"started": local.strftime(TIME)}
    read = state.mark(f"{DISPUTES}_{status}")
    if status == OPEN_STATUS:
        return PullJob(DISPUTES, status, OPEN_DISPUTES, 0.0, wanted)
    if read is not None:
        known = state.all_known(DISPUTES).values()
        opened = [dispute["opened"] for dispute in known if dispute["status"] == OPEN_STATUS]
        before = datetime.strptime(read, TIME) - OVERLAP
        wanted["bound"] = min([*opened, before.strftime(TIME)])
    return PullJob(DISPUTES, status, CLOSED_DISPUTES, 0.0, wanted)


def search_job(by: str, start: datetime, end: datetime, rank: int, *, is_open: bool) -> PullJob:
    """A search for the orders from `start` to `end`, both included: open ones, or finished ones,
    which the platform lists only if it is asked for them."""
    times = {"start": start.strftime(TIME), "end": end.strftime(TIME)}
    which = "open" if is_open else "finished"
    return PullJob(
        ORDERS,
        f"{by} {which} {times['start']} {times['end']}",
        rank,
        start.toordinal(),
        {"by": by, "which": which, **times},
    )


def tracking_job(order_id: str, order: dict[str, object], now: datetime, rank: int) -> PullJob:
    """The scans of an order's parcels; the longest not looked up first."""
    last = float(str(order.get("tracked", 0.0)))
    wanted = {"parcels": order.get("parcels", []), "country": order.get("country", "")}
    return PullJob(TRACKING, order_id, rank, now.timestamp() - last, wanted)


def conversation_jobs(
    start_ms: str | None, settings: AliexpressStore, now: datetime
) -> Iterator[PullJob]:
    """The conversations in which something was written since the last run. In the first run, those
    that may be about an open order come before the history."""
    end = _milliseconds(now + AHEAD)
    if start_ms is not None:
        yield _conversations_job(
            int(start_ms) - int(OVERLAP.total_seconds() * 1000), end, RECENT_CONVERSATIONS
        )
        return
    first = _milliseconds(now - timedelta(days=settings.history_days))
    recent = max(first, _milliseconds(now - LONGEST_OPEN))
    yield _conversations_job(recent, end, RECENT_CONVERSATIONS)
    if first < recent:
        yield _conversations_job(first, recent - 1, HISTORY_CONVERSATIONS)


def _conversations_job(start: int, end: int, rank: int) -> PullJob:
    return PullJob(CONVERSATIONS, f"{start} {end}", rank, 0.0, {"start": start, "end": end})


def _evaluations(
    until: str | None, settings: AliexpressStore, local: datetime
) -> Iterator[PullJob]:
    """The ratings that became effective since the last run; in the first run, the latest first."""
    end = local + AHEAD
    if until is not None:
        start = datetime.strptime(until, TIME) - OVERLAP
        yield evaluations_job(start, end, RECENT_EVALUATIONS)
        return
    first = local - timedelta(days=settings.history_days)
    while end > first:
        start = max(end - SLICE, first)
        yield evaluations_job(start, end, HISTORY_EVALUATIONS)
        end = start


def evaluations_job(start: datetime, end: datetime, rank: int) -> PullJob:
    """The ratings that became effective from `start` to `end`."""
    wanted = {"start": start.strftime(TIME), "end": end.strftime(TIME)}
    return PullJob(
        EVALUATIONS, f"{wanted['start']} {wanted['end']}", rank, start.toordinal(), wanted
    )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
