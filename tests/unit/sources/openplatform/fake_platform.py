"""An Open Platform on a free port: it checks signatures, times and tokens as the real one says it
does, and fails as the real one is reported to."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.unit.local_server import LocalHandler, local_server
from tests.unit.sources.openplatform.fake_store import (
    NOT_FOUND,
    FakeStore,
    Row,
    list_evaluations,
    list_issues,
    list_messages,
    list_orders,
    list_relations,
)

APP_KEY, APP_SECRET = "12345678", "s3cr3t-0f-the-app-4711"
CODE = "3_500102_one-time-code"
# what may happen to a request that the platform would otherwise answer
FAULTS = (
    "reset",
    "status_500",
    "status_502",
    "status_429",
    "redirect",
    "html",
    "cut_off",
    "cut_body",
    "null",
    "empty_response",
    "null_result",
    "not_success",
    "signature",
    "call_limit",
    "short_ban",
    "service_error",
    "token",
    "permission_of_one",
    "missing_row",
    "repeated_row",
    "changed_total",
    "burst",
)
BURST = ("status_502", "status_500", "status_429")
VALID_SECONDS = 600.0


@dataclass
class FakePlatform:
    """A running platform. `share` of the requests have a fault of `kinds`; `planned` faults come
    first. `forbidden`: methods that the account may not call."""

    store: FakeStore
    share: float = 0.0
    kinds: tuple[str, ...] = FAULTS
    planned: list[str] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)
    seconds: Callable[[], float] = time.time
    draw: random.Random = field(default_factory=lambda: random.Random(7))
    port: int = 0
    tokens: int = 0
    life_seconds: int = 86_400 * 30
    is_echoing: bool = False
    # whether earlier refresh tokens and the code stay valid, so that a lost answer costs nothing
    keeps_former: bool = False
    # the access token that ended early
    ended: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    signatures: set[str] = field(default_factory=set)
    queries: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    # called after each page of a list of orders or disputes that is answered as it is
    after_page: Callable[[FakeStore, dict[str, Any], int], None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def access(self) -> str:
        return f"access-token-{self.tokens}-of-the-store"

    @property
    def refresh(self) -> str:
        return f"refresh-token-{self.tokens}-of-the-store"

    def fault(self) -> str | None:
        if self.planned:
            return self.planned.pop(0)
        if self.draw.random() >= self.share:
            return None
        kind = self.draw.choice(self.kinds)
        if kind == "burst":
            self.planned += BURST
        return kind

    def grant(self) -> dict[str, Any]:
        """New tokens; the former ones end."""
        self.tokens += 1
        return {
            "code": "0",
            "access_token": self.access,
            "refresh_token": self.refresh,
            "expires_in": self.life_seconds,
            "refresh_expires_in": self.life_seconds * 2,
            "seller_id": "2671514005",
            "account_platform": "buyerApp",
        }


def error(code: str, text: str, kind: str = "ISV") -> dict[str, Any]:
    return {"error_response": {"type": kind, "code": code, "msg": text, "request_id": "0ba2"}}


ERRORS = {
    "signature": error("IncompleteSignature", "The request signature does not conform"),
    "call_limit": error("ApiCallLimit", "The request frequency exceeds the limit"),
    "short_ban": error("AppApiCallLimit", "This ban will last 1 more seconds"),
    "long_ban": error("AppApiCallLimit", "This ban will last 14229 seconds"),
    "service_error": error("ServiceTimeout", "The service timed out", "SYSTEM"),
    "permission_of_one": {"error_response": {"code": 15, "sub_code": "isv.order-not-yours"}},
    "refused": {"error_response": {"code": 15, "sub_code": "isv.order-not-exist"}},
}


def respond_or_fail(
    platform: FakePlatform, path: str, form: dict[str, str]
) -> tuple[str | None, Any]:
    """What happens to a request: its fault, and the answer as an object."""
    # Codes and tokens count once: if their answer is lost, the seller must authorise again.
    # So only planned faults come there, and those of a platform that always fails.
    is_spared = path.startswith("/rest/auth/") and platform.share < 1.0
    fault = platform.fault() if platform.planned or not is_spared else None
    if fault:
        platform.faults[fault] += 1
    return fault, respond(platform, path, form, fault)


def respond(platform: FakePlatform, path: str, form: dict[str, str], fault: str | None) -> Any:
    """What the platform answers, as an object."""
    if reason := _refusal(platform, path, form):
        platform.refused[reason["error_response"]["code"]] += 1
        return reason["error_response"] if path.startswith("/rest") else reason
    if path.startswith("/rest"):
        return _system(platform, path, form)
    token = form.get("access_token") or form.get("session")
    if fault == "token":
        platform.ended = platform.access
    if token in ("", None, platform.ended) or token != platform.access:
        return error("IllegalAccessToken", f"The access token {token} is invalid or expired")
    method = form["method"]
    platform.requests[method] += 1
    platform.queries.append((method, form))
    if method in platform.forbidden:
        return error("InsufficientPermission", "The app has no permission to call this api")
    if fault in ERRORS:
        return ERRORS[fault]
    try:
        return _business(platform, method, form, fault)
    except KeyError:
        # an id that the store does not have
        return ERRORS["refused"]


def _refusal(platform: FakePlatform, path: str, form: dict[str, str]) -> dict[str, Any] | None:
    given = form.pop("sign", "")
    joined = "".join(f"{name}{form[name]}" for name in sorted(form))
    prefix = path.removeprefix("/rest") if path.startswith("/rest") else ""
    digest = hmac.new(APP_SECRET.encode(), (prefix + joined).encode(), hashlib.sha256)
    expected = digest.hexdigest().upper()
    if path == "/router/rest":
        text = APP_SECRET + joined + APP_SECRET
        by = {
            "md5": hashlib.md5(text.encode()).hexdigest(),
            "hmac": hmac.new(APP_SECRET.encode(), joined.encode(), hashlib.md5).hexdigest(),
        }
        expected = by[form["sign_method"]].upper()
    if form.get("app_key") != APP_KEY or given != expected:
        return error("IncompleteSignature", "The request signature does not conform")
    if path != "/router/rest":
        if abs(int(form["timestamp"]) / 1000 - platform.seconds()) > VALID_SECONDS:
            return error("IllegalTimestamp", "The timestamp is illegal")
        if given in platform.signatures:
            return error("IncompleteSignature", "The request was sent before")
    platform.signatures.add(given)
    return None


def _system(platform: FakePlatform, path: str, form: dict[str, str]) -> dict[str, Any]:
    keeps = platform.keeps_former
    if path.endswith("/create") and form.get("code") == CODE and (keeps or not platform.tokens):
        return platform.grant()
    refresh = form.get("refresh_token", "")
    if path.endswith("/refresh") and (refresh == platform.refresh or (keeps and refresh)):
        return platform.grant()
    return {"type": "ISV", "code": "InvalidCode", "message": "Invalid authorization code or token"}


def _business(platform: FakePlatform, method: str, form: dict[str, str], fault: str | None) -> Any:
    store, part, answer = platform.store, None, {}
    if method == "aliexpress.solution.order.get":
        answer, part = _page(platform, list_orders, json.loads(form["param0"]), fault)
    elif method == "aliexpress.solution.order.info.get":
        data = store.details[str(json.loads(form["param1"])["order_id"])]
        result = {"data": data, "error_code": "0", "error_message": ""}
        answer = {"aliexpress_solution_order_info_get_response": {"result": result}}
    elif method == "aliexpress.ds.order.tracking.get":
        result = store.tracking.get(form["ae_order_id"], NOT_FOUND)
        answer = {"aliexpress_ds_order_tracking_get_response": {"result": result}}
    elif method == "aliexpress.logistics.redefining.querytrackingresult":
        answer = {f"{method.replace('.', '_')}_response": {"details": {}, "result_success": True}}
    elif method == "aliexpress.issue.issuelist.get":
        answer, part = _page(platform, list_issues, json.loads(form["query_dto"]), fault)
    elif method == "aliexpress.issue.detail.get":
        result = store.issue_details[form["issue_id"]]
        answer = {"aliexpress_issue_detail_get_response": {"result_object": result}}
    elif (listed := _of_buyers(store, method, form)) is not None:
        answer = listed
    else:
        return error("InvalidApiPath", f"there is no {method}")
    if platform.is_echoing:
        answer = {**answer, "request_id": f"{form['access_token']} {APP_SECRET}"}
    return _spoiled(answer, part, fault)


def _of_buyers(store: FakeStore, method: str, form: dict[str, str]) -> Row | None:
    """What buyers wrote and rated; None for another method."""
    if method.endswith("querymsgrelationlist"):
        return list_relations(store, json.loads(form["query"]))
    if method.endswith("querymsgdetaillist"):
        return list_messages(store, form)
    if method == "aliexpress.evaluation.listorderevaluation.get":
        return list_evaluations(store, json.loads(form["trade_evaluation_request"]))
    return None


def _page(
    platform: FakePlatform,
    listed: Callable[[FakeStore, Row], tuple[Row, list[Row]]],
    query: Row,
    fault: str | None,
) -> tuple[Row, list[Row]]:
    answer, part = listed(platform.store, query)
    if platform.after_page and fault is None:
        (response,) = answer.values()
        content = response.get("result", response)
        platform.after_page(platform.store, query, content.get("total_count", len(part)))
    return answer, part


def _spoiled(answer: dict[str, Any], part: list[Any] | None, fault: str | None) -> Any:
    """The answer with a fault in its content."""
    ((name, response),) = [(n, v) for n, v in answer.items() if n.endswith("_response")]
    if fault == "empty_response":
        return {name: {}}
    if fault == "null_result" and "result" in response:
        return {name: {"result": None, "request_id": "0ba2"}}
    if fault == "not_success" and "success" in response.get("result", {}):
        return {name: {"result": {"success": False, "error_code": "SYSTEM_ERROR"}}}
    if part is not None and fault in ("missing_row", "repeated_row", "changed_total"):
        answer = deepcopy(answer)
        node = answer[name].get("result", answer[name])
        rows = next(iter(node.get("target_list", node.get("data_list", {})).values()), [])
        if fault == "missing_row" and rows:
            rows.pop(len(rows) // 2)
        elif fault == "repeated_row" and rows:
            rows.insert(0, rows[-1])
        elif fault == "changed_total":
            total = "total_count" if "total_count" in node else "total_item"
            node[total] = node[total] + 1
    return answer


@contextmanager
def fake_platform(store: FakeStore, **options: Any) -> Iterator[FakePlatform]:
    """A platform on a free port."""
    with local_server(_Handler) as server:
        platform = FakePlatform(store, port=server.server_address[1], **options)
        server.platform = platform  # type: ignore[attr-defined]
        yield platform


class _Handler(LocalHandler):
    def do_POST(self) -> None:
        platform: FakePlatform = self.server.platform  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(parse_qsl(body, keep_blank_values=True))
        with platform.lock:
            fault, answer = respond_or_fail(platform, self.path, form)
        self._send(fault, json.dumps(answer, ensure_ascii=False).encode())

    def _send(self, fault: str | None, body: bytes) -> None:
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
        elif fault in ("status_500", "status_502", "status_429", "burst"):
            self._answer(503 if fault == "burst" else int(fault[-3:]), b"{}")
        elif fault == "redirect":
            self._answer(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})
        elif fault == "html":
            self._answer(200, b"<!DOCTYPE html><html><body>Sorry, punish</body></html>")
        elif fault == "cut_off":
            self._answer(200, body[: len(body) // 2])
        elif fault == "cut_body":
            self._answer(200, body[: len(body) // 2], length=len(body))
            self.close_connection = True
        elif fault == "null":
            self._answer(200, b"null")
        else:
            self._answer(200, body)

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, length: int = -1
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length < 0 else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The platform's clock, not the machine's."""
        platform: FakePlatform = self.server.platform  # type: ignore[attr-defined]
        return super().date_time_string(int(platform.seconds()))

    def log_message(self, *arguments: object) -> None:
        pass
