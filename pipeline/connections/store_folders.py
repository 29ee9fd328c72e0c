"""The folders of one store in a workspace, and the lock that keeps two pulls of it apart.

pull/PLATFORM/NAME/      what the next pull needs, secrets and the lock; only the owner reads them
pulled/PLATFORM/NAME/    the answers as they came: RAW for their source is pulled/PLATFORM
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.settings.errors import WorkspaceBusy


@dataclass(frozen=True)
class StoreFolders:
    """The folders of one store in a workspace."""

    state: Path
    dumps: Path

    @classmethod
    def of(cls, workspace: Path, name: str, platform: str = "aliexpress") -> StoreFolders:
        """Those of the store `name` on a platform."""
        return cls(workspace / "pull" / platform / name, workspace / "pulled" / platform / name)


@contextmanager
def locked_store(folders: StoreFolders, name: str) -> Iterator[None]:
    """Make the folders, and hold the store. Raises `WorkspaceBusy` if another run does."""
    for folder in (folders.state, folders.dumps):
        folder.mkdir(parents=True, exist_ok=True)
    folders.state.chmod(0o700)
    lock = FileLock(folders.state / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise WorkspaceBusy(
            f"{name}: another run is pulling this store. Wait until it ends."
        ) from None
    try:
        yield
    finally:
        lock.release()
