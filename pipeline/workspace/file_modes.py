"""Keep the files of a workspace from other users of the machine: they hold buyers' data. Files get
0640 or tighter and folders 0750, whatever the umask of the user is."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

FILE, FOLDER = 0o640, 0o750
# what a new file of this process may never get
MASK = 0o027


def tighten_umask() -> None:
    """Let new files of this process be 0640 and new folders 0750; a tighter umask stays."""
    previous = os.umask(MASK)
    os.umask(previous | MASK)


def close_to_others(path: Path) -> None:
    """Take from a file or folder the permissions beyond 0640 or 0750. One that is not ours stays as
    it is: only its owner may change it."""
    with suppress(PermissionError, FileNotFoundError):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return
        allowed = FOLDER if stat.S_ISDIR(status.st_mode) else FILE
        mode = stat.S_IMODE(status.st_mode)
        if mode & ~allowed:
            path.chmod(mode & allowed)
