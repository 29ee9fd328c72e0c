"""deliver: send a published night to the targets of `[deliver]`, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from pipeline.connections.call_faults import SecretFault
from pipeline.connections.secret_values import SecretValues
from pipeline.deliver.delivery_record import SENT, DeliveryRecord, open_record
from pipeline.deliver.published_night import read_night
from pipeline.deliver.sending import Delivery, Outcome, deliver_once
from pipeline.deliver.targets.chat_targets import slack_deliveries, teams_deliveries
from pipeline.deliver.targets.email_target import mail_deliveries
from pipeline.deliver.targets.helpdesk_target import helpdesk_deliveries
from pipeline.deliver.targets.target_tools import TargetTools
from pipeline.deliver.targets.webhook_target import webhook_deliveries
from pipeline.deliver.web_requests import WebSender
from pipeline.installation.extras import require_package
from pipeline.settings.config import Config
from pipeline.settings.delivery.delivery_section import SecretSource
from pipeline.settings.delivery.target_settings import S3Target, SftpTarget
from pipeline.settings.errors import BadInput, DeliveryFailed, MissingExtra
from pipeline.workspace.locks import sender_lock
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace

# after so many messages in a row that did not arrive, a receiver is left alone until the next run
MOST_FAILURES = 3


def _sftp_deliveries(target: SftpTarget, tools: TargetTools) -> list[Delivery]:
    require_package("paramiko")
    from pipeline.deliver.targets.sftp_target import sftp_deliveries

    return sftp_deliveries(target, tools)


def _s3_deliveries(target: S3Target, tools: TargetTools) -> list[Delivery]:
    require_package("boto3")
    from pipeline.deliver.targets.s3_target import s3_deliveries

    return s3_deliveries(target, tools)


KINDS: dict[str, Any] = {
    "email": mail_deliveries,
    "slack": slack_deliveries,
    "teams": teams_deliveries,
    "webhook": webhook_deliveries,
    "helpdesk": helpdesk_deliveries,
    "sftp": _sftp_deliveries,
    "s3": _s3_deliveries,
}


def deliver_night(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    as_of: date | None = None,
    only: str | None = None,
    is_dry: bool = False,
) -> None:
    """Send a night, by default the newest, to all targets or to the one named `only`.

    `is_dry`: only say what would be sent. What the record says was sent is not sent again; the next
    target is tried when one fails. Raises `DeliveryFailed` at the end if one did, `MissingExtra` if
    only packages were missing, `Refused` for a night that was refused, and `BadInput` for an
    unknown target.
    """
    names = _chosen(config, only)
    night = read_night(workspace, config, as_of)
    secrets, web = SecretValues(), WebSender(config.deliver.timeout_seconds)
    tools = [
        TargetTools(workspace, night, n, config.deliver.kind_of(n), config.deliver, secrets, web)
        for n in names
    ]
    if is_dry:
        _say_plan(config, tools)
        return
    failures: list[str] = []
    lacking: list[str] = []
    with sender_lock(workspace.folder, "deliver"), open_record(workspace.folder) as record:
        for tool in tools:
            with progress.piece(f"deliver {tool.name}") as notes:
                try:
                    notes.append(_deliver_to(config, tool, record, failures))
                except MissingExtra as error:
                    lacking.append(f"{tool.name}: {error}")
                    notes.append(f"{tool.kind}: not sent")
    if failures or lacking:
        raise (DeliveryFailed if failures else MissingExtra)(
            f"{night.as_of}: {'; '.join(failures + lacking)}. The night stays published. To send "
            f"the rest: make deliver AS_OF={night.as_of}"
        )


def _chosen(config: Config, only: str | None) -> Sequence[str]:
    targets = config.deliver.targets
    if not targets:
        raise BadInput(
            "config.toml: [deliver] has no targets. Add one, such as [deliver.email.lead]; "
            "docs/guide/operator/deliver.md shows how."
        )
    if only is not None and only not in targets:
        raise BadInput(
            f"config.toml: [deliver] has no target {only!r:.60}. It has: {', '.join(targets)}."
        )
    return [only] if only else list(targets)


def _deliveries(config: Config, tools: TargetTools) -> list[Delivery]:
    made: list[Delivery] = KINDS[tools.kind](config.deliver.targets[tools.name], tools)
    return made


def _deliver_to(
    config: Config, tools: TargetTools, record: DeliveryRecord, failures: list[str]
) -> str:
    """Send what is missing to one target. Returns the progress note; adds to `failures`."""
    deliveries = _deliveries(config, tools)
    counts: Counter[str] = Counter()
    in_a_row, last = 0, Outcome("")
    for delivery in deliveries:
        outcome = deliver_once(delivery, record, config.deliver, tools.secrets)
        counts[outcome.state] += 1
        is_failed = outcome.state not in (SENT, "already")
        in_a_row = in_a_row + 1 if is_failed else 0
        last = outcome if is_failed else last
        if in_a_row == MOST_FAILURES:
            break
    missing = len(deliveries) - counts[SENT] - counts["already"]
    if missing:
        many = f" ({missing} of {len(deliveries)} tickets)" if len(deliveries) > 1 else ""
        failures.append(f"{tools.name}{many}: {last.detail}")
        warn(f"{tools.name} ({tools.kind}) was not delivered{many}: {last.detail}")
    already = f", {counts['already']} already sent" if counts["already"] else ""
    failed = f", {missing} not sent" if missing else ""
    return f"{tools.kind}: {counts[SENT]} sent{already}{failed}"


def _say_plan(config: Config, tools: Sequence[TargetTools]) -> None:
    """What would be sent. Secrets are read, so that a missing one shows now."""
    with open_record(tools[0].workspace.folder, is_dry=True) as record:
        for tool in tools:
            deliveries = _deliveries(config, tool)
            sent = sum(record.state(delivery.sending) == SENT for delivery in deliveries)
            problems = _missing_secrets(config, tool)
            say(
                f"{tool.name} ({tool.kind}): {len(deliveries) - sent} to send for "
                f"{tool.night.as_of}, "
                f"{sent} already sent" + "".join(f"; {problem}" for problem in problems)
            )
    say("dry run: nothing was sent")


def _missing_secrets(config: Config, tools: TargetTools) -> list[str]:
    problems = []
    for name, value in config.deliver.targets[tools.name]:
        if isinstance(value, SecretSource):
            try:
                tools.secrets.read(value, tools.setting(name))
            except SecretFault as error:
                problems.append(str(error))
    return problems
