"""The service PayPal: disputes by its REST API.

PayPal's SDKs have no disputes (`paypal-server-sdk` has orders, payments, vaults, subscriptions and
transactions) or have ended (`paypalrestsdk`), so the requests are ours. The list has no
transactions, so each new or changed dispute is asked for by itself.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from pipeline.connections.call_faults import ForbiddenCall, RefusedCall, StaleToken, Unanswered
from pipeline.connections.connection_check import MethodCheck
from pipeline.connections.pull_clock import utc_text
from pipeline.output.safe_text import one_line
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob
from pipeline.sources.shops.kept_answers import parsed_time, rows_of, texts_of
from pipeline.sources.shops.service_run import ServiceRun, ShopService, method_check
from pipeline.workspace.workspace import new_id

KIND = "paypal"
DISPUTES, DISPUTE = "disputes", "dispute"
LIST, DETAIL = 10, 20
OVERLAP = timedelta(days=1)
UNTIL = "disputes_until"
PATH = "/v1/customer/disputes"
PAGE_SIZE, MOST_PAGES, MOST_ROUNDS = 50, 200, 3
COSTS = {
    DISPUTES: "no disputes of PayPal: no model can be trained from them",
    DISPUTE: "the orders of disputes are not known",
}


class PaypalClient:
    """Asks one account."""

    def __init__(self, run: ServiceRun) -> None:
        self._run = run
        self._url = run.settings.url.rstrip("/")
        self._token = ""

    def get(self, path: str, query: dict[str, str]) -> tuple[dict[str, Any], str]:
        """The object of an answer, and its own text. A token that ended is renewed. Raises a
        `PlatformFault`."""
        url = f"{self._url}{path}" + (f"?{urlencode(query)}" if query else "")
        result: tuple[dict[str, Any], str] = self._run.tried(lambda: self._once(url), StaleToken)
        return result

    def _once(self, url: str) -> tuple[dict[str, Any], str]:
        if not self._token:
            self._token = self._granted()
        answer = self._run.web.ask("GET", url, headers={"Authorization": f"Bearer {self._token}"})
        if answer.status == 401:
            self._token = ""
        return _content(answer.text, answer.status), answer.text

    def _granted(self) -> str:
        run = self._run
        keys = f"{run.settings.client_id}:{run.secret('client_secret')}"
        encoded = b64encode(keys.encode()).decode()
        run.secrets.remember(encoded)
        answer = run.web.ask(
            "POST",
            f"{self._url}/v1/oauth2/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": f"Basic {encoded}"},
        )
        if answer.status in (400, 401):
            raise ForbiddenCall("PayPal refuses client_id and client_secret")
        token = texts_of(_content(answer.text, answer.status), "access_token")
        if not token or not token.isprintable():
            raise Unanswered("PayPal answered without a token")
        run.secrets.remember(token)
        return token


def _content(text: str, status: int) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise Unanswered(f"PayPal answered {status} without JSON") from None
    if status >= 400:
        said = texts_of(content, "message") or texts_of(content, "error_description")
        message = one_line(f"PayPal answered {status} {texts_of(content, 'name')} {said}", 200)
        kind = {401: StaleToken, 403: ForbiddenCall}.get(status, RefusedCall)
        raise kind(message)
    if not isinstance(content, dict):
        raise Unanswered("PayPal answered without an object")
    return content


def plan(run: ServiceRun, now: datetime) -> JobResult:
    """The jobs of a run: disputes that changed since the last one, at first those of the last
    months. PayPal lists no more than 180 days."""
    until = parsed_time(run.state.mark(UNTIL) or "")
    history = now - timedelta(days=run.settings.history_days)
    since = history if until is None else max(until - OVERLAP, history)
    wanted = {"since": utc_text(since)}
    return JobResult(jobs=[PullJob(DISPUTES, DISPUTES, LIST, 0.0, wanted)])


def list_disputes(job: PullJob, run: ServiceRun) -> JobResult:
    """All disputes that changed, with a job for each new or changed one. Pages are read again until
    nothing new is on them, because a new dispute shifts them."""
    asked = run.now_text()
    request = {"kind": DISPUTES, "look": new_id(), "since": job.wanted["since"], "asked_at": asked}
    result, seen = JobResult(), dict[str, str]()
    for _ in range(MOST_ROUNDS):
        before, count_pages = dict(seen), 0
        for content, text in _pages(job, run):
            count_pages += 1
            rows = rows_of(content, "items")
            versions = {texts_of(r, "dispute_id"): texts_of(r, "update_time") for r in rows}
            if any(seen.get(key) != version for key, version in versions.items()):
                result.lines.append(run.line(text, request))
            seen |= versions
        if count_pages == 1 or seen == before:
            break
    else:
        result.fault = "the pages of disputes changed each time they were read"
        return result
    last = json.dumps({"complete": True, "count_disputes": len(seen)})
    result.lines.append(run.line(last, {**request, "complete": True}))
    for key, version in seen.items():
        known = run.state.known(DISPUTE, key) or {}
        if key and known.get("updated") != version:
            result.jobs.append(PullJob(DISPUTE, key, DETAIL, 0.0, {"updated": version}))
    result.marks[UNTIL] = asked
    return result


def _pages(job: PullJob, run: ServiceRun) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the pages. Of the address of the next one only what follows `?` is used: the host stays
    ours."""
    query = {"update_time_after": _plain(job.wanted["since"]), "page_size": str(PAGE_SIZE)}
    for _ in range(MOST_PAGES):
        content, text = run.client.get(PATH, query)
        yield content, text
        links = rows_of(content, "links")
        following = [texts_of(link, "href") for link in links if texts_of(link, "rel") == "next"]
        if not following:
            return
        query = dict(parse_qsl(urlsplit(following[0]).query))
    raise RefusedCall(f"the list has more than {MOST_PAGES} pages")


def _plain(text: str) -> str:
    return text.replace("Z", ".000Z")


def fetch_dispute(job: PullJob, run: ServiceRun) -> JobResult:
    """One dispute with its transactions."""
    asked = run.now_text()
    _, text = run.client.get(f"{PATH}/{quote(job.key, safe='')}", {})
    line = run.line(text, {"kind": DISPUTE, "id": job.key, "asked_at": asked})
    return JobResult([line], known={(DISPUTE, job.key): {"updated": job.wanted["updated"]}})


def checks(run: ServiceRun) -> Iterator[MethodCheck]:
    """Yield what the app may read."""
    query = {"page_size": "10"}
    yield method_check(run, DISPUTES, lambda: run.client.get(PATH, query), COSTS[DISPUTES])


SERVICE = ShopService(
    kind=KIND,
    needed=DISPUTES,
    connect=PaypalClient,
    plan=plan,
    handlers={DISPUTES: list_disputes, DISPUTE: fetch_dispute},
    costs=COSTS,
    checks=checks,
)
