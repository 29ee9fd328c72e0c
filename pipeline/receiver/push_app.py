"""The web application of the receiver: one path per account, and /health.

A push is answered with 200 when it is on the disk. What is not signed by the service is refused
before anything of it is read but its bytes. No request is logged: paths and headers may be
anything.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pipeline.connections.answer_dumps import dump_line
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.secret_values import SecretValues
from pipeline.receiver.push_accounts import PushAccount
from pipeline.receiver.push_store import NotKept, PushStore
from pipeline.sources.tracking.tracking_rows import PUSHED

HEALTH = "/health"
MOST_BYTES = 2_000_000
STATUSES = {
    200: "200 OK",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    413: "413 Content Too Large",
    503: "503 Service Unavailable",
}
HEADERS = [
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class PushApp:
    """The application, as WSGI calls it. `count_refused`: requests refused, by status."""

    def __init__(
        self,
        accounts: Mapping[str, PushAccount],
        store: PushStore,
        secrets: SecretValues,
        clock: PullClock,
    ) -> None:
        self._accounts, self._store = accounts, store
        self._secrets, self._clock = secrets, clock
        self.count_refused: Counter[int] = Counter()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status, content = self._answer(environ)
        if status != 200:
            self.count_refused[status] += 1
        body = json.dumps(content).encode()
        start_response(STATUSES[status], [*HEADERS, ("Content-Length", str(len(body)))])
        return [body]

    def health(self) -> dict[str, Any]:
        """What /health shows."""
        return {
            "status": "cannot write" if self._store.fault else "ok",
            "kept": self._store.count_kept,
            "repeated": self._store.count_repeated,
            "refused": sum(self.count_refused.values()),
        }

    def _answer(self, environ: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        path, verb = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path == HEALTH and verb == "GET":
            return 503 if self._store.fault else 200, self.health()
        account = self._accounts.get(path)
        if account is None:
            return 404, {"error": "there is nothing here"}
        if verb != "POST":
            return 405, {"error": "POST only"}
        body = environ["wsgi.input"].read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            return 413, {"error": f"more than {MOST_BYTES} bytes"}
        if not account.is_signed(body, environ.get(account.header, "")):
            return 401, {"error": "the signature is missing or wrong"}
        return self._kept(account, body)

    def _kept(self, account: PushAccount, body: bytes) -> tuple[int, dict[str, Any]]:
        arrived_at = self._clock.now()
        if (text := json_object(body)) is None:
            return 400, {"error": "the body is not a JSON object"}
        # the account too: two of one service may push the same
        digest = hashlib.sha256(account.name.encode() + b"\0" + body).hexdigest()[:32]
        request = {PUSHED: account.name, "digest": digest}
        try:
            is_new = self._store.keep(digest, dump_line(text, arrived_at, request, self._secrets))
        except NotKept as error:
            return 503, {"error": str(error)}
        return 200, {"kept": is_new}


def json_object(body: bytes) -> str | None:
    """The text of a JSON object that is not empty; None for anything else."""
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return text if isinstance(value, dict) and value else None
