"""The service Shopify: what a run fetches, disputes of Shopify Payments, and the check of access.

Disputes come page by page, newest first, behind a cursor: a dispute that is opened meanwhile shifts
no page. Open ones are asked for again however old they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pipeline.connections.connection_check import MethodCheck
from pipeline.connections.pull_clock import utc_text
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob
from pipeline.sources.shops.kept_answers import parsed_time, rows_of, texts_of
from pipeline.sources.shops.service_run import ServiceRun, ShopService, method_check
from pipeline.sources.shops.shopify_client import ShopifyClient
from pipeline.sources.shops.shopify_orders import ORDERS, fetch_orders, window
from pipeline.workspace.workspace import new_id

KIND = "shopify"
SHOP, DISPUTES = "shop", "disputes"
RECENT, DISPUTE_PAGES, HISTORY = 10, 20, 30
OVERLAP = timedelta(days=1)
UNTIL, DISPUTES_UNTIL = "orders_until", "disputes_until"
OPEN = ("NEEDS_RESPONSE", "UNDER_REVIEW")
COSTS = {
    SHOP: "the time zone and the currency of the shop are not known",
    ORDERS: "nothing works",
    DISPUTES: "disputes of Shopify Payments are missing: no model can be trained from them",
}
SHOP_QUERY = "{shop{name ianaTimezone currencyCode}}"
SCOPES_QUERY = "{currentAppInstallation{accessScopes{handle}}}"
ORDERS_QUERY = "{orders(first: 1){nodes{id}}}"
DISPUTES_QUERY = (
    "query($after: String, $filter: String){shopifyPaymentsAccount{disputes(first: 50, after: "
    "$after, query: $filter){nodes{id legacyResourceId status type initiatedAt evidenceDueBy "
    "evidenceSentOn finalizedOn amount{amount currencyCode} reasonDetails{reason "
    "networkReasonCode} order{id name}} pageInfo{hasNextPage endCursor}}}}"
)


def plan(run: ServiceRun, now: datetime) -> JobResult:
    """The jobs of a run: the shop, changed orders, disputes; at first also the history."""
    settings = run.settings
    result = JobResult(marks={UNTIL: utc_text(now)})
    result.jobs.append(PullJob(SHOP, SHOP, 0))
    history = now - timedelta(days=settings.history_days)
    until = parsed_time(run.state.mark(UNTIL) or "")
    if until is None:
        end, step = now - OVERLAP, timedelta(days=settings.window_days)
        result.jobs.append(window("updated", end, None, RECENT))
        while end > history:
            start = max(end - step, history)
            result.jobs.append(window("created", start, end, HISTORY))
            end = start
    else:
        result.jobs.append(window("updated", until - OVERLAP, None, RECENT))
    since = parsed_time(run.state.mark(DISPUTES_UNTIL) or "")
    since = history if since is None else since - OVERLAP
    opened = [
        parsed_time(dispute.get("opened")) for dispute in run.state.all_known(DISPUTES).values()
    ]
    since = min([since, *(each for each in opened if each is not None)])
    wanted = {"since": utc_text(since), "look": new_id(), "after": None}
    result.jobs.append(PullJob(DISPUTES, DISPUTES, DISPUTE_PAGES, 0.0, wanted))
    return result


def fetch_shop(job: PullJob, run: ServiceRun) -> JobResult:
    """The zone and the currency of the shop."""
    asked = run.now_text()
    data, text = run.client.answer(SHOP_QUERY)
    shop = data.get("shop") or {}
    marks = {
        name: texts_of(shop, own)
        for name, own in (("zone", "ianaTimezone"), ("currency", "currencyCode"))
    }
    line = run.line(text, {"kind": SHOP, "asked_at": asked})
    return JobResult(lines=[line], marks={name: text for name, text in marks.items() if text})


def fetch_disputes(job: PullJob, run: ServiceRun) -> JobResult:
    """A page of disputes, and a job for the next one."""
    asked = run.now_text()
    wanted = dict(job.wanted)
    first_asked = wanted.setdefault("first_asked", asked)
    variables = {"after": wanted["after"], "filter": f"initiated_at:>='{wanted['since']}'"}
    data, text = run.client.answer(DISPUTES_QUERY, variables)
    account = data.get("shopifyPaymentsAccount")
    request = {"kind": DISPUTES, **{name: wanted[name] for name in ("look", "since")}}
    request["asked_at"] = first_asked
    result = JobResult(marks={"has_disputes": "yes" if account is not None else "no"})
    nodes = rows_of(account, "disputes", "nodes")
    page: Any = ((account or {}).get("disputes") or {}).get("pageInfo") or {}
    is_last = not page.get("hasNextPage") or not page.get("endCursor")
    result.lines.append(run.line(text, {**request, "complete": is_last and account is not None}))
    for node in nodes:
        is_open = texts_of(node, "status").upper() in OPEN
        content = {"opened": node.get("initiatedAt") if is_open else None}
        result.known[DISPUTES, str(node.get("id"))] = content
    if is_last:
        result.marks[DISPUTES_UNTIL] = first_asked
    else:
        wanted["after"] = page["endCursor"]
        key = f"{DISPUTES} {wanted['after']}"
        result.jobs.append(PullJob(DISPUTES, key, DISPUTE_PAGES, 0.0, wanted))
    return result


def checks(run: ServiceRun) -> Iterator[MethodCheck]:
    """Yield what the token may read."""
    client: ShopifyClient = run.client
    yield method_check(run, "shop", lambda: client.call(SHOP_QUERY), COSTS[SHOP])
    yield method_check(run, "orders", lambda: client.call(ORDERS_QUERY), COSTS[ORDERS])
    variables = {"after": None, "filter": None}
    yield method_check(
        run,
        "disputes of Shopify Payments",
        lambda: client.call(DISPUTES_QUERY, variables),
        COSTS[DISPUTES],
    )
    installed = client.call(SCOPES_QUERY).get("currentAppInstallation")
    scopes = {texts_of(scope, "handle") for scope in rows_of(installed, "accessScopes")}
    cost = "only the orders of the last 60 days: too few to train a model at first"
    yield MethodCheck("read_all_orders", "read_all_orders" in scopes, "", cost)


SERVICE = ShopService(
    kind=KIND,
    needed=ORDERS,
    connect=ShopifyClient,
    plan=plan,
    handlers={SHOP: fetch_shop, ORDERS: fetch_orders, DISPUTES: fetch_disputes},
    costs=COSTS,
    checks=checks,
)
