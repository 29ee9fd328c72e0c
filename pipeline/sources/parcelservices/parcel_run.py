"""The work of one run for one account.

pull/SERVICE/NAME/               state.sqlite and the lock; only the owner reads them
pulled/tracking/SERVICE/NAME/    the answers: TRACKING is pulled/tracking
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from pipeline.connections.answer_dumps import AnswerDumps, dump_line, recover
from pipeline.connections.call_faults import (
    ForbiddenCall,
    PlatformFault,
    PullStopped,
    RefusedCall,
    Throttled,
    Unanswered,
)
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.pull_report import PullReport
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.store_folders import StoreFolders
from pipeline.settings.delivery.tracking_settings import AfterShip, SeventeenTrack
from pipeline.sources.parcelservices.aftership_calls import AftershipCalls
from pipeline.sources.parcelservices.new_records import only_news
from pipeline.sources.parcelservices.open_parcels import Parcel
from pipeline.sources.parcelservices.parcel_service import (
    AskedAnswer,
    FollowedParcel,
    ParcelService,
    RegisteredParcels,
)
from pipeline.sources.parcelservices.parcel_state import ParcelState
from pipeline.sources.parcelservices.seventeen_calls import SeventeenCalls
from pipeline.workspace.run_log import note
from pipeline.workspace.workspace import new_id

STATE = "state.sqlite"
# batches in a row without an answer, after which the service counts as out of reach
MOST_UNANSWERED = 5
PROGRESS_EVERY = 5_000
NO_NEW = "new parcels are not followed: their scans stay unknown"
DAY = 86_400
Settings = SeventeenTrack | AfterShip


def parcel_folders(workspace: Path, service: str, name: str) -> StoreFolders:
    """The folders of one account in a workspace."""
    return StoreFolders(
        workspace / "pull" / service / name, workspace / "pulled" / "tracking" / service / name
    )


def service_of(
    settings: Settings, key: str, secrets: SecretValues, clock: PullClock, count: Callable[[], None]
) -> SeventeenCalls | AftershipCalls:
    """The service of these settings."""
    if isinstance(settings, SeventeenTrack):
        return SeventeenCalls(settings, key, secrets, clock, count)
    return AftershipCalls(settings, key, secrets, clock, count)


def section_of(settings: Settings) -> str:
    """The name of the service in `[pull]`."""
    return "seventeentrack" if isinstance(settings, SeventeenTrack) else "aftership"


class ParcelRun:
    """One run for one account."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        folders: StoreFolders,
        say: Callable[[str], None],
        clock: PullClock,
        secrets: SecretValues,
    ) -> None:
        self.name, self.settings, self.folders, self.say = name, settings, folders, say
        self.clock, self.secrets = clock, secrets
        self.report = PullReport()
        self._unanswered, self._last_fault, self._is_answered = 0, "", False

    def run(self, parcels: Sequence[Parcel]) -> PullReport:
        recover(self.folders.dumps)
        now = self.clock.now()
        with ExitStack() as stack:
            state = ParcelState(self.folders.state / STATE, new_id())
            stack.callback(state.close)
            setting = f"pull.{section_of(self.settings)}.{self.name}.key"
            key = self.secrets.read_line(self.settings.key, setting)
            service = service_of(self.settings, key, self.secrets, self.clock, self._count)
            stack.callback(service.close)
            dumps = AnswerDumps(self.folders.dumps, now)
            stack.callback(dumps.close)
            codes = {carrier: str(code) for carrier, code in self.settings.carriers.items()}
            state.take(parcels, codes)
            state.end_before(now.timestamp() - self.settings.follow_days * DAY)
            try:
                self._register(service, state)
                self._ask(service, state, dumps)
                if self._unanswered and not self._is_answered:
                    raise PullStopped(f"no call was answered, the last one: {self._last_fault}")
            except PullStopped as stop:
                if stop.is_failure:
                    raise
                self._add_stop(str(stop))
            except Throttled as fault:
                self._add_stop(f"{fault}; the next run continues")
            self.report.faults += [_refusal(*row) for row in state.new_refusals()]
            state.reported()
            self.report.left = state.left()
        self.report.count_answers = dumps.count
        return self.report

    def _count(self) -> None:
        self.report.count_requests += 1

    def _add_stop(self, text: str) -> None:
        self.report.stop = "; ".join(filter(None, (self.report.stop, self.secrets.hide(text))))

    def _register(self, service: ParcelService, state: ParcelState) -> None:
        """Register waiting parcels, as far as the quota goes."""
        left = self.settings.most_new
        if not state.to_register(1):
            return
        try:
            room = service.room()
            self._answered()
            left = left if room is None else min(left, room)
            while left > 0 and (batch := state.to_register(min(left, service.most_registered))):
                done = self._registered(service, batch)
                state.registered(batch, done, self.clock.now().timestamp())
                left -= len(done.followed)
                if done.full:
                    self._add_stop(f"no more parcels are registered: {done.full}")
                    return
        except ForbiddenCall as fault:
            self.report.missing["new parcels"] = self.secrets.hide(f"{fault}: {NO_NEW}")
            return
        except (Unanswered, RefusedCall) as fault:
            # the quota is not known, but registered parcels can be asked about
            self._fail(fault)
            return
        if left <= 0 and (waiting := state.left().get("parcels to register")):
            self._add_stop(f"no quota for {waiting[0]:,} more parcels")

    def _registered(
        self, service: ParcelService, batch: Sequence[FollowedParcel]
    ) -> RegisteredParcels:
        """What became of a batch. If the service refuses it as a whole, its halves are tried, until
        the parcel at fault is alone."""
        try:
            done = service.register(batch)
            self._answered()
            return done
        except RefusedCall as fault:
            if len(batch) == 1:
                return RegisteredParcels(refused={batch[0].number: self.secrets.hide(str(fault))})
            middle = len(batch) // 2
            first = self._registered(service, batch[:middle])
            if first.full:
                return first
            second = self._registered(service, batch[middle:])
            return RegisteredParcels(
                first.followed | second.followed, first.refused | second.refused, second.full
            )
        except Unanswered as fault:
            self._fail(fault)
            return RegisteredParcels()

    def _ask(self, service: ParcelService, state: ParcelState, dumps: AnswerDumps) -> None:
        count = 0
        while batch := state.to_ask(service.most_asked):
            count += len(batch)
            if count // PROGRESS_EVERY > (count - len(batch)) // PROGRESS_EVERY:
                self.say(f"{self.name}: asked about {count:,} parcels so far")
            try:
                answer = service.ask(batch)
                self._answered()
            except (Unanswered, RefusedCall) as fault:
                self._fail(fault)
                state.asked(batch, AskedAnswer())
                continue
            request = {"service": service.service, "account": self.name}
            lines, news = list[str](), dict[str, str]()
            for text, at in answer.texts:
                kept, digests = only_news(text, state.is_shown)
                news |= digests
                if kept is not None:
                    lines.append(dump_line(kept, at, request, self.secrets))
            # on the disk before the state says that the parcels were asked about
            dumps.append(lines)
            state.asked(batch, answer, news)

    def _answered(self) -> None:
        self._unanswered, self._is_answered = 0, True

    def _fail(self, fault: PlatformFault) -> None:
        """Report a batch without an answer. Raises `PullStopped` after several in a row."""
        text = self.secrets.hide(str(fault))
        note("pull_failure", store=self.name, kind="parcels", detail=text)
        if text not in self.report.faults:
            self.report.faults.append(text)
        self._unanswered, self._last_fault = self._unanswered + 1, text
        if self._unanswered >= MOST_UNANSWERED:
            raise PullStopped(f"{self._unanswered} calls in a row failed, the last one: {text}")


def _refusal(reason: str, carrier: str, count: int, number: str) -> str:
    of = f" of {carrier}" if carrier else ""
    first = f"such as {number}" if count > 1 else number
    return f"{count:,} parcels{of} refused for good ({first}): {reason}"
