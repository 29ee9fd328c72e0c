"""The access token of a store: made from a code, renewed before it ends, kept in a file that only
its owner can read."""

from __future__ import annotations

import hashlib
import json
import os
import secrets as random_names
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.connections.call_faults import PlatformFault, PullStopped, Throttled, Unanswered
from pipeline.connections.secret_values import SecretValues
from pipeline.settings.delivery.pull_settings import AliexpressStore
from pipeline.sources.openplatform.gateway import Gateway, PlatformAnswer
from pipeline.workspace.workspace import sync

CREATE, REFRESH = "/auth/token/create", "/auth/token/refresh"
# a token is renewed when this share of its life is left, or this many seconds if that is less
LAST_SHARE, LAST_SECONDS = 0.2, 3 * 86_400.0


@dataclass(frozen=True)
class StoredToken:
    """A token with the seconds since 1970 at which it was made and ends; `code`: a hash of the code
    that it came from, so that no code is used twice."""

    access: str
    refresh: str = ""
    made: float = 0.0
    ends: float = 0.0
    refresh_ends: float = 0.0
    code: str = ""

    def is_due(self, now: float) -> bool:
        """Whether it is time to renew it."""
        left = min((self.ends - self.made) * LAST_SHARE, LAST_SECONDS)
        return bool(self.refresh) and self.ends > 0 and now > self.ends - left


class AccessTokens:
    """The token of one store. `name`: of its section, for messages."""

    def __init__(
        self,
        settings: AliexpressStore,
        secrets: SecretValues,
        gateway: Gateway,
        file: Path,
        name: str,
    ) -> None:
        self._settings, self._secrets, self._gateway = settings, secrets, gateway
        self._file, self._name = file, name
        self._token: StoredToken | None = None

    def current(self) -> str:
        """A token that is valid for a while. Raises `PullStopped` if there is none."""
        token = self._token or self._first()
        if token.is_due(self._now()):
            token = self._refreshed(token)
        self._token = token
        return token.access

    def renew(self, used: str) -> None:
        """Replace `used`, which the platform refused, unless that was done already."""
        token = self._token or self._first()
        if token.access == used:
            self._token = self._refreshed(token)

    def _now(self) -> float:
        return self._gateway.clock.now().timestamp()

    def _first(self) -> StoredToken:
        settings = self._settings
        if settings.access_token:
            value = self._secrets.read_line(settings.access_token, self._setting("access_token"))
            return StoredToken(value)
        stored = self._stored()
        code = (
            self._secrets.read_line(settings.code, self._setting("code")) if settings.code else ""
        )
        mark = hashlib.sha256(code.encode()).hexdigest() if code else ""
        if code and (stored is None or stored.code != mark):
            return self._made(CREATE, {"code": code}, mark)
        if stored is not None:
            return stored
        if settings.refresh_token is None:
            raise PullStopped(f"{self._setting('code')}: there is no code")
        value = self._secrets.read_line(settings.refresh_token, self._setting("refresh_token"))
        return self._made(REFRESH, {"refresh_token": value}, "")

    def _refreshed(self, token: StoredToken) -> StoredToken:
        if not token.refresh:
            raise PullStopped(
                f"pull.aliexpress.{self._name}: the platform refused the access token. "
                f"{self._advice()}"
            )
        return self._made(REFRESH, {"refresh_token": token.refresh}, token.code)

    def _made(self, path: str, parameters: dict[str, str], code: str) -> StoredToken:
        try:
            answer = self._gateway.call_system(path, parameters)
        except PlatformFault as fault:
            is_away = isinstance(fault, Unanswered | Throttled)
            raise PullStopped(
                f"pull.aliexpress.{self._name}: no access token: {self._secrets.hide(str(fault))}. "
                + ("Run again later." if is_away else self._advice())
            ) from None
        token = _token_of(answer, code)
        if token is None:
            raise PullStopped(
                f"pull.aliexpress.{self._name}: the platform's answer has no access token. "
                f"{self._advice()}"
            )
        self._secrets.remember(token.access, token.refresh)
        self._keep(token)
        self._token = token
        return token

    def _setting(self, key: str) -> str:
        return f"pull.aliexpress.{self._name}.{key}"

    def _advice(self) -> str:
        return (
            "Authorise the app again: open "
            f"{self._settings.url}/oauth/authorize?response_type=code&force_auth=true"
            f"&client_id={self._settings.app_key}&redirect_uri=YOUR_CALLBACK_URL in a browser, log "
            f"in as the seller, and put the new code where {self._setting('code')} says. "
            "What was pulled before stays."
        )

    def _stored(self) -> StoredToken | None:
        try:
            handle = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PullStopped(f"{self._file}: cannot be read ({error.strerror})") from None
        with os.fdopen(handle, encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(handle).st_mode) & 0o077:
                raise PullStopped(
                    f"{self._file} can be read or written by other users; "
                    f"run: chmod 600 {self._file}"
                )
            try:
                token = StoredToken(**json.load(file))
            except (ValueError, TypeError):
                raise PullStopped(f"{self._file} is damaged; remove it. {self._advice()}") from None
        self._secrets.remember(token.access, token.refresh)
        return token

    def _keep(self, token: StoredToken) -> None:
        """Replace the file; at no moment can others read it."""
        temporary = self._file.with_name(f".new-{random_names.token_hex(4)}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(token), file)
            file.flush()
            os.fsync(handle)
        temporary.replace(self._file)
        sync(self._file.parent)


def _token_of(answer: PlatformAnswer, code: str) -> StoredToken | None:
    content, now = answer.content, answer.arrived_at.timestamp()
    access, refresh = (str(content.get(name) or "") for name in ("access_token", "refresh_token"))
    if not access:
        return None
    ends = _end(content, now, "expire_time", "expires_in")
    refresh_ends = _end(content, now, "refresh_token_valid_time", "refresh_expires_in")
    return StoredToken(access, refresh, now, ends, refresh_ends, code)


def _end(content: dict[str, Any], now: float, absolute: str, relative: str) -> float:
    """Seconds since 1970 from a number of seconds from now, or from milliseconds since 1970; 0 if
    neither is there. Seconds come first: they do not depend on anyone's clock."""
    for name, start, unit in ((relative, now, 1.0), (absolute, 0.0, 1_000.0)):
        try:
            value = float(content.get(name) or 0)
        except (TypeError, ValueError):
            continue
        if value > 0:
            return start + value / unit
    return 0.0
