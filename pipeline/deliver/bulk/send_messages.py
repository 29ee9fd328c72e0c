"""send: the drafts that a person released go to the shop's channel, each once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

from pipeline.connections.call_faults import SecretFault
from pipeline.connections.secret_values import SecretValues
from pipeline.deliver.bulk.channel_message import Channel, channel_delivery
from pipeline.deliver.bulk.releases import chosen_drafts, person, release, released
from pipeline.deliver.bulk.send_plan import Bulk, Clock, bulk_of, judged_drafts, refuse_old_drafts
from pipeline.deliver.bulk.sent_contacts import record_contacts
from pipeline.deliver.delivery_record import SENT, DeliveryRecord, open_record
from pipeline.deliver.published_night import read_night
from pipeline.deliver.sending import deliver_once
from pipeline.deliver.web_requests import WebSender
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, DeliveryFailed
from pipeline.workspace.locks import sender_lock
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace

# after so many in a row the channel is left alone until the next run
MOST_FAILURES = 5
CAP = "waits: the daily cap is reached"


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
    refuse_old_drafts(config, night, now())
    with sender_lock(workspace.folder, "send"):
        if not is_dry:
            record_contacts(workspace, progress)
        bulk = bulk_of(workspace, config, night, now)
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
    except SecretFault as error:
        raise BadInput(f"{error}. Nothing was sent.") from None
    return Channel(url, secret, WebSender(config.deliver.timeout_seconds)), secrets


def _release(record: DeliveryRecord, bulk: Bulk, text: str | None, is_dry: bool) -> frozenset[str]:
    """Release what `text` names; with `is_dry`, only return these orders."""
    if text is None:
        return frozenset()
    night = str(bulk.night.as_of)
    chosen = chosen_drafts(text, bulk.drafts, night)
    if not is_dry:
        say(f"released {release(record, night, chosen, person())} drafts of {night}")
    return frozenset(draft.order_id for draft in chosen)


def _send(
    record: DeliveryRecord, bulk: Bulk, channel: tuple[Channel, SecretValues], progress: Progress
) -> list[str]:
    """Send what may leave now. Returns what failed, in words."""
    adapter, secrets = channel
    known = released(record, str(bulk.night.as_of))
    left, in_a_row, last = bulk.left_today(record), 0, ""
    counts: Counter[str] = Counter()
    with progress.piece("send") as notes:
        for draft, reason in judged_drafts(record, bulk):
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
    for draft, reason in judged_drafts(record, bulk, chosen):
        if reason is None and left <= 0:
            reason = CAP
        left -= reason is None
        counts[reason or "would be sent"] += 1
        if reason is None:
            say(f"order {draft.order_id} ({draft.language}): {draft.action}")
    say(f"{_counts_text(counts)}. Dry run: nothing was released or sent")


def _counts_text(counts: Counter[str]) -> str:
    return "; ".join(f"{count} {name}" for name, count in counts.items()) or "no drafts to send"
