"""What a run was made from: enough to repeat it, and to explain why two runs differ."""

from __future__ import annotations

import platform
import secrets
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.installation.release import VERSION

PACKAGES = (
    "polars",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "lightgbm",
    "mlflow-skinny",
    "pydantic",
)


def new_id() -> str:
    """A new unique id of a run. Ids sort by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that affect results."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def git_revision() -> str:
    """The git revision of this program, marked `-dirty` if files differ from it; "unknown" outside
    a git checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "unknown"
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()


def program_facts() -> dict[str, Any]:
    """The release, `versions` and `git_revision`, as every manifest records them."""
    return {"release": VERSION, "versions": versions(), "git_revision": git_revision()}
