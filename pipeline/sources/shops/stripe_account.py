"""The service Stripe: disputes with the payments that they are about, by Stripe's own SDK.

The SDK makes and reads the requests; they are sent by our `WebClient`, because the SDK's own client
follows redirects, has no limit of size, and may send a password from ~/.netrc. Pages come newest
first behind a cursor, so a new dispute shifts none. Open disputes are asked for one by one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe

from pipeline.connections.call_faults import (
    ForbiddenCall,
    PlatformFault,
    RefusedCall,
    StaleToken,
    Throttled,
    Unanswered,
)
from pipeline.connections.connection_check import MethodCheck
from pipeline.connections.pull_clock import utc_text
from pipeline.output.safe_text import one_line
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob
from pipeline.sources.shops.dispute_tables import DISPUTE, FINAL
from pipeline.sources.shops.kept_answers import parsed_time, rows_of, texts_of
from pipeline.sources.shops.service_run import ServiceRun, ShopService, method_check
from pipeline.workspace.workspace import new_id

KIND = "stripe"
DISPUTES = "disputes"
PAGES, SINGLE = 10, 20
OVERLAP = timedelta(days=1)
UNTIL = "disputes_until"
PAYMENTS = ["charge", "payment_intent"]
COSTS = {
    DISPUTES: "no disputes of Stripe: no model can be trained from them",
    DISPUTE: "how open disputes end is missing",
}
# what the SDK adds about this machine stays here
HEADERS = ("Authorization", "Stripe-Version", "Content-Type")
_KINDS: tuple[tuple[type[Exception], type[PlatformFault]], ...] = (
    (stripe.AuthenticationError, StaleToken),
    (stripe.PermissionError, ForbiddenCall),
    (stripe.RateLimitError, Throttled),
    (stripe.InvalidRequestError, RefusedCall),
    (stripe.StripeError, Unanswered),
)


class _LimitedSender(stripe.HTTPClient):
    """Sends the SDK's requests with our limits, and remembers the text of the last answer."""

    name = "dispute-risk"

    def __init__(self, run: ServiceRun) -> None:
        super().__init__()
        self._run = run
        self.text = ""

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Called by the SDK."""
        own = {name: text for name, text in (headers or {}).items() if name in HEADERS}
        answer = self._run.web.ask(method.upper(), url, data=post_data, headers=own)
        self.text = answer.text
        return answer.text, answer.status, answer.headers

    def close(self) -> None:
        """Nothing of its own is open."""


class StripeCalls:
    """Asks one account."""

    def __init__(self, run: ServiceRun) -> None:
        self._run = run
        self._sender = _LimitedSender(run)
        # the SDK would log whole answers, with names of buyers
        logging.getLogger("stripe").setLevel(logging.WARNING)
        self._client = stripe.StripeClient(
            run.secret("api_key"),
            http_client=self._sender,
            max_network_retries=0,
            base_addresses={"api": run.settings.url.rstrip("/")},
        )

    def page(self, since: datetime | None, after: str | None, limit: int = 100) -> str:
        """The text of a page of disputes that were opened since a time, newest first."""
        parameters: dict[str, Any] = {
            "limit": limit,
            "expand": [f"data.{name}" for name in PAYMENTS],
        }
        if since is not None:
            parameters["created"] = {"gte": int(since.timestamp())}
        if after:
            parameters["starting_after"] = after
        return self._text(lambda: self._client.v1.disputes.list(parameters))  # type: ignore[arg-type]

    def single(self, dispute_id: str) -> str:
        """The text of one dispute."""
        expand = {"expand": PAYMENTS}
        return self._text(
            lambda: self._client.v1.disputes.retrieve(dispute_id, expand)  # type: ignore[arg-type]
        )

    def _text(self, call: Any) -> str:
        def once() -> str:
            try:
                call()
            except stripe.StripeError as error:
                raise _fault(error) from None
            except (AttributeError, TypeError, KeyError):
                # the SDK takes any JSON for an object of its own
                raise Unanswered("Stripe answered without an object") from None
            if not self._sender.text.lstrip().startswith("{"):
                raise Unanswered("Stripe answered without an object")
            return self._sender.text

        text: str = self._run.tried(once)
        return text


def _fault(error: stripe.StripeError) -> PlatformFault:
    """What an error of the SDK means for the pull. Its own text may repeat the key."""
    status = error.http_status or ""
    said = one_line(f"{error.code or ''} {error.user_message or ''}".strip(), 160)
    message = one_line(f"Stripe answered {status} {said}", 200)
    kind = next(ours for theirs, ours in _KINDS if isinstance(error, theirs))
    return kind(message)


def plan(run: ServiceRun, now: datetime) -> JobResult:
    """The jobs of a run: disputes since the last one, and those that were open then."""
    until = parsed_time(run.state.mark(UNTIL) or "")
    history = now - timedelta(days=run.settings.history_days)
    since = history if until is None else until - OVERLAP
    result = JobResult()
    wanted = {"since": utc_text(since), "look": new_id(), "after": None}
    result.jobs.append(PullJob(DISPUTES, DISPUTES, PAGES, 0.0, wanted))
    for key, dispute in run.state.all_known(DISPUTE).items():
        if dispute["is_open"] and float(dispute["created"]) < since.timestamp():
            result.jobs.append(PullJob(DISPUTE, key, SINGLE, float(dispute["created"])))
    return result


def fetch_page(job: PullJob, run: ServiceRun) -> JobResult:
    """A page of disputes, and a job for the next one."""
    asked, calls = run.now_text(), run.client
    wanted = dict(job.wanted)
    first_asked = wanted.setdefault("first_asked", asked)
    text = calls.page(parsed_time(wanted["since"]), wanted["after"])
    content = json.loads(text)
    rows = rows_of(content, "data")
    is_last = not content.get("has_more") or not rows
    request = {name: wanted[name] for name in ("look", "since")}
    request |= {"kind": DISPUTES, "asked_at": first_asked, "complete": is_last}
    result = JobResult(lines=[run.line(text, request)])
    for row in rows:
        result.known[DISPUTE, texts_of(row, "id")] = _known(row)
    if is_last:
        result.marks[UNTIL] = first_asked
    else:
        wanted["after"] = texts_of(rows[-1], "id")
        key = f"{DISPUTES} {wanted['after']}"
        result.jobs.append(PullJob(DISPUTES, key, PAGES, 0.0, wanted))
    return result


def fetch_single(job: PullJob, run: ServiceRun) -> JobResult:
    """One dispute that was open."""
    asked = run.now_text()
    text = run.client.single(job.key)
    request = {"kind": DISPUTE, "id": job.key, "asked_at": asked}
    content = json.loads(text)
    return JobResult([run.line(text, request)], known={(DISPUTE, job.key): _known(content)})


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    created = parsed_time(row.get("created")) or datetime.fromtimestamp(0, UTC)
    return {"is_open": row.get("status") not in FINAL, "created": created.timestamp()}


def checks(run: ServiceRun) -> Iterator[MethodCheck]:
    """Yield what the key may read."""
    yield method_check(run, DISPUTES, lambda: run.client.page(None, None, 1), COSTS[DISPUTES])


SERVICE = ShopService(
    kind=KIND,
    needed=DISPUTES,
    connect=StripeCalls,
    plan=plan,
    handlers={DISPUTES: fetch_page, DISPUTE: fetch_single},
    costs=COSTS,
    checks=checks,
)
