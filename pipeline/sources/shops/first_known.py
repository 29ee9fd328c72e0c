"""Since when a fact is known that a service reports with its time.

Shops and payment providers date orders, payments, parcels, refunds and disputes themselves, at the
moment at which they store them, and show them from then on. Such a fact is known since it happened,
unless an earlier answer proves that it was not shown: the answer was asked for after that time, and
should have had the fact. Then it was dated back, or came late, and is known since the arrival of
the first answer that showed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.connections.pull_clock import utc_text
from pipeline.sources.shops.kept_answers import KeptAnswer, parsed_time

# a list, and the details of what it lists, come in one run unless one of them fails
SAME_NIGHT = timedelta(hours=12)
FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class CompleteLook:
    """All records of a kind that were created from `since` to `until` were shown."""

    since: datetime
    until: datetime

    @classmethod
    def of(cls, answer: KeptAnswer) -> CompleteLook:
        """The search that an answer ends. Without an end it shows what was there when it was asked
        for."""
        since = parsed_time(answer.request.get("since")) or FIRST
        until = parsed_time(answer.request.get("until")) or answer.asked
        return cls(since, min(until, answer.asked))


class FirstKnown:
    """Follows the answers about records of one kind, in the order of their arrival."""

    def __init__(self) -> None:
        self._looks: list[CompleteLook] = []
        self._asked: dict[str, datetime] = {}
        self._late: set[str] = set()

    def end_look(self, answer: KeptAnswer) -> None:
        """A search is complete; its answers were followed before."""
        self._looks.append(CompleteLook.of(answer))

    def created(self, record: str, happened: datetime | None, answer: KeptAnswer) -> str:
        """Since when a record is known that this answer shows for the first time: a time, or the
        empty text if since it happened."""
        if happened is None or any(look.since <= happened < look.until for look in self._looks):
            self._late.add(record)
            return utc_text(answer.arrived)
        return ""

    def changed(self, record: str, happened: datetime | None, answer: KeptAnswer) -> str:
        """The same for what happened to a record, which this answer shows for the first time."""
        before = self._asked.get(record)
        is_late = record in self._late if before is None else happened is None or happened < before
        return utc_text(answer.arrived) if is_late else ""

    def end_record(self, record: str, answer: KeptAnswer) -> None:
        """All facts of this answer about the record were followed."""
        self._asked[record] = answer.asked
        self._late.discard(record)
