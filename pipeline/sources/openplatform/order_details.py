"""Fetch the detail of one order, and the scans of its parcels."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pipeline.connections.call_faults import Unanswered
from pipeline.sources.aliexpress.answer_fields import field_text
from pipeline.sources.openplatform.job_tools import JobTools
from pipeline.sources.openplatform.listed_items import parcels_of, result_of
from pipeline.sources.openplatform.pull_jobs import (
    DETAIL,
    HISTORY_DETAIL,
    HISTORY_TRACKING,
    OPEN_DETAIL,
    OPEN_TRACKING,
    ORDERS,
    tracking_job,
)
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob

DETAIL_METHOD = "aliexpress.solution.order.info.get"
ORDER_TRACKING = "aliexpress.ds.order.tracking.get"
PARCEL_TRACKING = "aliexpress.logistics.redefining.querytrackingresult"
TRACKING_METHODS = {"by_order": ORDER_TRACKING, "by_parcel": PARCEL_TRACKING}
LANGUAGE = "en_US"


def fetch_detail(job: PullJob, tools: JobTools) -> JobResult:
    """The detail of an order, and a job for the scans if it was sent."""
    answer = tools.call(DETAIL_METHOD, {"param1": {"order_id": _number(job.key)}})
    data = result_of(DETAIL_METHOD, answer.response(DETAIL_METHOD)).get("data")
    if not isinstance(data, dict) or field_text(data, "id", "order_id") != job.key:
        raise Unanswered(f"{DETAIL_METHOD}: the answer has no data, or those of another order")
    line = tools.line(answer, DETAIL_METHOD, {"order_id": _number(job.key)})
    order = {
        **(tools.state.known(ORDERS, job.key) or {}),
        "parcels": list(parcels_of(data)),
        "country": _country(data),
    }
    result = JobResult([line], known={(ORDERS, job.key): order})
    if order["parcels"] and tools.settings.tracking != "none" and not job.wanted.get("has_scans"):
        rank = HISTORY_TRACKING if job.rank >= HISTORY_DETAIL else OPEN_TRACKING
        result.jobs.append(tracking_job(job.key, order, tools.clock.now(), rank))
    return result


def fetch_tracking(job: PullJob, tools: JobTools) -> JobResult:
    """The scans of an order's parcels. That the platform has none is an answer too.

    News of a parcel may be in the order's detail as well, such as its receipt, without a change of
    the order: then the detail is fetched again.
    """
    result, contents = JobResult(), list[Any]()
    if tools.settings.tracking == "by_order":
        request = {"ae_order_id": _number(job.key), "language": LANGUAGE}
        answer = tools.call(ORDER_TRACKING, request)
        # "not found" comes as ret = false
        content = answer.response(ORDER_TRACKING).get("result")
        if not isinstance(content, dict):
            raise Unanswered(f"{ORDER_TRACKING}: the answer has no result")
        contents.append(content)
        result.lines.append(tools.line(answer, ORDER_TRACKING, request))
    else:
        for parcel in job.wanted.get("parcels", []):
            if parcel["number"]:
                line, content = _parcel_scans(job, parcel, tools)
                result.lines.append(line)
                contents.append(content.get("details"))
    order = tools.state.known(ORDERS, job.key) or {}
    scans = hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
    tracked = {"tracked": tools.clock.now().timestamp(), "scans": scans}
    result.known[ORDERS, job.key] = {**order, **tracked}
    if order.get("scans") not in (None, scans):
        result.jobs.append(PullJob(DETAIL, job.key, OPEN_DETAIL, job.age, {"has_scans": True}))
    return result


def _parcel_scans(
    job: PullJob, parcel: dict[str, str], tools: JobTools
) -> tuple[str, dict[str, Any]]:
    """The line of a parcel's answer, and its content."""
    request = {
        "service_name": parcel["service"],
        "logistics_no": parcel["number"],
        "to_area": job.wanted.get("country", ""),
        "out_ref": job.key,
        "origin": "ESCROW",
    }
    answer = tools.call(PARCEL_TRACKING, request)
    return tools.line(answer, PARCEL_TRACKING, request), answer.response(PARCEL_TRACKING)


def _country(data: dict[str, Any]) -> str:
    address = data.get("receipt_address")
    return (field_text(address, "country") or "") if isinstance(address, dict) else ""


def _number(key: str) -> int | str:
    return int(key) if key.isdecimal() else key
