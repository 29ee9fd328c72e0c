"""How far a step is: counts and the time left, such as "night 12 of 60, 1 min 10 s left".

On a terminal it is one line that is written again in place. Elsewhere it is a line of its own, at
most one every half a minute. It goes to standard error, because standard output may be data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile

from rich.console import Console

SECONDS_BETWEEN_LINES = 30.0
# often enough for the eye; a terminal over a slow network shall not slow down the step
SECONDS_BETWEEN_REWRITES = 0.1
_ERASE = "\r\x1b[K"


@dataclass
class Count:
    """How many of `total` pieces are done; `noun` names one of them, such as "night". `is_even`:
    they take about the same time."""

    noun: str
    total: int
    is_even: bool
    done: int = 0

    def __str__(self) -> str:
        return f"{self.noun} {min(self.done + 1, self.total)} of {self.total}"


class CountLine:
    """Shows the counts of one process. `now` gives seconds that never jump."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console, self._now = console, now
        self._counts: list[Count] = []
        self._started = self._rewritten = 0.0
        self._last_line: float | None = None
        self._is_shown = False

    @contextmanager
    def counted(
        self, noun: str, total: int, at_once: int = 1, *, is_even: bool = True
    ) -> Iterator[Callable[[], None]]:
        """Count pieces of work while the block runs: call what it gives after `at_once` of them.

        Counts may be nested, each piece of the outer one having its own inner pieces. The time left
        is not estimated from pieces that are not `is_even`.
        """
        if not self._counts:
            self._started = self._now()
        count = Count(noun, total, is_even)
        self._counts.append(count)
        self.show()

        def piece_done() -> None:
            count.done = min(count.done + at_once, total)
            self.show(is_rewritten=False)

        try:
            yield piece_done
        finally:
            self._counts.remove(count)
            self.erase()

    def show(self, *, is_rewritten: bool = True) -> None:
        """Write the counts, if it is time to. A single piece of work needs no count.
        `is_rewritten`: on a terminal, at once."""
        now = self._now()
        # a notebook would keep the counts among its results
        if self._console.is_jupyter or not any(count.total > 1 for count in self._counts):
            return
        if self._is_terminal:
            if is_rewritten or now - self._rewritten >= SECONDS_BETWEEN_REWRITES:
                self._rewritten, self._is_shown = now, True
                self._write(_ERASE + self.text(now)[: self._console.width - 1])
        else:
            if self._last_line is None:
                self._last_line = now
            if now - self._last_line >= SECONDS_BETWEEN_LINES:
                self._last_line = now
                self._write(self.text(now) + "\n")

    def erase(self) -> None:
        """Remove the line from the terminal, so that something else can be printed."""
        if self._is_shown:
            self._is_shown = False
            self._write(_ERASE)

    def text(self, now: float) -> str:
        """The counts, the outermost first, and how long the rest takes at the same speed."""
        done, part = 0.0, 1.0
        for count in takewhile(lambda each: each.is_even, self._counts):
            part /= max(count.total, 1)
            done += count.done * part
        words = [str(count) for count in self._counts if count.total > 1]
        if 0.0 < done < 1.0:
            seconds = (now - self._started) * (1.0 - done) / done
            words.append(f"{duration(seconds)} left")
        return ", ".join(words)

    @property
    def _is_terminal(self) -> bool:
        # not Console.is_terminal: FORCE_COLOR in a build server's environment sets that for a file
        return self._console.file.isatty() and not self._console.is_dumb_terminal

    def _write(self, text: str) -> None:
        # who closed the other end of the pipe does not want to see counts
        with suppress(OSError, ValueError):
            self._console.file.write(text)
            self._console.file.flush()


def duration(seconds: float) -> str:
    """A duration in words: "45 s", "1 min 10 s", "2 h 5 min"."""
    whole = max(round(seconds), 1)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


count_line = CountLine(Console(stderr=True))
