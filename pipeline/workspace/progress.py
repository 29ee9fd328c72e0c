"""What the user sees while a step runs: one line per piece of work, with its duration, and counts
within long pieces (`step_counts.py`)."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.text import Text

from pipeline.installation.make_hints import advice
from pipeline.workspace.run_log import note, note_piece
from pipeline.workspace.short_text import shortened
from pipeline.workspace.step_counts import count_line


class _PatientConsole(Console):
    """Keeps the step running when the reader closes the pipe (`| head`): later output is
    discarded."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


_console = _PatientConsole(soft_wrap=True, highlight=False)


class Progress:
    """Prints one line per finished piece of work and keeps its seconds for the manifest."""

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}

    @contextmanager
    def piece(self, name: str) -> Iterator[list[str]]:
        """Time a piece of work. The notes that the block appends are printed after its name."""
        started = time.perf_counter()
        notes: list[str] = []
        yield notes
        seconds = time.perf_counter() - started
        self.timings[name] = round(self.timings.get(name, 0.0) + seconds, 3)
        facts = {"name": name, "seconds": round(seconds, 3), "told": "; ".join(notes)}
        note_piece(**facts)
        say(f"{name:<9} {'; '.join(notes)} ({seconds:.1f} s)")


def counted(
    noun: str, total: int, at_once: int = 1, *, is_even: bool = True
) -> AbstractContextManager[Callable[[], None]]:
    """Show how many of `total` pieces are done while the block runs; it calls what it gets after
    `at_once` of them. `noun` names one piece, such as "night"; `is_even`: all take about the same
    time, so that the time left can be estimated."""
    return count_line.counted(noun, total, at_once, is_even=is_even)


def say(text: str) -> None:
    """Print one line for the user. Data in it is never read as mark-up."""
    _print(Text(shortened(advice(text))))


def warn(text: str) -> None:
    """Print one line in yellow, and record it in the run log."""
    note("warning", text=text)
    _print(Text(f"note: {shortened(advice(text))}", style="yellow"))


def _print(line: Text) -> None:
    count_line.erase()
    _console.print(line)
    count_line.show()
