"""Only regular files are read: opening a named pipe waits for ever, a device such as /dev/zero
never ends, and a link that leads nowhere is data that would be missing without a word."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.settings.errors import BadInput, Damaged

DEAD_LINK = "a link that leads nowhere"
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def require_regular(path: Path) -> None:
    """Raise `BadInput` if what lies at `path` is no file that ends: a pipe, a device, a link that
    leads nowhere. A path without anything, or with a folder, is for the caller to judge."""
    if kind := special_kind(path):
        raise BadInput(
            f"{path}: is {kind}; only regular files are read. Put the file itself there, or remove "
            "it. Nothing was changed."
        )


def regular_files(candidates: Iterable[Path]) -> Iterator[Path]:
    """The candidates that are files, without folders. Raises `BadInput` for a pipe, a device and a
    link that leads nowhere."""
    for path in candidates:
        require_regular(path)
        if path.is_file():
            yield path


def linked_folders(folder: Path) -> list[Path]:
    """The links to folders in the folder and its subfolders. No reader enters them: they may lead
    back, or out of what the user named. `folder` itself may be a link."""
    inside = ((Path(parent), names) for parent, names, _ in os.walk(folder))
    links = (parent / name for parent, names in inside for name in names)
    return sorted(path for path in links if path.is_symlink())


def refuse_special_files(folder: Path) -> None:
    """Raise `Damaged` if a pipe, a socket, a device or a link in a circle lies anywhere in a
    workspace. A link that leads nowhere is for the step that needs what it named."""
    for path in _others(folder):
        kind = special_kind(path)
        if kind and kind != DEAD_LINK:
            raise Damaged(
                f"{path}: is {kind}; this program writes only regular files. Find out who put it "
                "there, remove it, and run again. Nothing was changed."
            )


def special_kind(path: Path) -> str | None:
    """What lies at the path, in words; None for a file, a folder or nothing."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "a link that leads back to itself"
        return DEAD_LINK if path.is_symlink() else None
    return next((kind for is_kind, kind in _KINDS if is_kind(mode)), None)


def _others(folder: Path) -> Iterator[Path]:
    """What is neither a file nor a folder, in the folder and its subfolders."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        # the step that needs it reports it
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _others(Path(entry.path))
        elif not entry.is_file(follow_symlinks=False):
            yield Path(entry.path)
