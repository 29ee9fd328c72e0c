"""Orders of Shopify by bulk operations: start one, wait for it, fetch its result.

The id of a started operation is kept, so that a run after a kill waits for it instead of starting
another. A result is used only if it has as many lines as the shop counts. An operation that fails
or takes too long is started again for the halves of its time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pipeline.connections.call_faults import ForbiddenCall, RefusedCall, Throttled, Unanswered
from pipeline.connections.pull_clock import utc_text
from pipeline.output.safe_text import one_line
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob
from pipeline.sources.shops.kept_answers import parsed_time, rows_of, texts_of
from pipeline.sources.shops.service_run import ServiceRun
from pipeline.workspace.workspace import new_id

ORDERS = "orders"
MONEY = "{shopMoney{amount currencyCode}}"
# a list may have no connection below it, so the lines of refunds are not asked for
QUERY = (
    "{orders(query: %s){edges{node{id legacyResourceId name email phone createdAt processedAt "
    "updatedAt cancelledAt closedAt currencyCode displayFinancialStatus displayFulfillmentStatus "
    f"taxesIncluded subtotalPriceSet{MONEY} totalShippingPriceSet{MONEY} totalTaxSet{MONEY} "
    f"totalPriceSet{MONEY} totalDiscountsSet{MONEY} shippingAddress{{countryCodeV2}} "
    "billingAddress{countryCodeV2} shippingLine{title} "
    f"transactions{{id kind status gateway createdAt processedAt paymentId authorizationCode "
    f"amountSet{MONEY}}} "
    "fulfillments{id createdAt status deliveredAt trackingInfo{number company}} "
    f"refunds{{id createdAt note totalRefundedSet{MONEY}}} "
    "lineItems{edges{node{id sku name quantity vendor "
    f"originalUnitPriceSet{MONEY}}}}}}}}}}}}}}}"
)
START = (
    "mutation($query: String!){bulkOperationRunQuery(query: $query)"
    "{bulkOperation{id status} userErrors{code field message}}}"
)
STATUS = (
    "query($id: ID!){node(id: $id){... on BulkOperation{id status errorCode objectCount fileSize "
    "url}}}"
)
WAITING = ("CREATED", "RUNNING", "CANCELING")
SHORTEST = timedelta(hours=1)
MOST_STARTS = 3


def fetch_orders(job: PullJob, run: ServiceRun) -> JobResult:
    """The orders of a window of time. Raises a `PlatformFault`."""
    mark = f"operation {job.key}"
    for _ in range(MOST_STARTS):
        started = _started(job, run, mark)
        operation = _finished(started["id"], run)
        status = operation.get("status")
        if status == "COMPLETED" and _is_too_large(operation, run):
            return _halved(job, run, mark, "the result is larger than largest_answer_mb")
        if status == "COMPLETED":
            try:
                lines = _result_lines(operation, run)
            except RefusedCall:
                # the address of a result ends after some days; the operation starts again
                run.store(**{mark: ""})
                continue
            return JobResult(lines=_kept(lines, job, started, run), marks={mark: ""})
        run.store(**{mark: ""})
        code = one_line(texts_of(operation, "errorCode"), 60)
        if code == "ACCESS_DENIED":
            raise ForbiddenCall("the bulk operation was denied: the app lacks a scope")
        if status == "FAILED" and code:
            return _halved(job, run, mark, f"the bulk operation failed: {code}")
    raise RefusedCall(f"a bulk operation ended {MOST_STARTS} times without a result")


def _started(job: PullJob, run: ServiceRun, mark: str) -> dict[str, str]:
    """The id of the operation and when it was asked for: of an earlier run, or a new one."""
    if kept := run.state.mark(mark):
        return dict(json.loads(kept))
    asked = run.now_text()
    by = f"{job.wanted['by']}_at"
    filters = [f"{by}:>='{job.wanted['since']}'"]
    if job.wanted["until"]:
        filters.append(f"{by}:<'{job.wanted['until']}'")
    query = QUERY % json.dumps(" AND ".join(filters))
    operation_id = _operation_id(query, run)
    started = {"id": operation_id, "asked_at": asked}
    run.store(**{mark: json.dumps(started)})
    return started


def _operation_id(query: str, run: ServiceRun) -> str:
    """Start an operation; wait while another one runs."""
    waited = 0.0
    while True:
        data = run.client.call(START, {"query": query})
        answer = data.get("bulkOperationRunQuery") or {}
        errors = rows_of(answer, "userErrors")
        if not errors:
            if operation_id := texts_of(answer, "bulkOperation", "id"):
                return operation_id
            raise Unanswered("the shop started no bulk operation")
        said = " ".join(f"{each.get('code') or ''} {each.get('message')}" for each in errors)
        message = one_line(said.strip(), 200)
        if not _is_running(message):
            raise RefusedCall(f"the bulk operation was refused: {message}")
        if waited >= run.settings.longest_operation_minutes * 60:
            raise Throttled("another bulk operation is running in this shop")
        pause = max(run.settings.poll_seconds, 1.0)
        run.clock.sleep(pause)
        waited += pause


def _is_running(message: str) -> bool:
    lower = message.lower()
    return any(
        words in lower
        for words in ("already in progress", "operation_in_progress", "limit_reached", "limit of")
    )


def _finished(operation_id: str, run: ServiceRun) -> Mapping[str, Any]:
    """Wait until the operation has ended. One that is no longer known has ended too."""
    waited = 0.0
    while True:
        operation = run.client.call(STATUS, {"id": operation_id}).get("node")
        if not isinstance(operation, dict):
            return {"status": "EXPIRED"}
        if operation.get("status") not in WAITING:
            return operation
        if waited >= run.settings.longest_operation_minutes * 60:
            raise Throttled("the bulk operation is still running")
        pause = max(run.settings.poll_seconds, 0.1)
        run.clock.sleep(pause)
        waited += pause


def _is_too_large(operation: Mapping[str, Any], run: ServiceRun) -> bool:
    size = texts_of(operation, "fileSize")
    return size.isdecimal() and int(size) > run.settings.largest_answer_mb * 1_000_000


def _result_lines(operation: Mapping[str, Any], run: ServiceRun) -> list[str]:
    """The lines of the result; none if the shop has no such orders."""
    count = texts_of(operation, "objectCount")
    url = texts_of(operation, "url")
    if not url:
        if count not in ("", "0"):
            raise RefusedCall("the bulk operation has no result any more")
        return []
    lines: list[str] = run.tried(lambda: _complete(run.client.result(url), count))
    return lines


def _complete(text: str, count: str) -> list[str]:
    """The lines of a whole result. Raises `Unanswered` if it is cut off."""
    lines = [line for line in text.split("\n") if line.strip()]
    try:
        are_objects = all(isinstance(json.loads(line), dict) for line in lines)
    except (ValueError, RecursionError):
        are_objects = False
    if not are_objects:
        raise Unanswered("the result of the bulk operation is cut off")
    if count.isdecimal() and int(count) != len(lines):
        raise Unanswered(f"the result has {len(lines):,} of {int(count):,} objects")
    return lines


def _kept(lines: list[str], job: PullJob, started: Mapping[str, str], run: ServiceRun) -> list[str]:
    """The lines of the dump. The last one says that all others are there."""
    request = {
        "kind": ORDERS,
        "look": new_id(),
        "operation": started["id"],
        "asked_at": started["asked_at"],
        **job.wanted,
    }
    last = json.dumps({"complete": True, "count_objects": len(lines)})
    ended = run.line(last, {**request, "complete": True})
    return [*(run.line(line, request) for line in lines), ended]


def _halved(job: PullJob, run: ServiceRun, mark: str, reason: str) -> JobResult:
    """The two halves of the window as jobs of their own."""
    run.store(**{mark: ""})
    since = parsed_time(job.wanted["since"])
    until = parsed_time(job.wanted["until"]) or run.clock.now()
    assert since is not None
    if until - since < 2 * SHORTEST:
        raise RefusedCall(reason)
    middle = since + (until - since) / 2
    by, last = job.wanted["by"], until if job.wanted["until"] else None
    return JobResult(jobs=[window(by, since, middle, job.rank), window(by, middle, last, job.rank)])


def window(by: str, since: datetime, until: datetime | None, rank: int) -> PullJob:
    """A job for the orders that were `created` or `updated` in a window of time. The last window
    has no end, so that an order that changes meanwhile is not missing."""
    texts = {"by": by, "since": utc_text(since), "until": utc_text(until) if until else ""}
    return PullJob(
        ORDERS, f"{by} {texts['since']} {texts['until']}", rank, since.timestamp(), texts
    )
