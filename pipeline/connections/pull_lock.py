"""Only one run at a time uses the folders of a pull."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.settings.errors import WorkspaceBusy


@contextmanager
def pull_lock(state: Path, dumps: Path, name: str) -> Iterator[None]:
    """Make the folders of the state and of the dumps, and hold the lock of the state. Only the
    owner can read the state. Raises `WorkspaceBusy`, which names `name`, if another run has it."""
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
