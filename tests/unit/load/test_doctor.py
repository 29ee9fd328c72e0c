"""The first command of a new seller reads everything, writes nothing, and reports what is missing
and the consequences."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.load.doctor import examine
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from tests.unit.sources import aliexpress_dumps as made


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_reports_what_would_load_and_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = made.write(
        tmp_path / "raw", "2024-11-05", orders=made.ANSWERS["orders"](), junk={"orders": "none"}
    )
    before = files(tmp_path)
    examine(Config(), source="aliexpress", raw=raw)
    report = capsys.readouterr().out
    assert files(tmp_path) == before
    for words in (
        "orders                   1  2024-10-01",
        "unread.csv: 1 of 1",
        "no disputes: no model can be trained and no indicator computed; the list uses fixed rules",
        "no tracking: no scans",
        "100% of the orders have no country",
        'history = "as_it_happened"',
        "nothing was written",
    ):
        assert words in report, words


def test_it_refuses_what_ingest_would_refuse(tmp_path: Path, make_source: Callable) -> None:
    source = make_source("canonical")
    for row in source.files["orders.csv"][:10]:
        row["total_usd"] = "much"
    with pytest.raises(BadInput, match="would refuse"):
        examine(Config(), source="canonical", raw=source.write(tmp_path / "raw"))


def test_the_command_line(
    tmp_path: Path, run_step: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = run_step("doctor", "--source", "aliexpress", "--raw", tmp_path)
    assert done.returncode == 10
    assert "holds no dump" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
