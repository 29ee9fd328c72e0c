"""Pull one store: do the jobs in their order until none is left or the day's allowance is used."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from pipeline.connections.answer_dumps import AnswerDumps, recover
from pipeline.connections.call_faults import (
    ForbiddenCall,
    PlatformFault,
    PullStopped,
    StaleToken,
    Throttled,
    Unanswered,
)
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.pull_record import BEGINS_AGAIN, pull_failures, recorded_pull
from pipeline.connections.pull_report import PullReport
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.store_folders import StoreFolders, locked_store
from pipeline.settings.delivery.pull_settings import AliexpressStore
from pipeline.sources.openplatform.access_tokens import AccessTokens
from pipeline.sources.openplatform.conversations import (
    fetch_messages,
    list_conversations,
    list_evaluations,
)
from pipeline.sources.openplatform.dispute_lists import fetch_dispute, list_disputes
from pipeline.sources.openplatform.gateway import Gateway
from pipeline.sources.openplatform.job_tools import JobTools
from pipeline.sources.openplatform.order_details import fetch_detail, fetch_tracking
from pipeline.sources.openplatform.order_searches import search_orders
from pipeline.sources.openplatform.platform_methods import COSTS, methods_of
from pipeline.sources.openplatform.pull_jobs import (
    CONVERSATIONS,
    DETAIL,
    DISPUTE,
    DISPUTES,
    EVALUATIONS,
    MESSAGES,
    ORDERS,
    TRACKING,
    planned,
    platform_day,
)
from pipeline.sources.openplatform.pull_queue import JobResult, PullJob, PullQueue
from pipeline.workspace.run_log import note
from pipeline.workspace.workspace import new_id

HANDLERS: dict[str, Callable[[PullJob, JobTools], JobResult]] = {
    ORDERS: search_orders,
    DETAIL: fetch_detail,
    TRACKING: fetch_tracking,
    DISPUTES: list_disputes,
    DISPUTE: fetch_dispute,
    CONVERSATIONS: list_conversations,
    MESSAGES: fetch_messages,
    EVALUATIONS: list_evaluations,
}
STATE = "state.sqlite"
# jobs in a row without an answer, after which the platform counts as out of reach
MOST_UNANSWERED = 5
PROGRESS_EVERY = 500


def pull_store(
    name: str,
    settings: AliexpressStore,
    folders: StoreFolders,
    say: Callable[[str], None],
    clock: PullClock | None = None,
) -> PullReport:
    """Fetch what is new in one store, and what earlier runs left.

    `say` prints a progress line. Raises `PullFailed` if someone must do something, and
    `WorkspaceBusy` if the store is being pulled already. What came before stays in either case.
    """
    clock = clock or PullClock()
    with locked_store(folders, name):
        pull = _Pull(name, settings, folders, say, clock, SecretValues())
        store = ("aliexpress", name)
        with (
            recorded_pull(folders.state, store, clock, pull.report, methods_of(settings)),
            pull_failures(name, pull.secrets, folders.state / STATE, BEGINS_AGAIN),
        ):
            return pull.run()


class _Pull:
    """One run for one store."""

    def __init__(
        self,
        name: str,
        settings: AliexpressStore,
        folders: StoreFolders,
        say: Callable[[str], None],
        clock: PullClock,
        secrets: SecretValues,
    ) -> None:
        self.name, self.settings, self.folders, self.say = name, settings, folders, say
        self.clock, self.secrets = clock, secrets
        self.report = PullReport()
        self._is_away = False

    def run(self) -> PullReport:
        now = self.clock.now()
        recover(self.folders.dumps)
        with ExitStack() as stack:
            state = PullQueue(self.folders.state / STATE, new_id())
            stack.callback(state.close)
            app_secret = self.secrets.read_line(
                self.settings.app_secret, f"pull.aliexpress.{self.name}.app_secret"
            )
            gateway = Gateway(
                self.settings, app_secret, self.secrets, self.clock, lambda: self._count(state)
            )
            stack.callback(gateway.close)
            tokens = AccessTokens(
                self.settings, self.secrets, gateway, self.folders.state / "token.json", self.name
            )
            dumps = AnswerDumps(self.folders.dumps, now)
            stack.callback(dumps.close)
            tools = JobTools(gateway, tokens, state, self.settings, self.secrets, self.clock)
            try:
                tokens.current()
                state.apply(planned(state, self.settings, now))
                self._work(tools, dumps)
            except PullStopped as stop:
                if stop.is_failure:
                    raise
                self.report.stop = self.secrets.hide(str(stop))
            self.report.count_dropped = state.drop_hopeless()
            self.report.left, self.report.faults = state.left(), state.faults()
        self.report.count_answers = dumps.count
        if tokens.problem:
            # everything is pulled; but in a few days nothing will be
            raise PullStopped(f"what is new was pulled, but {tokens.problem}")
        return self.report

    def _count(self, state: PullQueue) -> None:
        count = state.count_request(platform_day(self.clock.now()))
        if count > self.settings.daily_requests:
            raise PullStopped(
                f"the {self.settings.daily_requests:,} requests of the day are used; "
                "the next run continues",
                is_failure=False,
            )
        self.report.count_requests += 1

    def _work(self, tools: JobTools, dumps: AnswerDumps) -> None:
        unanswered = count = 0
        while job := tools.state.next_job(self.report.missing):
            result = self._done(job, tools)
            result.fault = self.secrets.hide(result.fault)
            dumps.append(result.lines)
            tools.state.apply(result, job)
            count += 1
            if count % PROGRESS_EVERY == 0:
                left = sum(number for number, _ in tools.state.left().values())
                self.say(f"{self.name}: {dumps.count:,} answers so far, {left:,} requests to go")
            unanswered = unanswered + 1 if result.fault and not result.lines else 0
            if unanswered >= MOST_UNANSWERED and self._is_away:
                raise PullStopped(
                    f"{unanswered} calls in a row failed, the last one: {result.fault}"
                )

    def _done(self, job: PullJob, tools: JobTools) -> JobResult:
        """The result of a job; a failed one stays for the next run."""
        self._is_away = False
        try:
            return HANDLERS[job.kind](job, tools)
        except ForbiddenCall as fault:
            if job.kind == ORDERS:
                raise PullStopped(f"the app may not list orders: {fault}") from None
            self.report.missing[job.kind] = f"{self.secrets.hide(str(fault))}: {COSTS[job.kind]}"
            return JobResult(fault=self.secrets.hide(str(fault)))
        except Throttled as fault:
            raise PullStopped(f"{fault}; the next run continues", is_failure=False) from None
        except StaleToken as fault:
            raise PullStopped(f"the platform refuses every access token: {fault}") from None
        except PlatformFault as fault:
            self._is_away = isinstance(fault, Unanswered)
            text = self.secrets.hide(str(fault))
            note("pull_failure", store=self.name, kind=job.kind, key=job.key, detail=text)
            return JobResult(fault=text)
