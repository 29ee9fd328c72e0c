"""The optional packages of the program, and what to run where one is missing.

A step that needs one calls `require_package`, so that it ends at once and with the command to run.
pyproject.toml lists the packages of each extra.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from pipeline.installation.release import COMMAND, is_installed_command
from pipeline.settings.errors import MissingExtra

# package -> its extra, and what needs it
_EXTRAS = {
    "boto3": ("s3", "A target of kind s3"),
    "paramiko": ("sftp", "A target of kind sftp"),
    "psycopg": ("databases", "A PostgreSQL database"),
    "pymysql": ("databases", "A MySQL or MariaDB database"),
    "stripe": ("stripe", "A pull of Stripe"),
}


def require_package(package: str) -> None:
    """Raise `MissingExtra` if the package is not installed here."""
    if find_spec(package) is None:
        raise MissingExtra(_message(package))


def extra_of(error: BaseException) -> MissingExtra | None:
    """What to say about an import that failed; None if the package is in no extra."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    package = (error.name or "").partition(".")[0]
    return MissingExtra(_message(package)) if package in _EXTRAS else None


def _message(package: str) -> str:
    extra, needed_by = _EXTRAS[package]
    command = "make connections"
    if is_installed_command():
        command = f"{sys.executable} -m pip install '{COMMAND}[{extra}]'"
    return f"{needed_by} needs the package {package}, which is not installed. Run: {command}"
