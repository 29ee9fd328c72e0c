"""What a test server was asked for, and which answers were kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.connections.pull_report import PullReport
from tests.unit.sources.openplatform.fake_platform import FakePlatform

Pull = Callable[..., PullReport]
SEARCH, DETAIL = "aliexpress.solution.order.get", "aliexpress.solution.order.info.get"
TRACKING = "aliexpress.ds.order.tracking.get"
DISPUTES = "aliexpress.issue.issuelist.get"
MESSAGES = "aliexpress.message.redefining.versiontwo.querymsgdetaillist"


def asked(platform: FakePlatform, method: str) -> list[dict[str, Any]]:
    """The parameters of the calls of a method, in their order."""
    forms = [form for name, form in platform.queries if name == method]
    names = {SEARCH: "param0", DETAIL: "param1", DISPUTES: "query_dto"}
    return [json.loads(form[names[method]]) if method in names else form for form in forms]


def kept(dumps: Path) -> list[dict[str, Any]]:
    texts = [path.read_text() for path in sorted(dumps.rglob("*.jsonl"))]
    return [json.loads(line) for text in texts for line in text.splitlines()]
