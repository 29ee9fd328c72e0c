"""The access token of a store: made from a code, renewed before it ends, kept by `token_file`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pipeline.connections.call_faults import PlatformFault, PullStopped, Throttled, Unanswered
from pipeline.connections.secret_values import SecretValues
from pipeline.settings.delivery.pull_settings import AliexpressStore
from pipeline.sources.openplatform.gateway import Gateway, PlatformAnswer
from pipeline.sources.openplatform.token_file import StoredToken, TokenFile, TokenFileFault

CREATE, REFRESH = "/auth/token/create", "/auth/token/refresh"


class AccessTokens:
    """The token of one store. `name`: of its section, for messages. `problem`: why the token in use
    could not be renewed, if it could not."""

    def __init__(
        self,
        settings: AliexpressStore,
        secrets: SecretValues,
        gateway: Gateway,
        file: Path,
        name: str,
    ) -> None:
        self._settings, self._secrets, self._gateway = settings, secrets, gateway
        self._file, self._name = TokenFile(file), name
        self._token: StoredToken | None = None
        self.problem = ""

    def current(self) -> str:
        """A token that is valid for a while. Raises `PullStopped` if there is none.

        A token is renewed days before it ends. If that fails, the old one serves until then, and
        `problem` says why.
        """
        token = self._token or self._first()
        if token.is_due(self._now()) and not self.problem:
            try:
                token = self._refreshed(token)
            except PullStopped as stop:
                if not stop.is_failure or self._now() >= token.ends:
                    raise
                self.problem = str(stop)
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
        """A new token, on the disk before anything else happens to it."""
        try:
            with self._file.prepared() as handle:
                token = self._gateway.call_system(
                    path, parameters, lambda answer: self._kept(answer, code, handle)
                )
        except PlatformFault as fault:
            raise PullStopped(self._why_none(fault)) from None
        except TokenFileFault as fault:
            raise PullStopped(str(fault)) from None
        if token is None:
            raise PullStopped(
                f"pull.aliexpress.{self._name}: the platform's answer has no access token. "
                f"{self._advice()}"
            )
        self._token = token
        return token

    def _kept(self, answer: PlatformAnswer, code: str, handle: int) -> StoredToken | None:
        token = _token_of(answer, code)
        if token is not None:
            self._secrets.remember(token.access, token.refresh)
            self._file.keep(handle, token)
        return token

    def _why_none(self, fault: PlatformFault) -> str:
        """Why the platform gave no token. After `Unanswered` it may have given one all the same,
        in an answer that did not arrive."""
        says = self._secrets.hide(str(fault))
        text = f"pull.aliexpress.{self._name}: no access token: {says}. "
        if isinstance(fault, Unanswered | Throttled):
            return f"{text}Run again later."
        if self._file.was_cut_off:
            text += (
                "An earlier run was stopped, or lost the connection, while the platform sent a new "
                "token. It sends each only once. "
            )
        self._file.give_up()
        return text + self._advice()

    def _stored(self) -> StoredToken | None:
        try:
            token = self._file.read()
        except TokenFileFault as fault:
            raise PullStopped(f"{fault}. {self._advice()}") from None
        if token is not None:
            self._secrets.remember(token.access, token.refresh)
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
