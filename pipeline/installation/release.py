"""The version of this release, and the name under which the program was started."""

from __future__ import annotations

import sys
from pathlib import Path

# pyproject.toml reads it from here: the one line where the version is written
VERSION = "0.1.0"
COMMAND = "dispute-risk"


def is_installed_command() -> bool:
    """Whether the program was started as `dispute-risk`, and not from a checkout by make."""
    return Path(sys.argv[0]).name == COMMAND


def program_name() -> str:
    """The name that starts a message on standard error."""
    return COMMAND if is_installed_command() else "pipeline"
