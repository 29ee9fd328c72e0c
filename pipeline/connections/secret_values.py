"""Reads the secrets that `[deliver]` and `[pull]` name, and keeps them out of every text."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from urllib.parse import quote, quote_plus

from pipeline.connections.call_faults import SecretFault
from pipeline.connections.system_keyring import read_keyring
from pipeline.settings.delivery.delivery_section import SecretSource, web_fault
from pipeline.settings.regular_files import special_kind

MOST_BYTES = 20_000
HIDDEN = "[secret]"
# hiding one letter everywhere would make a message unreadable
SHORTEST = 4


class SecretValues:
    """The secrets of one step, as far as they were read."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def read(self, source: SecretSource, setting: str) -> str:
        """The secret itself. Raises `SecretFault`, which names `setting`, if there is none, or if
        its file can be read by others."""
        if source.env:
            value = _of_variable(source.env, setting)
        elif source.keyring:
            value = read_keyring(source.keyring, setting)
        else:
            value = _of_file(source, setting)
        value = value.strip("\r\n")
        if not value.strip():
            raise SecretFault(f"{setting}: the secret is empty")
        self.remember(value, *value.split("\n"))
        return value

    def remember(self, *values: str) -> None:
        """Hide these texts too: secrets that came over the network."""
        for value in values:
            if len(value) >= SHORTEST:
                self._known |= _written_ways(value)

    def read_line(self, source: SecretSource, setting: str) -> str:
        """Like `read`, for a secret of one printable line: a password, a token."""
        value = self.read(source, setting)
        if not value.isprintable():
            raise SecretFault(f"{setting}: the secret must be one line")
        return value

    def read_url(self, source: str | SecretSource, setting: str) -> str:
        """A web address from the settings themselves, or a secret one."""
        if isinstance(source, str):
            return source
        url = self.read_line(source, setting)
        if fault := web_fault(url):
            raise SecretFault(f"{setting}: the address {fault}")
        return url

    def hide(self, text: str) -> str:
        """The text without any secret that was read."""
        for value in sorted(self._known, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return text


def _written_ways(value: str) -> set[str]:
    """The secret as it is, and as it looks in JSON and in an address: services repeat it so."""
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return {value, *escaped, quote(value), quote(value, safe=""), quote_plus(value)}


def _of_variable(name: str, setting: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise SecretFault(f"{setting}: the environment variable {name} is not set")
    return value


def _of_file(source: SecretSource, setting: str) -> str:
    path = Path(source.file or "").expanduser()
    if kind := special_kind(path):
        raise SecretFault(f"{setting}: {path} is {kind}")
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_IMODE(status.st_mode) & 0o077:
                raise SecretFault(
                    f"{setting}: {path} can be read or written by other users; "
                    f"run: chmod 600 {path}"
                )
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SecretFault(f"{setting}: {path} cannot be read ({error.strerror})") from None
    if len(content) > MOST_BYTES:
        raise SecretFault(f"{setting}: {path} is larger than {MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretFault(f"{setting}: {path} is not UTF-8 text") from None
