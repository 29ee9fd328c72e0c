"""The first command of a new seller: it reads all, writes nothing, and says what is missing and
what that costs."""

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


def test_it_says_what_would_load_and_what_goes_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = made.write(
        tmp_path / "raw", "2024-11-05", orders=made.ANSWERS["orders"](), junk={"orders": "none"}
    )
    before = files(tmp_path)
    examine(Config(), source="aliexpress", raw=raw)
    told = capsys.readouterr().out
    assert files(tmp_path) == before
    for words in (
        "orders                   1  2024-10-01",
        "unread.csv: 1 of 1",
        "no disputes: nothing can be learnt, no indicator counted; the list is made by rules alone",
        "no tracking: no scans",
        "100% of the orders have no country",
        'history = "as_it_happened"',
        "nothing was written",
    ):
        assert words in told, words


def test_what_ingest_would_refuse_it_refuses(tmp_path: Path, make_source: Callable) -> None:
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
