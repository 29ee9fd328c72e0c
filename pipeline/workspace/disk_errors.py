"""A disk that is full, read-only, closed to us or broken: told apart, and never a traceback.

The trouble comes up in many shapes: from the system, from polars, from SQLite behind MLflow. All
name the cause.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.settings.errors import DiskTrouble

# what the system, polars and SQLite say; what to tell the user
KINDS: tuple[tuple[frozenset[int], tuple[str, ...], str], ...] = (
    (
        frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG}),
        (
            "no space left on device",
            "disk is full",
            "quota exceeded",
            "file too large",
            "os error 28",
            "os error 122",
        ),
        "the disk is full, or a limit on files is reached. Make room and run again",
    ),
    (
        frozenset({errno.EROFS}),
        ("read-only file system", "readonly database", "os error 30"),
        "the folder is read-only. Make it writable, or use another WORKSPACE",
    ),
    (
        frozenset({errno.EACCES, errno.EPERM}),
        ("permission denied", "operation not permitted", "os error 13"),
        "you have no right to write there. Change the rights, or use another WORKSPACE",
    ),
    (
        frozenset({errno.EIO}),
        ("input/output error", "disk i/o error", "os error 5)"),
        "the disk fails. Check it before anything else",
    ),
)


_KEPT = "Nothing half-written stays; the last list does."
FULL_BYTES = 1_000_000


def disk_trouble(error: BaseException, where: Path | None = None) -> DiskTrouble | None:
    """What the disk's trouble is, if `error` or what it came from is one; None for all else."""
    for cause in _chain(error):
        if "transport error" in str(cause) and where is not None and _is_full(where):
            # polars, when the room ends within a file's last few bytes
            return DiskTrouble(f"{where}: {KINDS[0][2]}. {_KEPT}")
        for numbers, words, told in KINDS:
            text = str(cause).lower()
            if getattr(cause, "errno", None) in numbers or any(word in text for word in words):
                place = getattr(cause, "filename", None) or where
                return DiskTrouble(f"{place or 'writing'}: {told}. {_KEPT}")
    return None


def _is_full(where: Path) -> bool:
    try:
        return shutil.disk_usage(where).free < FULL_BYTES
    except OSError:
        return False


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
