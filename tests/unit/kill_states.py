"""What is on the disk if a process is killed: one copy of a folder before each of its changes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHANGES = {
    "os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.link", "os.truncate"
}  # fmt: skip


class _Watcher:
    """Copies a folder before each change inside it, while it is on."""

    def __init__(self) -> None:
        self.folder, self.copies, self.is_on = Path(), Path(), False
        self.count = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on or event not in CHANGES:
            return
        if str(self.folder) in str(Path(str(arguments[0])).absolute()):
            # copying changes other folders, and is not a change itself
            self.is_on = False
            shutil.copytree(self.folder, self.copies / f"{self.count:03}", symlinks=True)
            self.count, self.is_on = self.count + 1, True


_watcher: _Watcher | None = None


def states_if_killed(folder: Path, copies: Path, work: Callable[[], object]) -> list[Path]:
    """Do the work. Returns copies of `folder` as a kill would have left it, one for each change of
    its list of files that the work was about to make."""
    global _watcher
    if _watcher is None:
        # a hook can never be removed
        _watcher = _Watcher()
        sys.addaudithook(_watcher)
    copies.mkdir()
    _watcher.folder, _watcher.copies, _watcher.count = folder, copies, 0
    _watcher.is_on = True
    try:
        work()
    finally:
        _watcher.is_on = False
    return sorted(copies.iterdir())
