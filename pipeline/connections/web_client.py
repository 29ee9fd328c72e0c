"""One request to a service: no redirects, TLS verified, limits of time and size."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from pipeline.connections.call_faults import RefusedCall, Throttled, Unanswered
from pipeline.settings.delivery.pull_section import PullSection

AGENT = "dispute-risk"
BLOCK = 65_536


@dataclass(frozen=True)
class WebAnswer:
    """The text of an answer, its status, its headers (their names may be written in any case), and
    the clock of the server in seconds since 1970, if it says it."""

    text: str
    server_seconds: float | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class WebClient:
    """Sends requests over kept connections. A redirect is not followed: it would pass on the token
    to another host."""

    def __init__(self, settings: PullSection) -> None:
        self._settings = settings
        self._session = requests.Session()
        # without this, a password from ~/.netrc would be sent along
        self._session.auth = _as_it_is

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def post(self, url: str, parameters: Mapping[str, str]) -> WebAnswer:
        """The answer to a form. Parameters go into the body: addresses are logged everywhere.

        Raises `Unanswered`, `Throttled` or `RefusedCall`.
        """
        return self.ask("POST", url, data=dict(parameters))

    def ask(
        self,
        method: str,
        url: str,
        *,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> WebAnswer:
        """The answer to a request. `data`: a form or a text; `json`: a value to send as JSON.
        Secrets belong into `headers` or the body, never into `url`.

        Raises `Unanswered`, `Throttled` or `RefusedCall`. Other answers with a status of 400 and
        more are returned: services write into them what is wrong.
        """
        host = urlsplit(url).hostname or ""
        timeout = self._settings.timeout_seconds
        try:
            answer = self._session.request(
                method,
                url,
                data=data,
                json=json,
                headers={"User-Agent": AGENT, "Accept": "application/json", **(headers or {})},
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            )
        except requests.exceptions.SSLError:
            raise RefusedCall(f"{host}: its certificate is not valid") from None
        except requests.exceptions.Timeout:
            raise Unanswered(f"{host}: no answer within {timeout:g} seconds") from None
        except requests.exceptions.RequestException:
            raise Unanswered(f"{host}: the connection was refused or closed") from None
        with answer:
            _require_answer(host, answer)
            text = self._text(host, answer)
            return WebAnswer(text, _server_seconds(answer), answer.status_code, answer.headers)

    def _text(self, host: str, answer: requests.Response) -> str:
        most = int(self._settings.largest_answer_mb * 1_000_000)
        ends = time.monotonic() + self._settings.longest_answer_seconds
        body = bytearray()
        try:
            # read1 returns what has come: a server that sends a byte a second cannot hold us
            while block := answer.raw.read1(BLOCK, decode_content=True):
                body += block
                if len(body) > most:
                    raise Unanswered(f"{host}: its answer is longer than {most:,} bytes")
                if time.monotonic() > ends:
                    raise Unanswered(f"{host}: its answer took too long")
        except (urllib3.exceptions.HTTPError, OSError):
            raise Unanswered(f"{host}: its answer broke off") from None
        try:
            return body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Unanswered(f"{host}: its answer is not UTF-8 text") from None


def _as_it_is(request: Any) -> Any:
    return request


def _require_answer(host: str, answer: requests.Response) -> None:
    """Raise for a status without an answer to read. Other errors may come with an answer."""
    code = answer.status_code
    if code == 429:
        asked = answer.headers.get("Retry-After", "")
        is_number = asked.isdecimal() and len(asked) < 8
        raise Throttled(f"{host}: answered 429", float(asked) if is_number else None)
    if 300 <= code < 400:
        raise Unanswered(f"{host}: answered {code}, a redirect, which is not followed")
    if code >= 500 or code in (408, 425):
        raise Unanswered(f"{host}: answered {code}")


def _server_seconds(answer: requests.Response) -> float | None:
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None
