"""Requests to web addresses, signed as the specification Standard Webhooks says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests

from pipeline.deliver.delivery_faults import TryAgain, Undeliverable

# answers after which the same request may succeed; 409: the first one is still being worked on
LATER = frozenset({408, 409, 425, 429})
MOST_ANSWER_BYTES = 1_000_000
PREFIX = "whsec_"
AGENT = "dispute-risk"


class WebSender:
    """Sends requests over kept connections. A redirect is not followed: it would pass on what was
    meant for one receiver."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._session = requests.Session()
        # without this, a password from ~/.netrc would be sent along
        self._session.auth = _as_it_is

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        login: tuple[str, str] | None = None,
        is_read: bool = False,
    ) -> bytes:
        """The body of the answer if `is_read`, else nothing.

        Raises `TryAgain` or `Undeliverable`, with the name of the host and what it did.
        """
        host = urlsplit(url).hostname or ""
        try:
            answer = self._session.request(
                method,
                url,
                headers={"User-Agent": AGENT, **headers},
                data=body,
                auth=login,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
        except requests.exceptions.SSLError:
            raise Undeliverable(f"{host}: its certificate is not valid") from None
        except requests.exceptions.Timeout:
            raise TryAgain(f"{host}: no answer within {self._timeout:g} seconds") from None
        except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError):
            raise TryAgain(f"{host}: the connection was refused or closed") from None
        except (requests.exceptions.RequestException, UnicodeError):
            raise Undeliverable(f"{host}: the request could not be made") from None
        with answer:
            _require_success(host, answer)
            return _body_of(host, answer, is_read)

    def post_json(self, url: str, content: Any, *, headers: Mapping[str, str]) -> None:
        """Send a JSON document."""
        self.request("POST", url, headers={**JSON, **headers}, body=json_bytes(content))


JSON = {"Content-Type": "application/json"}


def json_bytes(content: Any) -> bytes:
    """The same bytes for the same content."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", errors="replace")


def signed(secret: str, key: str, body: bytes, seconds: int | None = None) -> dict[str, str]:
    """The headers of a signed request: HMAC-SHA256 over its id, its time and its body.

    `key`: the id, the same on every try; `seconds`: the time since 1970, by default now. `secret`:
    `whsec_` and base64, as the specification has it, or any other text.
    """
    at = str(int(time.time()) if seconds is None else seconds)
    digest = hmac.digest(_key_of(secret), f"{key}.{at}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": key,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        "Idempotency-Key": key,
    }


def _key_of(secret: str) -> bytes:
    if secret.startswith(PREFIX):
        with suppress(binascii.Error, ValueError):
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    return secret.encode()


def _as_it_is(request: Any) -> Any:
    return request


def _require_success(host: str, answer: requests.Response) -> None:
    code = answer.status_code
    if 200 <= code < 300:
        return
    if code in LATER or code >= 500:
        raise TryAgain(f"{host}: answered {code}", _asked_wait(answer))
    if 300 <= code < 400:
        raise Undeliverable(f"{host}: answered {code}, a redirect, which is not followed")
    raise Undeliverable(f"{host}: answered {code}")


def _asked_wait(answer: requests.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() and len(text) < 8 else None


def _body_of(host: str, answer: requests.Response, is_read: bool) -> bytes:
    """What the receiver answered. Its status says that it took the message, so a body that breaks
    off is an error only for a caller who needs it."""
    body = b""
    try:
        for piece in answer.iter_content(65_536):
            body += piece
            if len(body) > MOST_ANSWER_BYTES:
                raise Undeliverable(
                    f"{host}: its answer is longer than {MOST_ANSWER_BYTES:,} bytes"
                )
    except requests.exceptions.RequestException:
        if is_read:
            raise TryAgain(f"{host}: its answer broke off") from None
    except Undeliverable:
        if is_read:
            raise
    return body if is_read else b""
