"""What a bulk send would do now: each draft of a night, with why it is not sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from features.clock import is_before
from pipeline.deliver.bulk.automatic_drafts import AutomaticDraft, automatic_drafts
from pipeline.deliver.bulk.news_since import currencies_of, last_day_of, news_since
from pipeline.deliver.bulk.quiet_hours import buyer_country, is_quiet
from pipeline.deliver.bulk.releases import released
from pipeline.deliver.bulk.sent_contacts import BULK
from pipeline.deliver.delivery_record import INTENDED, SENT, DeliveryId, DeliveryRecord
from pipeline.deliver.published_night import PublishedNight
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.workspace.workspace import Workspace

Clock = Callable[[], datetime]
WAITS = "waits: quiet hours where the buyer lives"
OTHER_ORDER = "got, or may have got, the message of another order"
NOT_RELEASED, CHANGED = "not released", "changed since its release: release it again"


@dataclass(frozen=True)
class Bulk:
    """One run of the step. `reasons`: why drafts are not sent, by order; `countries`: of the
    buyers, by order."""

    config: Config
    night: PublishedNight
    drafts: list[AutomaticDraft]
    reasons: Mapping[str, str]
    countries: Mapping[str, str | None]
    store_zone: str
    now: Clock

    def sending(self, draft: AutomaticDraft) -> DeliveryId:
        """The message to one buyer, in the record."""
        night = self.night
        return DeliveryId(night.store, str(night.as_of), BULK, night.run_id, draft.order_id)

    def is_quiet(self, draft: AutomaticDraft) -> bool:
        """Whether this buyer must not be disturbed now."""
        channel, country = self.config.deliver.channel, self.countries.get(draft.order_id)
        return is_quiet(self.now(), country, channel, self.store_zone)

    def left_today(self, record: DeliveryRecord) -> int:
        """How many messages may still leave on this day of the store."""
        zone, now = ZoneInfo(self.store_zone), self.now()
        days = [(now + timedelta(days=shift)).astimezone(UTC).date() for shift in (-1, 0, 1)]
        today = now.astimezone(zone).date()
        moments = record.moments(BULK, days)
        count = sum(moment.astimezone(zone).date() == today for moment in moments)
        return self.config.deliver.channel.daily_cap - count


def refuse_old_drafts(config: Config, night: PublishedNight, now: datetime) -> None:
    """Raise `BadInput` for a night whose drafts may no longer be true."""
    last = last_day_of(night.as_of, config.deliver.channel.draft_days)
    today = now.astimezone(ZoneInfo(config.sources.store_zone)).date()
    if is_before(last, today):
        raise BadInput(
            f"{night.as_of}: the drafts of this night could be sent until {last}; today they may "
            "no longer be true. Make tonight's list, or set draft_days in [deliver.channel]. "
            "Nothing was sent."
        )


def bulk_of(workspace: Workspace, config: Config, night: PublishedNight, now: Clock) -> Bulk:
    """The drafts of the night, with what is known of their buyers since."""
    files = workspace.table_files()
    drafts = automatic_drafts(workspace, config, night)
    currencies = currencies_of(files, drafts)
    countries = {d.order_id: buyer_country(d.country, currencies.get(d.order_id)) for d in drafts}
    reasons = news_since(files, drafts, night.as_of)
    return Bulk(config, night, drafts, reasons, countries, config.sources.store_zone, now)


def judged_drafts(
    record: DeliveryRecord, bulk: Bulk, chosen: frozenset[str] = frozenset()
) -> Iterator[tuple[AutomaticDraft, str | None]]:
    """Each draft that was not sent yet, with why it is not sent now; None if it may be sent.
    `chosen`: orders to regard as released."""
    known = released(record, str(bulk.night.as_of))
    night = str(bulk.night.as_of)
    sent, intended = (record.orders_in(night, BULK, state) for state in (SENT, INTENDED))
    for draft in bulk.drafts:
        if draft.order_id in sent:
            continue
        digest = known.get(draft.order_id, (None,))[0]
        if not (sent | intended).isdisjoint(draft.also_orders):
            # the night was made again and now names another order of the buyer
            yield draft, OTHER_ORDER
        elif draft.order_id in bulk.reasons:
            yield draft, bulk.reasons[draft.order_id]
        elif draft.order_id not in chosen and digest is None:
            yield draft, NOT_RELEASED
        elif draft.order_id not in chosen and digest != draft.sha256:
            yield draft, CHANGED
        else:
            yield draft, WAITS if bulk.is_quiet(draft) else None
