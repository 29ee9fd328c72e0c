"""An audit fails for a known vulnerability, and never looks clean where it could not be made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.installation.audit_report import main

CLEAN = {"name": "flask", "version": "3.1.3", "vulns": []}
SKIPPED = {"name": "polars", "skip_reason": "not known"}
FAULTY = {
    "name": "jinja2",
    "version": "3.1.0",
    "vulns": [{"id": "CVE-1", "fix_versions": ["3.1.6"]}],
}


def audited(tmp_path: Path, *packages: dict[str, Any]) -> int:
    (tmp_path / "audit.json").write_text(json.dumps({"dependencies": packages, "fixes": []}))
    return main([str(tmp_path / "audit.json")])


def test_a_known_vulnerability_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(tmp_path, CLEAN, FAULTY) == 1
    shown = capsys.readouterr().out
    assert "jinja2 3.1.0: CVE-1, fixed in 3.1.6" in shown
    assert "2 packages audited, 1 with a known vulnerability" in shown


def test_a_package_without_an_answer_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(tmp_path, CLEAN, SKIPPED) == 0
    shown = capsys.readouterr().out
    assert "NOT AUDITED, because the service does not know them: 1 (polars)" in shown
    assert "1 packages audited" in shown


@pytest.mark.parametrize("text", [None, "", "[]"])
def test_an_audit_that_could_not_run_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    file = tmp_path / "audit.json"
    if text is not None:
        file.write_text(text)
    assert main([str(file)]) == 0
    assert "NOT RUN" in capsys.readouterr().out
