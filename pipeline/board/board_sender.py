"""Sends the released drafts of a night while the board goes on answering.

A board that is stopped meanwhile loses nothing: `deliveries.db` says what was sent, and the next
`make send` sends the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from threading import Lock, Thread

from pipeline.output.safe_text import one_line
from pipeline.settings.errors import UserError
from pipeline.workspace.workspace import Workspace

MOST_MESSAGE = 500
Send = Callable[[Workspace, date], None]


class BoardSender:
    """One bulk send at a time. `problem`: why the last one failed, empty if it did not."""

    def __init__(self, store: Workspace, send: Send) -> None:
        self.store, self.send = store, send
        self.problem = ""
        self._lock = Lock()
        self._thread: Thread | None = None

    @property
    def is_sending(self) -> bool:
        """Whether a bulk send runs now."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, night: date) -> None:
        """Send what is released and may leave now. While one runs, the next starts at its end."""
        with self._lock:
            before = self._thread
            self._thread = Thread(target=self._run, args=(night, before), daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until the last bulk send has ended, at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self, night: date, before: Thread | None) -> None:
        if before is not None:
            before.join()
        try:
            workspace = Workspace(self.store.folder, "board")
            with workspace.shared():
                self.send(workspace, night)
            self.problem = ""
        except UserError as error:
            self.problem = shown_error(self.store, error)
        except Exception:
            # no one waits for this thread, so a lead would believe that all was sent
            logging.getLogger(__name__).exception("bulk send of %s", night)
            self.problem = "Sending stopped by a defect of the program; the board's log says more."


def shown_error(store: Workspace, error: UserError) -> str:
    """The message of an error for a page: readers of a board have no use for a path of its
    machine."""
    return one_line(str(error).replace(str(store.folder), store.folder.name), MOST_MESSAGE)
