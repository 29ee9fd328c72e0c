"""Search orders in a window of time, page by page.

Rows move between pages while these are read: an order that changes leaves its window, and those
after it move up, so that one of them is on no page. The pages are therefore read again until they
show as many orders as the platform counts, all of them since its count last changed: an order that
was read before may have left. A window with more orders than one search may return is split into
halves.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pipeline.connections.call_faults import PlatformFault
from pipeline.sources.aliexpress.answer_fields import field_text
from pipeline.sources.openplatform.job_tools import JobTools
from pipeline.sources.openplatform.listed_items import (
    PAGE_SIZE,
    SeenRows,
    items_of,
    result_of,
    whole_number,
)
from pipeline.sources.openplatform.pull_jobs import (
    DETAIL,
    HISTORY_DETAIL,
    HISTORY_SEARCH,
    OPEN_DETAIL,
    ORDERS,
    TIME,
    search_job,
)
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob

METHOD = "aliexpress.solution.order.get"
FINISHED = ("FINISH", "ARCHIVE")
OPEN = (
    "PLACE_ORDER_SUCCESS",
    "IN_CANCEL",
    "WAIT_SELLER_SEND_GOODS",
    "SELLER_PART_SEND_GOODS",
    "WAIT_BUYER_ACCEPT_GOODS",
    "FUND_PROCESSING",
    "IN_ISSUE",
    "IN_FROZEN",
    "WAIT_SELLER_EXAMINE_MONEY",
    "RISK_CONTROL",
)
MOST_ROUNDS = 3
# pages beyond those that the platform's count makes likely
MORE_PAGES = 5
SHORTEST = timedelta(seconds=1)


def search_orders(job: PullJob, tools: JobTools) -> JobResult:
    """All orders of a window, each with a job for its detail if it is new or has changed."""
    result, seen = JobResult(), SeenRows()
    try:
        for round_number in range(MOST_ROUNDS):
            for number, orders, total, line in _pages(job, tools):
                is_too_many = number == 1 and total > _most_rows(tools)
                if is_too_many and (halves := _halves(job)):
                    return JobResult([*result.lines, line], [*result.jobs, *halves])
                is_new = seen.add(orders, total, "order_id")
                if _add(orders, job, tools, result) or is_new or number == 1:
                    result.lines.append(line)
                if round_number and seen.are_all():
                    break
            if seen.are_all():
                return result
    except PlatformFault as fault:
        # what came before is kept
        if not result.lines:
            raise
        result.fault = str(fault)
        return result
    result.fault = (
        f"{METHOD}: lists {len(seen.steady):,} of {seen.total:,} orders of {job.key} "
        "without a change of their count"
    )
    return result


def _most_rows(tools: JobTools) -> int:
    """The orders of one search: so few that a quarter of a day's requests is enough for its pages,
    because a search that is cut off starts again."""
    settings = tools.settings
    return min(settings.most_rows, max(settings.daily_requests // 4, 1) * PAGE_SIZE)


def _pages(job: PullJob, tools: JobTools) -> Iterator[tuple[int, list[dict[str, Any]], int, str]]:
    """Yield (number, orders, the platform's count of all orders, line of the dump) of each page."""
    number, total = 1, 0
    while True:
        query = search_query(job, number)
        answer = tools.call(METHOD, {"param0": query})
        content = result_of(METHOD, answer.response(METHOD))
        orders = items_of(content, "target_list")
        total = whole_number(content, "total_count", "total_item") or 0
        yield number, orders, total, tools.line(answer, METHOD, {"param0": query})
        # the count lacks some kinds of orders, and a page may lack a row: both must say the end
        is_last = number * PAGE_SIZE >= total and len(orders) < PAGE_SIZE
        if is_last or number > total // PAGE_SIZE + MORE_PAGES:
            return
        number += 1


def search_query(job: PullJob, number: int) -> dict[str, Any]:
    """The parameters of one page of a search."""
    wanted = job.wanted
    by = "create_date" if wanted["by"] == "create" else "modified_date"
    statuses = OPEN if wanted["which"] == "open" else FINISHED[:1]
    return {
        f"{by}_start": wanted["start"],
        f"{by}_end": wanted["end"],
        "order_status_list": list(statuses),
        "page_size": PAGE_SIZE,
        "current_page": number,
    }


def _halves(job: PullJob) -> list[PullJob]:
    """The two halves of a window; none if it cannot be divided. They share no second."""
    start, end = (datetime.strptime(job.wanted[name], TIME) for name in ("start", "end"))
    middle = (start + (end - start) / 2).replace(microsecond=0)
    if end - start < 2 * SHORTEST:
        return []
    is_open = job.wanted["which"] == "open"
    return [
        search_job(job.wanted["by"], first, last, job.rank, is_open=is_open)
        for first, last in ((start, middle), (middle + SHORTEST, end))
    ]


def _add(orders: list[dict[str, Any]], job: PullJob, tools: JobTools, result: JobResult) -> bool:
    """Add what is known of the orders, and jobs for the details of new and changed ones. Returns
    whether there are any."""
    count = len(result.jobs)
    for order in orders:
        order_id = field_text(order, "order_id")
        if order_id is None:
            continue
        changed = field_text(order, "gmt_update", "gmt_modified")
        names = ("order_status", "issue_status", "logistics_status")
        mark = [changed, *(field_text(order, name) for name in names)]
        key = (ORDERS, order_id)
        before = result.known.get(key) or tools.state.known(*key) or {}
        if changed is not None and before.get("mark") == mark:
            continue
        is_open = field_text(order, "order_status") not in FINISHED
        result.known[key] = {**before, "mark": mark, "is_open": is_open}
        rank = HISTORY_DETAIL if job.rank >= HISTORY_SEARCH else OPEN_DETAIL
        result.jobs.append(PullJob(DETAIL, order_id, rank, job.age))
    return len(result.jobs) > count
