"""The night that the tests use, and where the files of its run are."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AS_OF = "2025-07-10"
NIGHT = date.fromisoformat(AS_OF)
RUN_FILES = [
    "README.txt",
    "action_candidates.parquet",
    "assignments.parquet",
    "contact_list.csv",
    "contact_list.parquet",
    "contact_list.xlsx",
    "dispute_clock.csv",
    "dispute_clock.xlsx",
    "health.json",
    "manifest.json",
    "queues.csv",
    "queues.parquet",
    "report.html",
    "scores.parquet",
]


def latest(workspace: Path) -> Path:
    """The folder of the last run for this night."""
    return (workspace / "runs" / AS_OF / "latest").resolve(strict=True)


def nightly_command(workspace: Path, raw: Path) -> list[str]:
    """The command of a nightly run, as a user starts it."""
    options = [
        "--workspace",
        str(workspace),
        "--source",
        "canonical",
        "--raw",
        str(raw),
        "--as-of",
        AS_OF,
    ]
    return [sys.executable, "-m", "pipeline", "nightly", *options, "--force"]


def leftovers(workspace: Path) -> list[Path]:
    """Unfinished files of a killed run."""
    return list(workspace.rglob(".new-*"))
