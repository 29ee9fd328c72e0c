"""One folder that several steps use at the same time: the locks of a workspace, and the tables that
a step sees while others replace them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from pipeline.settings.errors import BadInput
from pipeline.workspace.disk_errors import disk_trouble
from pipeline.workspace.file_modes import close_to_others
from pipeline.workspace.locks import as_user, run_lock, tables_lock


class SharedFolder:
    """The folder of a workspace with its locks."""

    def __init__(
        self,
        folder: Path,
        step: str = "another step",
        say: Callable[[str], object] = lambda text: None,
    ) -> None:
        """`step`: its name for others who wait; `say`: shows the user that this step waits."""
        self.folder, self.step, self.say = folder.resolve(), step, say
        self._pinned: Path | None = None
        self._is_pinning = False

    @property
    def tables(self) -> Path:
        """The link to the folder of the tables in use."""
        return self.folder / "tables"

    @contextmanager
    def locked(self, *, must_exist: bool = False, wait_seconds: float = 0) -> Iterator[None]:
        """Hold the workspace for a step that replaces tables, models or runs. A second such step
        waits, then fails with `WorkspaceBusy`. Readers and contacts go on meanwhile."""
        with self._used(must_exist, run_lock(self.folder, self.step, wait_seconds, self.say)):
            yield

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Read the workspace, and publish results of its own, next to any other step."""
        with self._used(True, nullcontext()):
            yield

    @contextmanager
    def changing_tables(self) -> Iterator[None]:
        """Be the only one who changes the tables in use or our own contacts. Sees the newest."""
        with tables_lock(self.folder):
            self._pinned = None
            try:
                yield
            finally:
                self._pinned = None

    @contextmanager
    def _used(self, must_exist: bool, hold: AbstractContextManager[None]) -> Iterator[None]:
        if must_exist and not self.folder.is_dir():
            raise BadInput(
                f"{self.folder}: there is no such workspace. "
                "Check WORKSPACE, or load a store first: make ingest"
            )
        with ExitStack() as stack:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                close_to_others(self.folder)
                stack.enter_context(hold)
                stack.enter_context(as_user(self.folder, self.tables))
            except OSError as error:
                trouble = disk_trouble(error, self.folder)
                raise trouble or BadInput(
                    f"{self.folder}: cannot be used as a workspace ({error.strerror})."
                ) from None
            self._is_pinning = True
            try:
                yield
            finally:
                self._is_pinning, self._pinned = False, None

    def _tables_in_use(self) -> Path:
        """The folder of the tables in use. One step sees the same tables to its end, even if
        contacts are joined meanwhile; only what it replaces itself changes for it."""
        current = self._pinned or self.tables.resolve()
        self._pinned = current if self._is_pinning else None
        return current
