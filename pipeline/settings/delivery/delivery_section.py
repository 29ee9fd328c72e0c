"""What all parts of `[deliver]` and `[pull]` share: where a secret is, and which addresses are
allowed.

A secret is never in config.toml: that file is copied, mailed and committed. The section names an
environment variable, a file or an entry of the system's keyring instead.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

HOST = r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$"
MAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])$"
# the name of a target; it is part of file names and of the keys that receivers see
NAME = r"^[a-z][a-z0-9-]{0,39}$"
MailAddress = Annotated[str, Field(pattern=MAIL)]
TargetName = Annotated[str, Field(pattern=NAME)]


class DeliverySection(BaseModel):
    """A section of `[deliver]` or `[pull]`: frozen, an unknown key is an error, and no error shows
    a value, because someone may write a secret where it does not belong."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True
    )


class SecretSource(DeliverySection):
    """Where a secret is: `{ env = "NAME" }`, `{ file = "path" }`, a file of mode 0600, or
    `{ keyring = "service/name" }`, an entry of the system's keyring. A path without a slash or a
    tilde at its start begins in the folder of config.toml."""

    env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")
    file: str | None = Field(default=None, min_length=1, max_length=500)
    keyring: str | None = Field(default=None, pattern=r"^[!-.0-~]{1,100}/[ -~]{1,100}$")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(value is not None for value in (self.env, self.file, self.keyring)) != 1:
            raise ValueError(
                'write one of { env = "NAME" }, { file = "/path" } and { keyring = "service/name" }'
            )
        return self

    def __str__(self) -> str:
        if self.env:
            return f"the environment variable {self.env}"
        return f"the file {self.file}" if self.file else f"the keyring's entry {self.keyring}"


def with_whole_paths(content: Any, folder: Path) -> Any:
    """Content of config.toml with the path of each `{ file = "..." }` from `folder` on, if it is
    not whole already: a workspace can then be moved with its secrets."""
    if not isinstance(content, dict):
        return content
    file = content.get("file")
    if len(content) == 1 and isinstance(file, str) and not file.startswith(("/", "~")):
        return {"file": str(folder.absolute() / file)} if file else content
    return {name: with_whole_paths(part, folder) for name, part in content.items()}


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def web_fault(url: str) -> str | None:
    """Why a web address may not be used; None if it may.

    Plain http is for this machine only. A user or a password in the address would be a secret in
    config.toml, and so might be what follows a question mark.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not a web address"
    if not re.match(HOST, host) or not url.isascii() or not url.isprintable() or " " in url:
        return "is not a web address"
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        return "must begin with https://; http:// is for this machine only"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user or a password"
    return "must not contain # and what follows" if parts.fragment else None


def _open_url(url: str) -> str:
    if fault := web_fault(url):
        raise ValueError(fault)
    if urlsplit(url).query:
        raise ValueError(
            "must not contain ? and what follows, which may be a secret: write "
            '{ env = "NAME" } or { file = "/path" } with the whole address there'
        )
    return url


OpenUrl = Annotated[str, Field(max_length=1_000), AfterValidator(_open_url)]
