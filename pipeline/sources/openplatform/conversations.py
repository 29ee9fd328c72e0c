"""Fetch what buyers write and rate: the conversations of a span of time, the new messages of each,
and the ratings that became effective."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pipeline.connections.call_faults import PlatformFault, Unanswered
from pipeline.sources.aliexpress.answer_fields import field_text
from pipeline.sources.openplatform.job_tools import JobTools
from pipeline.sources.openplatform.listed_items import items_of, result_of
from pipeline.sources.openplatform.pull_jobs import (
    CONVERSATIONS,
    HISTORY_CONVERSATIONS,
    HISTORY_MESSAGES,
    MESSAGES,
    RECENT_MESSAGES,
    TIME,
    evaluations_job,
)
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob

LIST_METHOD = "aliexpress.message.redefining.versiontwo.querymsgrelationlist"
EVALUATIONS_METHOD = "aliexpress.evaluation.listorderevaluation.get"
MESSAGES_METHOD = "aliexpress.message.redefining.versiontwo.querymsgdetaillist"
PAGE_SIZE = 100
# the platform returns only the first rows of a search
MOST_ROWS = 5_000
SHORTEST_MS = 1_000
# the answer has no pages and no count: as many ratings may be a cut-off list (an assumption)
MOST_EVALUATIONS, SHORTEST = 50, timedelta(hours=1)


def list_conversations(job: PullJob, tools: JobTools) -> JobResult:
    """The conversations with a message in the span, each with a job if it has new messages. The
    platform does not count them: the list ends with a page that is not full."""
    result, start, end = JobResult(), int(job.wanted["start"]), int(job.wanted["end"])
    try:
        for number in range(1, MOST_ROWS // PAGE_SIZE + 1):
            query = {
                "current_page": number,
                "page_size": PAGE_SIZE,
                "start_time": start,
                "end_time": end,
            }
            answer = tools.call(LIST_METHOD, {"query": query})
            rows = items_of(result_of(LIST_METHOD, answer.response(LIST_METHOD)), "relation_list")
            result.lines.append(tools.line(answer, LIST_METHOD, {"query": query}))
            for row in rows:
                _add(row, job, tools, result)
            if len(rows) < PAGE_SIZE:
                return result
    except PlatformFault as fault:
        if not result.lines:
            raise
        result.fault = str(fault)
        return result
    if end - start > 2 * SHORTEST_MS:
        middle = (start + end) // 2
        for first, last in ((start, middle), (middle + 1, end)):
            wanted = {"start": first, "end": last}
            result.jobs.append(PullJob(CONVERSATIONS, f"{first} {last}", job.rank, 0.0, wanted))
    return result


def _add(row: dict[str, Any], job: PullJob, tools: JobTools, result: JobResult) -> None:
    channel_id = field_text(row, "channel_id")
    last = field_text(row, "last_message_id")
    if channel_id is None:
        return
    before = tools.state.known(CONVERSATIONS, channel_id) or {}
    if last is not None and before.get("last") == last:
        return
    rank = HISTORY_MESSAGES if job.rank >= HISTORY_CONVERSATIONS else RECENT_MESSAGES
    wanted = {name: field_text(row, name) or "" for name in ("other_ali_id", "other_login_id")}
    wanted |= {"last": last or "", "read_until": before.get("last", "")}
    result.jobs.append(PullJob(MESSAGES, channel_id, rank, 0.0, wanted))


def fetch_messages(job: PullJob, tools: JobTools) -> JobResult:
    """The messages of a conversation, newest first, down to the last one that is known."""
    result, seen = JobResult(), set[str]()
    wanted = job.wanted
    for number in range(1, MOST_ROWS // PAGE_SIZE + 1):
        page = {"channel_id": job.key, "current_page": number, "page_size": PAGE_SIZE}
        answer = tools.call(MESSAGES_METHOD, page)
        content = result_of(MESSAGES_METHOD, answer.response(MESSAGES_METHOD))
        rows = items_of(content, "message_detail_list")
        # the answer does not say who of the two is the buyer
        names = ("other_ali_id", "other_login_id")
        request = {**page, **{name: wanted.get(name, "") for name in names}}
        result.lines.append(tools.line(answer, MESSAGES_METHOD, request))
        seen |= {key for row in rows if (key := field_text(row, "id"))}
        if len(rows) < PAGE_SIZE or wanted.get("read_until") in seen:
            break
    if wanted.get("last"):
        result.known[CONVERSATIONS, job.key] = {"last": wanted["last"]}
    return result


def list_evaluations(job: PullJob, tools: JobTools) -> JobResult:
    """The ratings that became effective in the span, which is halved if the list may be cut off."""
    request = {"trade_evaluation_request": evaluations_query(job)}
    answer = tools.call(EVALUATIONS_METHOD, request)
    content = answer.response(EVALUATIONS_METHOD)
    if not {"target_list", "time_stamp"} & content.keys():
        raise Unanswered(f"{EVALUATIONS_METHOD}: the answer has no list")
    rows = items_of(content, "target_list")
    result = JobResult([tools.line(answer, EVALUATIONS_METHOD, request)])
    start, end = (datetime.strptime(job.wanted[name], TIME) for name in ("start", "end"))
    if len(rows) >= MOST_EVALUATIONS and end - start > SHORTEST:
        middle = (start + (end - start) / 2).replace(microsecond=0)
        for first, last in ((start, middle), (middle, end)):
            result.jobs.append(evaluations_job(first, last, job.rank))
    return result


def evaluations_query(job: PullJob) -> dict[str, str]:
    """The parameters of a list of ratings."""
    return {"start_valid_date": job.wanted["start"], "end_valid_date": job.wanted["end"]}
