"""One run for one shop or account: do the jobs in their order until none is left.

pull/KIND/NAME/      state.sqlite and the lock; only the owner reads them
pulled/KIND/NAME/    the answers, as they came
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.connections.answer_dumps import AnswerDumps, dump_line, recover
from pipeline.connections.call_faults import (
    ForbiddenCall,
    PlatformFault,
    PullStopped,
    SecretFault,
    StaleToken,
    Throttled,
    Unanswered,
)
from pipeline.connections.connection_check import MethodCheck
from pipeline.connections.pull_clock import PullClock, utc_text
from pipeline.connections.pull_record import BEGINS_AGAIN, pull_failures, recorded_pull
from pipeline.connections.pull_report import PullReport
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.store_folders import StoreFolders, locked_store
from pipeline.connections.tries import with_tries
from pipeline.connections.web_client import WebAnswer, WebClient
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob, PullQueue
from pipeline.workspace.run_log import note
from pipeline.workspace.workspace import new_id

STATE = "state.sqlite"
# jobs in a row without an answer, after which the service counts as out of reach
MOST_UNANSWERED = 5


@dataclass
class ServiceRun:
    """What each kind of job uses. `settings`: a section of `[pull]`; `client`: what the service's
    `connect` made."""

    kind: str
    name: str
    settings: Any
    web: WebClient
    state: PullQueue
    secrets: SecretValues
    clock: PullClock
    say: Callable[[str], None]
    client: Any = None
    count_requests: int = 0

    def ask(self, method: str, url: str, **parts: Any) -> WebAnswer:
        """The answer to a request, tried several times. Raises a `PlatformFault`."""
        answer: WebAnswer = self.tried(lambda: self.web.ask(method, url, **parts))
        return answer

    def tried(self, once: Callable[[], Any], *more: type[Exception]) -> Any:
        """What `once`, one request, returns. After no answer or too many requests, and after faults
        of the kinds `more`, it is tried again."""

        def counted() -> Any:
            self.clock.pace(1 / self.settings.requests_per_second)
            self.count_requests += 1
            return once()

        again = (Unanswered, Throttled, *more)
        return with_tries(counted, self.settings, self.clock, again, self._log)

    def secret(self, setting: str) -> str:
        """The secret that a setting names."""
        source = getattr(self.settings, setting)
        return self.secrets.read_line(source, f"pull.{self.kind}.{self.name}.{setting}")

    def line(self, text: str, request: Mapping[str, Any]) -> str:
        """An answer, a JSON object, as a line of a dump. `request` has `asked_at`: no later change
        can be in the answer for sure."""
        return dump_line(text, self.clock.now(), {"service": self.kind, **request}, self.secrets)

    def now_text(self) -> str:
        """The time, as the lines of dumps have it."""
        return utc_text(self.clock.now())

    def store(self, **marks: str) -> None:
        """Keep values for later runs, at once."""
        self.state.apply(JobResult(marks=marks))

    def _log(self, error: BaseException | None) -> None:
        detail = self.secrets.hide(str(error))
        note("pull_retry", service=self.kind, store=self.name, detail=detail)


@dataclass(frozen=True)
class ShopService:
    """One kind of service. `plan`: the jobs of a run that starts now; `handlers`: what does a kind
    of job; `costs`: what is missing without a kind, in a seller's words. Without jobs of the kind
    `needed` the run fails."""

    kind: str
    needed: str
    connect: Callable[[ServiceRun], Any]
    plan: Callable[[ServiceRun, datetime], JobResult]
    handlers: Mapping[str, Callable[[PullJob, ServiceRun], JobResult]]
    costs: Mapping[str, str]
    checks: Callable[[ServiceRun], Iterator[MethodCheck]] = field(repr=False)


def run_service(
    service: ShopService,
    name: str,
    settings: Any,
    workspace: Path,
    say: Callable[[str], None],
    clock: PullClock | None = None,
) -> PullReport:
    """Fetch what is new, and what earlier runs left.

    Raises `PullFailed` if someone must do something, and `WorkspaceBusy` if another run pulls it.
    What came before stays in either case.
    """
    secrets, report, clock = SecretValues(), PullReport(), clock or PullClock()
    folders = StoreFolders.of(workspace, name, service.kind)
    title = f"{service.kind} {name}"
    with (
        locked_store(folders, title),
        recorded_pull(folders.state, (service.kind, name), clock, report),
        pull_failures(title, secrets, folders.state / STATE, BEGINS_AGAIN),
    ):
        _run(service, name, settings, folders, say, clock, secrets, report)
    return report


def check_service(
    service: ShopService, name: str, settings: Any, clock: PullClock | None = None
) -> list[MethodCheck]:
    """What the credentials may do, by one small request per method. Nothing is stored.

    A service that cannot be reached, or a secret that is missing, is a check that failed.
    """
    secrets = SecretValues()
    checks: list[MethodCheck] = []
    state = PullQueue(Path(":memory:"), new_id())
    with closing(state), closing(WebClient(settings)) as web:
        run = ServiceRun(
            service.kind, name, settings, web, state, secrets, clock or PullClock(), lambda _: None
        )
        try:
            run.client = service.connect(run)
            checks.extend(service.checks(run))
        except (PlatformFault, PullStopped, SecretFault) as fault:
            cost = service.costs[service.needed]
            checks.append(MethodCheck("connection", False, secrets.hide(str(fault)), cost))
    return checks


def method_check(
    run: ServiceRun, method: str, once: Callable[[], object], cost: str
) -> MethodCheck:
    """Whether a call succeeds. Raises what says nothing about it: an invalid token, no answer."""
    try:
        once()
    except (ForbiddenCall, PlatformFault) as fault:
        if isinstance(fault, StaleToken | Unanswered | Throttled):
            raise
        return MethodCheck(method, False, run.secrets.hide(str(fault)), cost)
    return MethodCheck(method, True)


def _run(
    service: ShopService,
    name: str,
    settings: Any,
    folders: StoreFolders,
    say: Callable[[str], None],
    clock: PullClock,
    secrets: SecretValues,
    report: PullReport,
) -> None:
    recover(folders.dumps)
    with ExitStack() as stack:
        state = stack.enter_context(closing(PullQueue(folders.state / STATE, new_id())))
        web = stack.enter_context(closing(WebClient(settings)))
        dumps = stack.enter_context(closing(AnswerDumps(folders.dumps, clock.now())))
        run = ServiceRun(service.kind, name, settings, web, state, secrets, clock, say)
        try:
            run.client = service.connect(run)
            state.apply(service.plan(run, clock.now()))
            _work(service, run, dumps, report)
        except PullStopped as stop:
            if stop.is_failure:
                raise
            report.stop = secrets.hide(str(stop))
        finally:
            report.count_requests = run.count_requests
        report.count_dropped = state.drop_hopeless()
        report.left, report.faults = state.left(), state.faults()
    report.count_answers = dumps.count


def _work(service: ShopService, run: ServiceRun, dumps: AnswerDumps, report: PullReport) -> None:
    unanswered = 0
    while job := run.state.next_job(report.missing):
        result, is_away = _done(service, job, run, report)
        dumps.append(result.lines)
        run.state.apply(result, job)
        unanswered = unanswered + 1 if is_away else 0
        if unanswered >= MOST_UNANSWERED:
            raise PullStopped(f"{unanswered} calls in a row failed, the last one: {result.fault}")


def _done(
    service: ShopService, job: PullJob, run: ServiceRun, report: PullReport
) -> tuple[JobResult, bool]:
    """The result of a job, and whether the service did not answer. A failed job stays."""
    try:
        result = service.handlers[job.kind](job, run)
        result.fault = run.secrets.hide(result.fault)
        return result, False
    except ForbiddenCall as fault:
        if job.kind == service.needed:
            raise PullStopped(f"the account may not read {job.kind}: {fault}") from None
        text = run.secrets.hide(str(fault))
        report.missing[job.kind] = f"{text}: {service.costs[job.kind]}"
        return JobResult(fault=text), False
    except Throttled as fault:
        raise PullStopped(f"{fault}; the next run continues", is_failure=False) from None
    except StaleToken as fault:
        raise PullStopped(f"the service refuses the credentials: {fault}") from None
    except PlatformFault as fault:
        text = run.secrets.hide(str(fault))
        note("pull_failure", service=run.kind, store=run.name, job=job.kind, detail=text)
        return JobResult(fault=text), isinstance(fault, Unanswered)
