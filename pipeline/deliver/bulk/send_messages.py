"""send: the drafts that a person released go to the shop's channel, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from features.clock import is_before
from pipeline.deliver.bulk.automatic_drafts import AutomaticDraft, automatic_drafts
from pipeline.deliver.bulk.channel_message import Channel, channel_delivery
from pipeline.deliver.bulk.news_since import currencies_of, last_day_of, news_since
from pipeline.deliver.bulk.quiet_hours import buyer_country, is_quiet
from pipeline.deliver.bulk.releases import chosen_drafts, release, released
from pipeline.deliver.bulk.sent_contacts import BULK, record_contacts
from pipeline.deliver.delivery_faults import Undeliverable
from pipeline.deliver.delivery_record import INTENDED, SENT, DeliveryId, DeliveryRecord, open_record
from pipeline.deliver.published_night import PublishedNight, read_night
from pipeline.deliver.secret_values import SecretValues
from pipeline.deliver.sending import deliver_once
from pipeline.deliver.web_requests import WebSender
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, DeliveryFailed
from pipeline.workspace.locks import sender_lock
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace

Clock = Callable[[], datetime]
# after so many in a row the channel is left alone until the next run
MOST_FAILURES = 5
WAITS = "waits: quiet hours where the buyer lives"
CAP = "waits: the daily cap is reached"
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


def send_messages(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    as_of: date,
    release_text: str | None = None,
    is_dry: bool = False,
    now: Clock = lambda: datetime.now(UTC),
) -> None:
    """Release the drafts that `release_text` names, then send all released ones of the night that
    may leave now. The rest waits for the next run.

    `is_dry`: only say what would happen. Raises `DeliveryFailed` at the end if a message did not
    arrive, `Refused` for a night that was refused, `BadInput` without a channel, for an order
    without a draft, and for a night whose drafts are too old.
    """
    night = read_night(workspace, config, as_of)
    channel = _channel(config)
    _refuse_old(config, night, now())
    with sender_lock(workspace.folder, "send"):
        if not is_dry:
            record_contacts(workspace, progress)
        bulk = _bulk(workspace, config, night, now)
        with open_record(workspace.folder, is_dry=is_dry) as record:
            chosen = _release(record, bulk, release_text, is_dry)
            if is_dry:
                _say_plan(record, bulk, chosen)
                return
            try:
                failures = _send(record, bulk, channel, progress)
            finally:
                record_contacts(workspace, progress)
    if failures:
        raise DeliveryFailed(
            f"{as_of}: {'; '.join(failures)}. What was sent is on record. To send the rest: "
            f"make send AS_OF={as_of}"
        )


def _channel(config: Config) -> tuple[Channel, SecretValues]:
    settings, secrets = config.deliver.channel, SecretValues()
    if settings.url is None or settings.secret is None:
        raise BadInput(
            "config.toml: [deliver.channel] has no url. docs/guide/service-lead/"
            "release-and-send.md shows what it needs."
        )
    try:
        url = secrets.read_url(settings.url, "deliver.channel.url")
        secret = secrets.read_line(settings.secret, "deliver.channel.secret")
    except Undeliverable as error:
        raise BadInput(f"{error}. Nothing was sent.") from None
    return Channel(url, secret, WebSender(config.deliver.timeout_seconds)), secrets


def _refuse_old(config: Config, night: PublishedNight, now: datetime) -> None:
    last = last_day_of(night.as_of, config.deliver.channel.draft_days)
    today = now.astimezone(ZoneInfo(config.sources.store_zone)).date()
    if is_before(last, today):
        raise BadInput(
            f"{night.as_of}: the drafts of this night could be sent until {last}; today they may "
            "no longer be true. Make tonight's list, or set draft_days in [deliver.channel]. "
            "Nothing was sent."
        )


def _bulk(workspace: Workspace, config: Config, night: PublishedNight, now: Clock) -> Bulk:
    files = workspace.table_files()
    drafts = automatic_drafts(workspace, config, night)
    currencies = currencies_of(files, drafts)
    countries = {d.order_id: buyer_country(d.country, currencies.get(d.order_id)) for d in drafts}
    reasons = news_since(files, drafts, night.as_of)
    return Bulk(config, night, drafts, reasons, countries, config.sources.store_zone, now)


def _release(record: DeliveryRecord, bulk: Bulk, text: str | None, is_dry: bool) -> frozenset[str]:
    """Release what `text` names; with `is_dry`, only return these orders."""
    if text is None:
        return frozenset()
    night = str(bulk.night.as_of)
    chosen = chosen_drafts(text, bulk.drafts, night)
    if not is_dry:
        say(f"released {release(record, night, chosen)} drafts of {night}")
    return frozenset(draft.order_id for draft in chosen)


def _judged(
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


def _send(
    record: DeliveryRecord, bulk: Bulk, channel: tuple[Channel, SecretValues], progress: Progress
) -> list[str]:
    """Send what may leave now. Returns what failed, in words."""
    adapter, secrets = channel
    known = released(record, str(bulk.night.as_of))
    left, in_a_row, last = bulk.left_today(record), 0, ""
    counts: Counter[str] = Counter()
    with progress.piece("send") as notes:
        for draft, reason in _judged(record, bulk):
            if reason is None and left <= 0:
                reason = CAP
            if reason is not None or in_a_row == MOST_FAILURES:
                counts[reason or "not tried, because others failed"] += 1
                continue
            delivery = channel_delivery(
                adapter, bulk.sending(draft), draft, known[draft.order_id][1]
            )
            outcome = deliver_once(delivery, record, bulk.config.deliver, secrets)
            left -= 1
            is_sent = outcome.state == SENT
            in_a_row = 0 if is_sent else in_a_row + 1
            last = last if is_sent else outcome.detail
            counts[SENT if is_sent else "failed"] += 1
        notes.append(_counts_text(counts))
    if count := counts["failed"] + counts["not tried, because others failed"]:
        warn(f"{count} messages were not sent; the last reason: {last}")
        return [f"{count} messages were not sent; the last reason: {last}"]
    return []


def _say_plan(record: DeliveryRecord, bulk: Bulk, chosen: frozenset[str]) -> None:
    left = max(bulk.left_today(record), 0)
    counts: Counter[str] = Counter()
    for draft, reason in _judged(record, bulk, chosen):
        if reason is None and left <= 0:
            reason = CAP
        left -= reason is None
        counts[reason or "would be sent"] += 1
        if reason is None:
            say(f"order {draft.order_id} ({draft.language}): {draft.action}")
    say(f"{_counts_text(counts)}. Dry run: nothing was released or sent")


def _counts_text(counts: Counter[str]) -> str:
    return "; ".join(f"{count} {name}" for name, count in counts.items()) or "no drafts to send"
