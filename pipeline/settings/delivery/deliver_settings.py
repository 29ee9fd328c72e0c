"""`[deliver]` of config.toml: the targets of a night, and the channel to the buyers."""

from __future__ import annotations

from collections import Counter
from typing import Self

from pydantic import Field, model_validator

from pipeline.settings.delivery.delivery_section import (
    DeliverySection,
    OpenUrl,
    SecretSource,
    TargetName,
)
from pipeline.settings.delivery.target_settings import (
    EmailTarget,
    HelpdeskTarget,
    S3Target,
    SftpTarget,
    SlackTarget,
    Target,
    TeamsTarget,
    WebhookTarget,
)

CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
MOST_TARGETS = 20


class ChannelSettings(DeliverySection):
    """Bulk send: the shop's own channel to its buyers. It sends only what a person released."""

    url: OpenUrl | SecretSource | None = Field(
        default=None, description="the address of the channel, or where it is"
    )
    secret: SecretSource | None = Field(
        default=None, description="where the key of the signature is"
    )
    daily_cap: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="most messages that leave in one day, in the store's zone",
    )
    quiet_from: str = Field(
        default="20:00",
        pattern=CLOCK,
        description="no message from this time of the buyer's evening on",
    )
    quiet_until: str = Field(
        default="09:00", pattern=CLOCK, description="up to this time of the buyer's morning"
    )
    draft_days: int = Field(
        default=2,
        ge=1,
        le=36_500,
        description="days from its night on which a draft may be sent; an older one is no longer "
        "true",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.url is None) != (self.secret is None):
            raise ValueError("url and secret go together")
        return self


class Deliver(DeliverySection):
    """Where a night is sent. A target has a name: `[deliver.email.lead]`. Secrets are never
    here: docs/guide/operator/deliver.md."""

    store: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}$",
        description="the name of the store in messages; default: the name of the workspace",
    )
    attempts: int = Field(
        default=5, ge=1, le=20, description="how often one message is tried before it has failed"
    )
    first_wait_seconds: float = Field(
        default=1.0, ge=0.01, le=600, description="wait after the first failure; then twice that"
    )
    longest_wait_seconds: float = Field(
        default=60.0, ge=0.01, le=3_600, description="longest wait between two tries"
    )
    timeout_seconds: float = Field(
        default=30.0, ge=0.1, le=600, description="how long a receiver may be silent"
    )
    email: dict[TargetName, EmailTarget] = {}
    slack: dict[TargetName, SlackTarget] = {}
    teams: dict[TargetName, TeamsTarget] = {}
    webhook: dict[TargetName, WebhookTarget] = {}
    helpdesk: dict[TargetName, HelpdeskTarget] = {}
    sftp: dict[TargetName, SftpTarget] = {}
    s3: dict[TargetName, S3Target] = {}
    channel: ChannelSettings = ChannelSettings()

    @property
    def targets(self) -> dict[str, Target]:
        """name -> target, by kind in the order above, then as in the file."""
        return {name: target for kind in KINDS for name, target in getattr(self, kind).items()}

    def kind_of(self, name: str) -> str:
        """The kind of a target."""
        return next(kind for kind in KINDS if name in getattr(self, kind))

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        counts = Counter(name for kind in KINDS for name in getattr(self, kind))
        if twice := sorted(name for name, count in counts.items() if count > 1):
            raise ValueError(f"two targets are named {twice[0]}; give each its own name")
        if counts.total() > MOST_TARGETS:
            raise ValueError(f"at most {MOST_TARGETS} targets are allowed")
        return self


KINDS = ("email", "slack", "teams", "webhook", "helpdesk", "sftp", "s3")
