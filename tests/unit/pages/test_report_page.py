"""The report as a file: which scripts may run, what it shows, and translated sentences."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import string
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.build.registry import FEATURES
from models.monitoring.input_health import (
    carrier_findings,
    drift_findings,
    feed_finding,
    new_value_findings,
)
from models.monitoring.sequential_monitoring import Stream, judge_stream
from pipeline.indicators.dispute_wording import OFFERS, THEN
from pipeline.pages.html import as_json
from pipeline.pages.page_rows import pack_list
from pipeline.pages.page_words import read_sentences
from pipeline.pages.report import PAGE, report
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import AS_OF, NIGHT, latest

# sentences of data checks that the night of the small store does not produce
CHECK_SENTENCES = [
    "the newest fact is recent",
    "the outcomes of the nights the champion learned from",
    "23 disputes opened and 573 orders placed in the last 28 days (usually 9 to 54 disputes)",
    "too few open orders or no matured outcomes to judge the mean probability",
]


def health_sentences() -> list[str]:
    """The sentence and the proposal of each kind of finding of the monitor."""
    day, rare, many = 20_000, np.full(40, 1.0), np.full(40, 9.0)
    days = pl.DataFrame({"known_day": range(day - 90, day)}, schema={"known_day": pl.Int32})
    before = days.filter(pl.col("known_day") < day - 14)
    counts = before.with_columns(count=pl.lit(50.0))
    others = days.with_columns(count=pl.lit(50.0), carrier=pl.lit("B"))
    carriers = pl.concat([counts.with_columns(carrier=pl.lit("A")), others])
    jump = {"price": [9.0, 0.0], "weight": [0.0, 0.9]}
    still = [{"price": [0.0, 0.0], "weight": [0.0, 0.0]}] * 60
    is_old = pl.col("known_day") < day - 10
    values = days.select(
        "known_day", value=pl.when(is_old).then(pl.lit("US")).otherwise(pl.lit("NG"))
    )
    findings = [
        judge_stream(Stream("lane", "A>B", many, rare), "matured", 1.15, 1.6),
        judge_stream(Stream("all", "all", many, rare), "early", 1.15, 1.6),
        feed_finding("tracking", counts, day - 1),
        *(
            finding
            for kind in ("scans", "deliveries")
            for finding in carrier_findings(kind, carriers, day - 1)
        ),
        *drift_findings(
            [*still, jump],
            {"price": (0.0, 1.0), "weight": (0.0, 1.0)},
            {"price": 0.5, "weight": 0.5},
        ),
        *new_value_findings("country", values, day, day - 90),
    ]
    assert len(findings) == 9
    return [text for finding in findings if finding for text in (finding.says, finding.propose)]


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def data_of(page: str) -> dict[str, Any]:
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    )


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_only_scripts_with_a_hash_in_the_policy_may_run(finished: Path) -> None:
    page = (latest(finished) / PAGE).read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace(
        "&#39;", "'"
    )
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    blocks = re.findall(r"<(script|style)>(.*?)</\1>", page, re.DOTALL)
    assert len(blocks) == 2
    for _, text in blocks:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"https?:|<link|@import|\bsrc=|\bhref=\"[^#]|\bon[a-z]+=|\bstyle=", markup)


def test_the_page_contains_the_list_unchanged(finished: Path) -> None:
    run = latest(finished)
    listed = pl.read_parquet(run / "contact_list.parquet")
    data = data_of((run / PAGE).read_text(encoding="utf-8"))
    packed = data["list"]
    texts = [packed["strings"][number] for number in packed["columns"]["order_id"]]
    assert texts == listed["order_id"].to_list()
    drafts = ["".join(packed["strings"][part] for part in parts) for parts in packed["message"]]
    assert drafts == listed["draft_message"].to_list()
    assert (data["as_of"], data["zone"]) == (AS_OF, "Asia/Shanghai")


def test_report_makes_the_same_page_again(workspace: Path) -> None:
    folder = report(Workspace(workspace), load_config(workspace), Progress(), as_of=NIGHT)
    assert (folder / PAGE).read_bytes() == (latest(workspace) / PAGE).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["report"]["run_id"] == latest(workspace).name


def test_a_night_without_a_usable_run_is_bad_input(workspace: Path) -> None:
    with pytest.raises(BadInput, match="2025-01-02 has no published run. Create one: make nightly"):
        report(Workspace(workspace), load_config(workspace), Progress(), as_of=date(2025, 1, 2))
    (latest(workspace) / "scores.parquet").unlink()
    with pytest.raises(BadInput, match="an earlier version of this program made this run"):
        report(Workspace(workspace), load_config(workspace), Progress(), as_of=NIGHT)


def test_hostile_text_stays_text(finished: Path) -> None:
    run = latest(finished)
    listed = pl.read_parquet(run / "contact_list.parquet").head(2)
    listed = listed.with_columns(
        product_title=pl.lit(HOSTILE),
        draft_message=pl.lit(f"{HOSTILE} \u2028<!--"),
        order_id=pl.lit("=1+1"),
    )
    packed = pack_list(listed, pl.read_parquet(run / "scores.parquet"), [[], []], NIGHT)
    text = str(as_json(packed))
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == packed
    assert HOSTILE in packed["strings"]
    # neutral as in the CSV of the list, because a spreadsheet may open the exported sheet
    assert "'=1+1" in packed["strings"]


def test_sentences_have_chinese_translations_and_none_is_unused(finished: Path) -> None:
    """Checks the registry's sentences with a number filled in. A few new ones may stay in English
    for a while."""
    templates = [text for f in FEATURES.values() for text in (f.says, f.says_below_zero) if text]
    reasons = [text.format(value=12.0) for text in templates]
    clock = [
        *THEN.values(),
        "the platform decides",
        *OFFERS.values(),
        "with the platform: add evidence until it decides",
    ]
    rules = [re.compile(pattern.replace("(?<", "(?P<")) for pattern, _ in read_sentences("zh")]
    unknown = [text for text in reasons if not any(rule.match(text) for rule in rules)]
    assert len(unknown) < 0.1 * len(reasons), unknown
    assert not [text for text in clock if not any(rule.match(text) for rule in rules)]
    is_fixed = [rule for rule in rules if "(?P<" not in rule.pattern]
    health = health_sentences()
    sentences = [*reasons, *clock, *CHECK_SENTENCES, *health]
    assert not [
        rule.pattern for rule in is_fixed if not any(rule.match(text) for text in sentences)
    ]
    assert not [text for text in health if not any(rule.match(text) for rule in rules)]
    # also the data checks of the night of the small store
    checks = [
        check["says"]
        for check in json.loads((latest(finished) / "manifest.json").read_text())["data_gates"]
    ]
    numbered = [
        rule for rule in rules if "(?P<value>" in rule.pattern and "(?P<text>" not in rule.pattern
    ]
    assert not [
        rule.pattern
        for rule in numbered
        if not any(rule.match(text) for text in [*reasons, *checks, *CHECK_SENTENCES])
    ]
    assert not [text for text in checks if not any(rule.match(text) for rule in rules)]
    for pattern, text in read_sentences("zh"):
        assert placeholders(text) == set(re.findall(r"\(\?<(\w+)>", pattern))
