"""Holds back the signals that ask this process to end, while something must not be cut off."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Ctrl-C, what systemd and kill send, and what a closed terminal sends
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held_signals() -> Iterator[None]:
    """Signals that arrive in the block act after it. In another thread than the main one, which
    gets the signals, nothing is held. No process can hold back SIGKILL."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    before: dict[signal.Signals, Any] = {}

    def remember(number: int, frame: object) -> None:
        arrived.append(number)

    try:
        for number in ENDING:
            # None: a handler that was not set by Python, which could not be put back
            if signal.getsignal(number) is not None:
                before[number] = signal.signal(number, remember)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in dict.fromkeys(arrived):
            os.kill(os.getpid(), late)
