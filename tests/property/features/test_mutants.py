"""The leak tests can fail: they catch each comparison in the clock if it is off by one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.property.program_copies import ROOT, copy_program

LEAK, TIME = "tests/property/features/test_leak.py", "tests/spec/features/test_time.py"

# tests that passed in a copy without a change
PASSED: set[str] = set()


@pytest.mark.parametrize(
    ("right", "wrong", "caught_by"),
    [
        ("return known_day < as_of_day", "return known_day <= as_of_day", LEAK),
        ('side="left"', 'side="right"', LEAK),
        (
            "(occurred_day < as_of_day + horizon_days)",
            "(occurred_day <= as_of_day + horizon_days)",
            TIME,
        ),
        ("return as_of_day <= last_matured_day", "return as_of_day < last_matured_day", TIME),
    ],
)
def test_a_clock_that_is_off_by_one_is_caught(
    tmp_path: Path, right: str, wrong: str, caught_by: str
) -> None:
    copy_program(tmp_path, ("features", "pipeline", "tests"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    clock = tmp_path / "features" / "clock.py"
    source = clock.read_text()
    assert source.count(right) == 1
    if caught_by not in PASSED:
        assert run(tmp_path, caught_by) == 0, "the tests must pass before the change"
        PASSED.add(caught_by)
    clock.write_text(source.replace(right, wrong))
    assert run(tmp_path, caught_by) == 1


def run(folder: Path, tests: str) -> int:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-p",
        "no:cacheprovider",
        "--hypothesis-profile=find",
        tests,
    ]
    env = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, timeout=300, check=False
    ).returncode
