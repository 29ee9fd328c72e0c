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

import polars as pl
import pytest

from pipeline.pages.html import as_json
from pipeline.pages.page_rows import pack_list
from pipeline.pages.report import PAGE, report
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import AS_OF, NIGHT, latest

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
