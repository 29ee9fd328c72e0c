"""How many threads a training may use: the setting, limited by the environment and the machine."""

from __future__ import annotations

import os
import subprocess
import sys

import joblib
import pytest

from pipeline.settings.config import Config
from pipeline.settings.engine_settings import allowed_threads
from tests.unit.nights import ROOT


@pytest.mark.parametrize(
    ("exported", "processors", "expected"),
    [
        (None, 8, 4),
        ("1", 8, 1),
        ("2,1", 8, 2),
        ("16", 8, 4),
        ("0", 8, 4),
        ("many", 8, 4),
        (None, 2, 2),
        ("3", 1, 1),
    ],
)
def test_threads_are_limited(
    monkeypatch: pytest.MonkeyPatch, exported: str | None, processors: int, expected: int
) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: processors)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if exported is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", exported)
    assert allowed_threads(4) == expected
    assert Config(threads=4).recipe.booster["num_threads"] == expected


def test_waiting_threads_sleep_wherever_the_program_starts() -> None:
    """Threads that spin while they wait make training ten times slower on a busy machine.

    OpenMP reads the policy when LightGBM is loaded, so it must be set before.
    """
    script = (
        "import os, sys, pipeline; assert 'lightgbm' not in sys.modules; "
        "print(os.environ['OMP_WAIT_POLICY'])"
    )
    environment = {n: v for n, v in os.environ.items() if n != "OMP_WAIT_POLICY"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "PASSIVE"
