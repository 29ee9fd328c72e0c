"""The kinds of targets that a night is sent to, one section each."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.settings.delivery.delivery_section import (
    HOST,
    DeliverySection,
    MailAddress,
    OpenUrl,
    SecretSource,
    is_loopback,
)

NightFile = Literal[
    "report.html",
    "contact_list.xlsx",
    "contact_list.csv",
    "contact_list.parquet",
    "dispute_clock.xlsx",
    "dispute_clock.csv",
    "scores.parquet",
    "README.txt",
    "manifest.json",
]
# manifest.json comes last: who sees it there knows that the files are complete
UPLOADED: tuple[NightFile, ...] = (
    "report.html",
    "contact_list.xlsx",
    "contact_list.csv",
    "dispute_clock.xlsx",
    "dispute_clock.csv",
    "README.txt",
    "manifest.json",
)
Rows = Annotated[int, Field(ge=0, le=1_000)]
ROWS = "rows of the list, from the top, that the message shows"


class EmailTarget(DeliverySection):
    """A mail with the page of the night attached and the top of the list in its text."""

    host: str = Field(pattern=HOST, description="the mail server (SMTP)")
    port: int = Field(default=587, ge=1, le=65_535, description="465 for security = tls")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none is for a mail server on this machine only"
    )
    user: str | None = Field(
        default=None, min_length=1, max_length=320, description="without it, no login"
    )
    password: SecretSource | None = Field(default=None, description="where the password is")
    sender: MailAddress = Field(description="the address in From")
    to: tuple[MailAddress, ...] = Field(min_length=1, max_length=50, description="who gets it")
    rows: Rows = Field(default=10, description=ROWS)
    attach: tuple[NightFile, ...] = Field(
        default=("report.html",), max_length=9, description="files of the night"
    )

    @model_validator(mode="after")
    def _login_is_safe(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("security = none is for a mail server on this machine only")
        return self


class SlackTarget(DeliverySection):
    """A message to a Slack channel, by an incoming webhook."""

    url: SecretSource = Field(
        description="where the webhook's address is; who has it can write to the channel"
    )
    rows: Rows = Field(default=10, le=40, description=ROWS)


class TeamsTarget(DeliverySection):
    """A card in a Microsoft Teams channel, by a webhook of the Workflows app."""

    url: SecretSource = Field(
        description="where the webhook's address is; who has it can write to the channel"
    )
    rows: Rows = Field(default=10, le=40, description=ROWS)


class WebhookTarget(DeliverySection):
    """A signed JSON document to an address of yours."""

    url: OpenUrl | SecretSource = Field(description="the address, or where it is")
    secret: SecretSource = Field(description="where the key of the signature is")
    rows: Rows = Field(default=1_000, description="rows of the list in the document")
    with_drafts: bool = Field(default=False, description="also the draft messages")


class HelpdeskTarget(DeliverySection):
    """One ticket per row of the list, in Zendesk or Gorgias, or a file of them to import."""

    product: Literal["zendesk", "gorgias"] = Field(description="the helpdesk")
    way: Literal["api", "csv"] = Field(
        default="api", description="csv: only the file deliveries/AS_OF/NAME.csv of the workspace"
    )
    url: OpenUrl | None = Field(
        default=None, description="https://SHOP.zendesk.com or https://SHOP.gorgias.com"
    )
    user: MailAddress | None = Field(default=None, description="the address of the login")
    token: SecretSource | None = Field(default=None, description="where the API token is")
    requester: MailAddress | None = Field(
        default=None, description="gorgias: the address that the tickets come from"
    )
    rows: Rows = Field(default=200, description="rows of the list, from the top")
    tags: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,60}$")], ...] = Field(
        default=("dispute-risk",), max_length=10, description="tags of each ticket"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        needed = {"url": self.url, "user": self.user, "token": self.token}
        if self.product == "gorgias":
            needed["requester"] = self.requester
        missing = [name for name, value in needed.items() if value is None]
        if self.way == "api" and missing:
            raise ValueError(f"way = api needs also: {', '.join(missing)}")
        return self


class SftpTarget(DeliverySection):
    """The files of the night, in a folder of an SFTP server."""

    host: str = Field(pattern=HOST, description="the server")
    port: int = Field(default=22, ge=1, le=65_535, description="its port")
    user: str = Field(min_length=1, max_length=100, description="the login")
    password: SecretSource | None = Field(default=None, description="where the password is")
    key: SecretSource | None = Field(
        default=None, description="where the private key is, in the format of OpenSSH"
    )
    host_key: str | None = Field(
        default=None,
        pattern=r"^(ssh|ecdsa)-[a-z0-9-]{3,40} [A-Za-z0-9+/=]{40,2000}$",
        description="the server's public key, as in known_hosts; default: ~/.ssh/known_hosts",
    )
    folder: str = Field(
        default="dispute-risk",
        pattern=r"^[^\x00-\x1f\x7f]{1,300}$",
        description="the folder; that of the night is made in it",
    )
    files: tuple[NightFile, ...] = Field(
        default=UPLOADED, min_length=1, max_length=9, description="files of the night"
    )

    @model_validator(mode="after")
    def _has_login(self) -> Self:
        if (self.password is None) == (self.key is None):
            raise ValueError("write password or key, one of the two")
        return self


class S3Target(DeliverySection):
    """The files of the night, in a bucket of an S3-compatible store."""

    endpoint: OpenUrl | None = Field(default=None, description="default: Amazon's own")
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,40}$", description="its region")
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="the bucket")
    prefix: str = Field(
        default="dispute-risk/",
        pattern=r"^([A-Za-z0-9!_.*'()-]+/)*$",
        max_length=300,
        description="the folder in it, with / at the end; that of the night is made in it",
    )
    access_key: SecretSource = Field(description="where the access key is")
    secret_key: SecretSource = Field(description="where the secret key is")
    files: tuple[NightFile, ...] = Field(
        default=UPLOADED, min_length=1, max_length=9, description="files of the night"
    )

    @field_validator("prefix")
    @classmethod
    def _stays_inside(cls, prefix: str) -> str:
        if any(part in (".", "..") for part in prefix.split("/")):
            raise ValueError("must not contain . or .. as a folder")
        return prefix


Target = (
    EmailTarget | SlackTarget | TeamsTarget | WebhookTarget | HelpdeskTarget | SftpTarget | S3Target
)
