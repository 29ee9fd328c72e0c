"""The fewest requests with which a night's changes can be read.

A search without overlap for open and one for finished orders, 50 a page; one detail per order whose
detail changed; the open disputes, and a page of each other list; one detail per dispute that
changed; a page of conversations, and one per conversation with news; a list of ratings. For scans
there is no list of what changed: each parcel on its way is asked for once, an order that ended up
to 15 days ago included. `knowing`: as if one knew in advance which of them have new scans.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.sources.openplatform.pull_jobs import LATE_SCANS, TIME, platform_time
from tests.unit.sources.openplatform.fake_store import FakeStore

SEARCH, DETAIL = "aliexpress.solution.order.get", "aliexpress.solution.order.info.get"
TRACKING = "aliexpress.ds.order.tracking.get"
DISPUTES, DISPUTE = "aliexpress.issue.issuelist.get", "aliexpress.issue.detail.get"
TALKS = "aliexpress.message.redefining.versiontwo.querymsgrelationlist"
EVALUATIONS = "aliexpress.evaluation.listorderevaluation.get"
MESSAGES = "aliexpress.message.redefining.versiontwo.querymsgdetaillist"


@dataclass
class FewestRequests:
    """The sum over all nights."""

    by_method: Counter[str] = field(default_factory=Counter)
    knowing: int = 0

    def add(self, before: FakeStore, changes: FakeStore, moment: datetime) -> int:
        """Count a night: the store before it, and what changed. Returns its requests."""
        night = Counter[str]()
        statuses = Counter(order["order_status"] == "FINISH" for order in changes.orders)
        night[SEARCH] = sum(pages(statuses[which], 50) for which in (True, False))
        night[DETAIL] = sum(
            before.details.get(key) != detail for key, detail in changes.details.items()
        )
        issues = {row["issue_id"]: row["issue_status"] for row in before.issues}
        issues |= {row["issue_id"]: row["issue_status"] for row in changes.issues}
        lists = Counter(row["issue_status"] for row in changes.issues)
        lists["processing"] = list(issues.values()).count("processing")
        names = ("processing", "canceled_issue", "finish")
        night[DISPUTES] = sum(pages(lists[name], 50) for name in names)
        night[DISPUTE] = sum(
            before.issue_details.get(key) != detail for key, detail in changes.issue_details.items()
        )
        night[TALKS] = pages(len(changes.relations), 100)
        night[MESSAGES] = len(changes.messages)
        night[EVALUATIONS] = 1
        news = sum(before.tracking.get(key) != scans for key, scans in changes.tracking.items())
        night[TRACKING] = count_underway(before, changes, moment)
        self.knowing += night.total() - night[TRACKING] + news
        self.by_method += night
        return night.total()


def count_underway(before: FakeStore, changes: FakeStore, moment: datetime) -> int:
    """The sent orders of which scans may come; on the first night, of which there are any."""
    orders = {row["order_id"]: row for row in [*before.orders, *changes.orders]}
    sent = before.tracking.keys() | changes.tracking.keys()
    start = (platform_time(moment) - LATE_SCANS).strftime(TIME) if before.orders else ""
    return sum(
        str(key) in sent and (row["order_status"] != "FINISH" or row["gmt_update"] >= start)
        for key, row in orders.items()
    )


def pages(rows: int, size: int) -> int:
    return max(-(-rows // size), 1)
