"""One pull at a time of a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.settings.errors import WorkspaceBusy


@contextmanager
def locked(state: Path, dumps: Path, name: str) -> Iterator[None]:
    """Create the folders of a store, and hold its lock. Only the owner may read `state`.

    Raises `WorkspaceBusy` if another run holds it.
    """
    for folder in (state, dumps):
        folder.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    lock = FileLock(state / ".lock")
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
