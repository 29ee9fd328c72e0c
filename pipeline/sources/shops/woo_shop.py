"""The service WooCommerce: orders and refunds by its REST API, version 3.

Rows move between pages while these are read: an order that is deleted leaves them, and those after
it move up, so that one of them is on no page. The pages are therefore read again until they show as
many orders as the shop counts, the same number on each page.

Times are asked for in GMT. Shops that ignore it compare with their own clock, which the overlap of
a day covers.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pipeline.connections.call_faults import (
    ForbiddenCall,
    PlatformFault,
    RefusedCall,
    StaleToken,
    Unanswered,
)
from pipeline.connections.connection_check import MethodCheck
from pipeline.connections.pull_clock import utc_text
from pipeline.connections.web_client import WebAnswer
from pipeline.output.safe_text import one_line
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob
from pipeline.sources.shops.kept_answers import parsed_time, rows_of, texts_of
from pipeline.sources.shops.service_run import ServiceRun, ShopService, method_check
from pipeline.workspace.workspace import new_id

KIND = "woocommerce"
SHOP, ORDERS, REFUNDS = "shop", "orders", "refunds"
RECENT, RECENT_REFUNDS, HISTORY, HISTORY_REFUNDS = 10, 20, 30, 40
OVERLAP, SECOND = timedelta(days=1), timedelta(seconds=1)
UNTIL = "orders_until"
MOST_ROUNDS = 5
# pages beyond those that the shop's count makes likely
MORE_PAGES = 5
COSTS = {
    SHOP: "the time zone of the shop is not known",
    ORDERS: "nothing works",
    REFUNDS: "refunds are missing, which count as disputes if no account lists disputes",
}


class WooClient:
    """Asks one shop. The keys go into a header: addresses are logged everywhere."""

    def __init__(self, run: ServiceRun) -> None:
        self._run = run
        self._base = run.settings.url.rstrip("/") + "/wp-json"
        keys = f"{run.secret('consumer_key')}:{run.secret('consumer_secret')}"
        encoded = b64encode(keys.encode()).decode()
        run.secrets.remember(encoded)
        self._headers = {"Authorization": f"Basic {encoded}"}

    def get(self, path: str, **query: object) -> tuple[Any, WebAnswer]:
        """The value of an answer, and the answer. Raises a `PlatformFault`."""
        url = f"{self._base}{path}?{urlencode(query)}"
        result: tuple[Any, WebAnswer] = self._run.tried(lambda: self._once(url))
        return result

    def _once(self, url: str) -> tuple[Any, WebAnswer]:
        answer = self._run.web.ask("GET", url, headers=self._headers)
        try:
            content = json.loads(answer.text)
        except (ValueError, RecursionError):
            # warnings of PHP before the answer, a page of a firewall
            raise Unanswered(f"the shop answered {answer.status} without JSON") from None
        if answer.status >= 400:
            raise _fault(answer.status, content)
        return content, answer


def _fault(status: int, content: object) -> PlatformFault:
    code, said = texts_of(content, "code"), texts_of(content, "message")
    message = one_line(f"the shop answered {status} {code}: {said}", 200)
    if status == 401 and "cannot" not in code:
        return StaleToken(message)
    if status in (401, 403):
        return ForbiddenCall(message)
    return RefusedCall(message)


def plan(run: ServiceRun, now: datetime) -> JobResult:
    """The jobs of a run: changed orders; at first also the history, the newest first."""
    result = JobResult(marks={UNTIL: utc_text(now)})
    result.jobs.append(PullJob(SHOP, SHOP, 0))
    until = parsed_time(run.state.mark(UNTIL) or "")
    if until is not None:
        result.jobs.append(_window("modified", until - OVERLAP, None, RECENT))
        return result
    end, step = now - OVERLAP, timedelta(days=run.settings.window_days)
    result.jobs.append(_window("modified", end, None, RECENT))
    history = now - timedelta(days=run.settings.history_days)
    while end > history:
        start = max(end - step, history)
        result.jobs.append(_window("created", start, end, HISTORY))
        end = start
    return result


def _window(by: str, since: datetime, until: datetime | None, rank: int) -> PullJob:
    texts = {"by": by, "since": utc_text(since), "until": utc_text(until) if until else ""}
    key = f"{by} {texts['since']} {texts['until']}"
    return PullJob(ORDERS, key, rank, since.timestamp(), texts)


def fetch_shop(job: PullJob, run: ServiceRun) -> JobResult:
    """The zone of the shop."""
    asked = run.now_text()
    content, answer = run.client.get("/", _fields="name,timezone_string,gmt_offset")
    if not isinstance(content, dict) or "timezone_string" not in content:
        raise RefusedCall("there is no WordPress at this address: check url")
    return JobResult([run.line(answer.text, {"kind": SHOP, "asked_at": asked})])


def fetch_orders(job: PullJob, run: ServiceRun) -> JobResult:
    """All orders of a window, with a job for the refunds of each that has new ones."""
    request = {"kind": ORDERS, "look": new_id(), "asked_at": run.now_text(), **job.wanted}
    result, seen = JobResult(), dict[str, str]()
    totals, shown = set[int](), set[str]()
    try:
        for _ in range(MOST_ROUNDS):
            totals, shown = set(), set()
            for orders, answer, total in _pages(job, run):
                totals.add(total)
                if job.wanted["by"] == "modified":
                    _require_filter(orders, job)
                versions = {texts_of(o, "id"): texts_of(o, "date_modified_gmt") for o in orders}
                if any(seen.get(key) != version for key, version in versions.items()):
                    result.lines.append(run.line(f'{{"orders": {answer.text}}}', request))
                    result.jobs += _refund_jobs(orders, job, run)
                seen |= versions
                shown |= versions.keys()
            if len(totals) == 1 and len(shown) >= max(totals):
                last = json.dumps({"complete": True, "count_orders": len(shown)})
                result.lines.append(run.line(last, {**request, "complete": True}))
                return result
    except PlatformFault as fault:
        # what came before is kept
        if not result.lines:
            raise
        result.fault = str(fault)
        return result
    result.fault = f"the shop lists {len(shown):,} of {max(totals):,} orders of {job.key}"
    return result


def _pages(job: PullJob, run: ServiceRun) -> Iterator[tuple[list[dict[str, Any]], WebAnswer, int]]:
    """Yield the orders of each page, its answer, and the shop's count of all orders."""
    number, size = 1, run.settings.page_size
    while True:
        content, answer = run.client.get(
            "/wc/v3/orders", **_query(job), per_page=size, page=number, orderby="id", order="asc"
        )
        if not isinstance(content, list):
            raise Unanswered("the shop answered without a list of orders")
        orders = [order for order in content if isinstance(order, dict)]
        counted = answer.headers.get("X-WP-Total", "")
        total = int(counted) if counted.isdecimal() and len(counted) < 10 else 0
        yield orders, answer, total
        is_last = len(content) < size and number * size >= total
        if is_last or number > total // size + MORE_PAGES:
            return
        number += 1


def _query(job: PullJob) -> dict[str, str]:
    """The bounds of the window. Whether they are included is not documented: a second more."""
    since, until = (parsed_time(job.wanted[name]) for name in ("since", "until"))
    assert since is not None
    names = ("modified_after", "") if job.wanted["by"] == "modified" else ("after", "before")
    query = {"dates_are_gmt": "true", names[0]: _plain(since - SECOND)}
    if until is not None:
        query[names[1]] = _plain(until + SECOND)
    return query


def _plain(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _require_filter(orders: list[dict[str, Any]], job: PullJob) -> None:
    """Raise `RefusedCall` if the shop ignores `modified_after`, as versions before 5.8 do."""
    since = parsed_time(job.wanted["since"])
    assert since is not None
    for order in orders:
        changed = parsed_time(order.get("date_modified_gmt"))
        if changed is not None and changed < since - OVERLAP:
            raise RefusedCall("the shop ignores modified_after: update WooCommerce to 5.8 or later")


def _refund_jobs(orders: list[dict[str, Any]], job: PullJob, run: ServiceRun) -> Iterator[PullJob]:
    rank = HISTORY_REFUNDS if job.rank >= HISTORY else RECENT_REFUNDS
    for order in orders:
        order_id = texts_of(order, "id")
        ids = sorted(texts_of(refund, "id") for refund in rows_of(order, "refunds"))
        known = run.state.known(REFUNDS, order_id) or {}
        if ids and known.get("ids") != ids and order_id.isdecimal():
            yield PullJob(REFUNDS, order_id, rank, 0.0, {"ids": ids})


def fetch_refunds(job: PullJob, run: ServiceRun) -> JobResult:
    """The refunds of one order, with their times."""
    asked = run.now_text()
    content, answer = run.client.get(f"/wc/v3/orders/{job.key}/refunds", per_page=100)
    if not isinstance(content, list):
        raise Unanswered("the shop answered without a list of refunds")
    request = {"kind": REFUNDS, "order": job.key, "asked_at": asked}
    line = run.line(f'{{"refunds": {answer.text}}}', request)
    known: Mapping[str, Any] = {"ids": job.wanted["ids"]}
    return JobResult([line], known={(REFUNDS, job.key): known})


def checks(run: ServiceRun) -> Iterator[MethodCheck]:
    """Yield what the keys may read."""
    client: WooClient = run.client
    yield method_check(run, "shop", lambda: client.get("/", _fields="name"), COSTS[SHOP])
    once = {"per_page": 1}
    yield method_check(run, "orders", lambda: client.get("/wc/v3/orders", **once), COSTS[ORDERS])


SERVICE = ShopService(
    kind=KIND,
    needed=ORDERS,
    connect=WooClient,
    plan=plan,
    handlers={SHOP: fetch_shop, ORDERS: fetch_orders, REFUNDS: fetch_refunds},
    costs=COSTS,
    checks=checks,
)
