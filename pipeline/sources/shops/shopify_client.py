"""Calls of Shopify's GraphQL Admin API: the token, errors and throttling.

An error comes with status 200, in `errors` (its kind in `extensions.code`), or in `userErrors` of a
mutation. Sources: docs/guide/operator/pull-from-shops.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pipeline.connections.call_faults import (
    ForbiddenCall,
    PlatformFault,
    PullStopped,
    RefusedCall,
    StaleToken,
    Throttled,
    Unanswered,
)
from pipeline.connections.web_client import WebAnswer
from pipeline.output.safe_text import one_line
from pipeline.settings.delivery.delivery_section import is_loopback
from pipeline.sources.shops.kept_answers import rows_of, texts_of
from pipeline.sources.shops.service_run import ServiceRun

LONGEST_TEXT = 200
_MAY_SUCCEED = ("INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE")


class ShopifyClient:
    """Asks one shop. The token never leaves for another host."""

    def __init__(self, run: ServiceRun) -> None:
        self._run = run
        settings = run.settings
        base = settings.url.rstrip("/")
        self._url = f"{base}/admin/api/{settings.api_version}/graphql.json"
        self._token_url = f"{base}/admin/oauth/access_token"
        self._token = run.secret("access_token") if settings.access_token else ""

    def call(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The `data` of an answer. Raises a `PlatformFault`."""
        return self.answer(query, variables)[0]

    def answer(
        self, query: str, variables: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], str]:
        """The `data` of an answer, and its own text. A token that ended is renewed once, if the app
        has a secret."""
        body = {"query": query, "variables": dict(variables or {})}
        more = (StaleToken,) if self._run.settings.client_id else ()
        result: tuple[dict[str, Any], str] = self._run.tried(lambda: self._once(body), *more)
        return result

    def result(self, url: str) -> str:
        """The result of a bulk operation, from a host that the settings allow, without the token.

        The address is itself a secret: whoever has it may read the result. The request is made
        once; the caller tries again. Raises `PullStopped` for another host.
        """
        self._run.secrets.remember(url)
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host not in self._run.settings.result_hosts:
            raise PullStopped(
                f"the result is on {one_line(host, 100)}, which is not in result_hosts of "
                f"[pull.shopify.{self._run.name}]"
            )
        if parts.scheme != "https" and not is_loopback(host):
            raise RefusedCall("the address of the result does not begin with https://")
        answer = self._run.web.ask("GET", url, headers={"Accept": "*/*"})
        if answer.status >= 400:
            raise RefusedCall(f"{host}: answered {answer.status} to the request for the result")
        return answer.text

    def _once(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        if not self._token:
            self._token = self._granted()
        answer = self._run.web.ask(
            "POST", self._url, json=body, headers={"X-Shopify-Access-Token": self._token}
        )
        if answer.status == 401 and self._run.settings.client_id:
            self._token = ""
        _require_ok(answer)
        content = _object(answer.text)
        if fault := fault_in(content):
            raise fault
        data = content.get("data")
        if not isinstance(data, dict):
            raise Unanswered("the shop answered without data")
        return data, answer.text

    def _granted(self) -> str:
        """A token for a day, for the id and the secret of an app of one's own."""
        run = self._run
        form = {
            "grant_type": "client_credentials",
            "client_id": run.settings.client_id,
            "client_secret": run.secret("client_secret"),
        }
        answer = run.web.ask("POST", self._token_url, data=form)
        if answer.status >= 400:
            raise ForbiddenCall(f"the shop gives no token (it answered {answer.status})")
        token = _object(answer.text).get("access_token")
        if not isinstance(token, str) or not token.isprintable() or not token:
            raise Unanswered("the shop answered without a token")
        run.secrets.remember(token)
        return token


def _require_ok(answer: WebAnswer) -> None:
    """Raise what a status of an error says."""
    code = answer.status
    if code == 401:
        raise StaleToken("the shop answered 401: the access token is not valid")
    if code in (402, 403, 423):
        meaning = {402: "the shop is frozen", 403: "access denied", 423: "the shop is locked"}
        raise ForbiddenCall(f"the shop answered {code}: {meaning[code]}")
    if code == 430:
        raise Throttled("the shop answered 430: too many requests of this kind")
    if code == 404:
        raise RefusedCall("the shop answered 404: check url and api_version")
    if code >= 400:
        raise RefusedCall(f"the shop answered {code}")


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise Unanswered("the shop's answer is not JSON") from None
    if not isinstance(content, dict):
        raise Unanswered("the shop's answer is not an object")
    return content


def fault_in(content: Mapping[str, Any]) -> PlatformFault | None:
    """The fault that `errors` of an answer report, or None."""
    errors = content.get("errors")
    if not errors:
        return None
    first = next(iter(rows_of(content, "errors")), {})
    code = texts_of(first, "extensions", "code").upper()
    said = texts_of(first, "message") or (errors if isinstance(errors, str) else "an error")
    message = one_line(f"the shop answered {code} {said}", LONGEST_TEXT)
    if code == "THROTTLED" or said == "Throttled":
        return Throttled(message, _wait_seconds(content))
    if code == "ACCESS_DENIED":
        return ForbiddenCall(message)
    return Unanswered(message) if code in _MAY_SUCCEED else RefusedCall(message)


def _wait_seconds(content: Mapping[str, Any]) -> float | None:
    """How long until the bucket has what the query costs; None if the answer does not say it."""
    try:
        cost = content["extensions"]["cost"]
        status = cost["throttleStatus"]
        lacking = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(lacking / float(status["restoreRate"]), 0.0)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
