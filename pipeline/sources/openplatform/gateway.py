"""Calls of the Open Platform: signed, at a steady pace, tried again with growing waits.

The newer gateway has /sync for business methods and /rest for system methods; the older router has
one address. Each try has a time of its own: a signature counts only once and for minutes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from pipeline.connections.call_faults import ClockDiffers, StaleToken, Throttled, Unanswered
from pipeline.connections.held_signals import held_signals
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.tries import with_tries
from pipeline.connections.web_client import WebAnswer, WebClient
from pipeline.settings.delivery.pull_settings import AliexpressStore
from pipeline.sources.openplatform.platform_faults import fault_in
from pipeline.sources.openplatform.signatures import SHA256, SIGN, signature
from pipeline.workspace.run_log import note

CHINA = timezone(timedelta(hours=8))
Result = TypeVar("Result")
AGAIN = (Unanswered, Throttled, StaleToken, ClockDiffers)


@dataclass(frozen=True)
class PlatformAnswer:
    """An answer as text and parsed, and when it arrived."""

    text: str
    content: dict[str, Any]
    arrived_at: datetime

    def response(self, method: str) -> dict[str, Any]:
        """What the answer says about the method. Raises `Unanswered` if it says nothing."""
        inner = self.content.get(f"{method.replace('.', '_')}_response")
        if not isinstance(inner, dict) or not inner:
            raise Unanswered(f"{method}: the answer is empty or to another method")
        return inner


class Gateway:
    """Calls for one app. `count` is called before each try, and raises if the day's allowance is
    used up."""

    def __init__(
        self,
        settings: AliexpressStore,
        app_secret: str,
        secrets: SecretValues,
        clock: PullClock,
        count: Callable[[], None],
    ) -> None:
        self.settings, self.secrets, self.clock = settings, secrets, clock
        self._app_secret, self._count = app_secret, count
        self._web = WebClient(settings)
        self._offset_ms = self._last_ms = 0

    def close(self) -> None:
        """Close the connections."""
        self._web.close()

    def call(
        self,
        method: str,
        parameters: Mapping[str, Any],
        token: Callable[[], str],
        renew: Callable[[str], None],
    ) -> PlatformAnswer:
        """Call a business method. `token` gives the access token, `renew` replaces a stale one.

        Raises `Unanswered`, `StaleToken`, `ForbiddenCall` or `RefusedCall` after all tries, and
        `PullStopped` if this run cannot go on.
        """

        def try_once() -> PlatformAnswer:
            used = token()
            try:
                answer = self._post(method, parameters, used)
                answer.response(method)
            except StaleToken:
                renew(used)
                raise
            return answer

        return self._with_tries(method, try_once)

    def call_system(
        self, path: str, parameters: Mapping[str, Any], keep: Callable[[PlatformAnswer], Result]
    ) -> Result:
        """Call a system method, such as /auth/token/create, which needs no token. `keep` gets the
        answer before a signal can end this process: the platform gives it only once."""

        def try_once() -> Result:
            with held_signals():
                return keep(self._post(path, parameters, None))

        return self._with_tries(path, try_once)

    def _with_tries(self, method: str, once: Callable[[], Result]) -> Result:
        return with_tries(once, self.settings, self.clock, AGAIN, self._log(method))

    def _log(self, method: str) -> Callable[[BaseException | None], None]:
        return lambda error: note("pull_retry", method=method, detail=self.secrets.hide(str(error)))

    def _post(
        self, method: str, parameters: Mapping[str, Any], token: str | None
    ) -> PlatformAnswer:
        self._count()
        self.clock.pace(1.0 / self.settings.requests_per_second)
        url, form = self._request(method, parameters, token)
        answer = self._web.post(url, form)
        arrived_at = self.clock.now()
        content = self._parsed(answer)
        fault = fault_in(content)
        if isinstance(fault, ClockDiffers) and answer.server_seconds is not None:
            self._offset_ms = int((answer.server_seconds - arrived_at.timestamp()) * 1000)
        if fault is not None:
            raise fault
        return PlatformAnswer(answer.text, content, arrived_at)

    def _request(
        self, method: str, parameters: Mapping[str, Any], token: str | None
    ) -> tuple[str, dict[str, str]]:
        """The address, and the signed parameters. The platform signs no empty ones."""
        is_system, settings = method.startswith("/"), self.settings
        is_router = settings.api == "router"
        form = {name: _text(value) for name, value in parameters.items()}
        form |= {"app_key": settings.app_key, "timestamp": self._timestamp(is_router)}
        form["sign_method"] = settings.sign_method if is_router else SHA256
        if not is_system:
            form |= {"method": method, "format": "json", "simplify": "false"}
        if is_router:
            form["v"] = "2.0"
        if token:
            form["session" if is_router else "access_token"] = token
        form = {name: value for name, value in form.items() if value != ""}
        path = method if is_system else ""
        form[SIGN] = signature(self._app_secret, form, form["sign_method"], path)
        base = settings.url.rstrip("/")
        return base if is_router else f"{base}/rest{path}" if is_system else f"{base}/sync", form

    def _timestamp(self, is_router: bool) -> str:
        """Milliseconds since 1970, later than any before; for the router, the time in China."""
        now_ms = int(self.clock.now().timestamp() * 1000) + self._offset_ms
        self._last_ms = max(now_ms, self._last_ms + 1)
        if not is_router:
            return str(self._last_ms)
        return datetime.fromtimestamp(self._last_ms / 1000, CHINA).strftime("%Y-%m-%d %H:%M:%S")

    def _parsed(self, answer: WebAnswer) -> dict[str, Any]:
        try:
            content = json.loads(answer.text)
        except (ValueError, RecursionError):
            raise Unanswered("the answer is not JSON, or is cut off") from None
        if not isinstance(content, dict) or not content:
            raise Unanswered("the answer is empty")
        return content


def _text(value: Any) -> str:
    """A parameter as the platform expects it: structures as JSON."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
