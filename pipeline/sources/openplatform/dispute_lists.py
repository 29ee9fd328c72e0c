"""Fetch the disputes of a status, newest first, and the detail of each new or changed one."""

from __future__ import annotations

from typing import Any

from pipeline.connections.call_faults import PlatformFault, Unanswered
from pipeline.sources.aliexpress.answer_fields import field_text
from pipeline.sources.openplatform.job_tools import JobTools
from pipeline.sources.openplatform.listed_items import PAGE_SIZE, SeenRows, items_of, whole_number
from pipeline.sources.openplatform.pull_jobs import (
    DISPUTE,
    DISPUTE_DETAIL,
    DISPUTES,
    HISTORY_DISPUTE,
    OPEN_STATUS,
)
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob

LIST_METHOD = "aliexpress.issue.issuelist.get"
DETAIL_METHOD = "aliexpress.issue.detail.get"
MOST_ROUNDS, MORE_PAGES = 3, 5


def list_disputes(job: PullJob, tools: JobTools) -> JobResult:
    """The disputes with the status `job.key`. Open ones are always read whole, closed ones down to
    the oldest that can have closed since the last run."""
    result, listed, seen = JobResult(), dict[str, dict[str, Any]](), SeenRows()
    bound = job.wanted.get("bound")
    rank = DISPUTE_DETAIL if bound or job.key == OPEN_STATUS else HISTORY_DISPUTE
    try:
        for _ in range(MOST_ROUNDS):
            is_bounded = _read_pages(job.key, bound, tools, result, listed, seen)
            if is_bounded or seen.are_all():
                break
        else:
            result.fault = (
                f"{LIST_METHOD}: lists {len(seen.steady):,} of {seen.total:,} {job.key} disputes "
                "without a change of their count"
            )
    except PlatformFault as fault:
        if not result.lines:
            raise
        result.fault = str(fault)
    for issue_id, dispute in listed.items():
        _add(issue_id, dispute, rank, tools, result)
    if not result.fault:
        result.marks[f"{DISPUTES}_{job.key}"] = job.wanted["started"]
        if job.key == OPEN_STATUS:
            _add_closed(set(listed), tools, result)
    return result


def _read_pages(
    status: str,
    bound: str | None,
    tools: JobTools,
    result: JobResult,
    listed: dict[str, dict[str, Any]],
    seen: SeenRows,
) -> bool:
    """Read the pages into `listed`. Returns whether reading ended at `bound`, a time of opening."""
    number, previous = 1, None
    while True:
        query = {"issue_status": status, "current_page": number, "page_size": PAGE_SIZE}
        answer = tools.call(LIST_METHOD, {"query_dto": query})
        content = answer.response(LIST_METHOD)
        content = content["result"] if isinstance(content.get("result"), dict) else content
        disputes = items_of(content, "data_list")
        total = whole_number(content, "total_item", "total_count")
        if total is None:
            raise Unanswered(f"{LIST_METHOD}: the answer has no count")
        seen.add(disputes, total, "issue_id")
        by_id = {key: row for row in disputes if (key := field_text(row, "issue_id"))}
        if number == 1 or any(listed.get(key) != row for key, row in by_id.items()):
            result.lines.append(tools.line(answer, LIST_METHOD, {"query_dto": query}))
        listed.update(by_id)
        opened = [field_text(dispute, "gmt_create") or "" for dispute in disputes]
        order = [*([previous] if previous else []), *opened]
        is_sorted = order == sorted(order, reverse=True)
        if bound and opened and is_sorted and opened[0] < bound:
            return True
        previous = opened[-1] if opened else previous
        is_last = number * PAGE_SIZE >= total and len(disputes) < PAGE_SIZE
        if is_last or number > total // PAGE_SIZE + MORE_PAGES:
            return False
        number += 1


def _add(
    issue_id: str, dispute: dict[str, Any], rank: int, tools: JobTools, result: JobResult
) -> None:
    names = ("gmt_modified", "issue_status")
    mark = [field_text(dispute, name) for name in names]
    before = tools.state.known(DISPUTES, issue_id)
    if before and mark[0] is not None and before["mark"] == mark:
        return
    buyer = field_text(dispute, "buyer_login_id") or ""
    result.known[DISPUTES, issue_id] = {
        "mark": mark,
        "status": mark[1] or "",
        "opened": field_text(dispute, "gmt_create") or "",
        "buyer": buyer,
    }
    result.jobs.append(PullJob(DISPUTE, issue_id, rank, 0.0, {"buyer": buyer}))


def _add_closed(listed: set[str], tools: JobTools, result: JobResult) -> None:
    """A dispute that was open and is no longer listed as such has changed."""
    for issue_id, dispute in tools.state.all_known(DISPUTES).items():
        if dispute["status"] == OPEN_STATUS and issue_id not in listed:
            wanted = {"buyer": dispute["buyer"]}
            result.jobs.append(PullJob(DISPUTE, issue_id, DISPUTE_DETAIL, 0.0, wanted))


def fetch_dispute(job: PullJob, tools: JobTools) -> JobResult:
    """The detail of a dispute."""
    request = {"buyer_login_id": job.wanted.get("buyer", ""), "issue_id": job.key}
    answer = tools.call(DETAIL_METHOD, request)
    if not isinstance(answer.response(DETAIL_METHOD).get("result_object"), dict):
        raise Unanswered(f"{DETAIL_METHOD}: the answer has no result_object")
    return JobResult([tools.line(answer, DETAIL_METHOD, {"issue_id": job.key})])
