"""Counts of a step: in place on a terminal, seldom elsewhere, and never on standard output."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from itertools import count
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.settings.config import load_config
from pipeline.training.walk_forward import past_nights, walk
from pipeline.workspace import progress
from pipeline.workspace.step_counts import CountLine, duration
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import ROOT

ERASE = "\r\x1b[K"


class Clock:
    """Seconds that the test moves."""

    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class Screen(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def line_on(file: io.StringIO, clock: Clock, width: int = 80) -> CountLine:
    return CountLine(Console(file=file, width=width), clock)


def do_pieces(line: CountLine, clock: Clock, count: int, seconds: float) -> Iterator[str]:
    """What is on the screen or in the file after each piece."""
    with line.counted("night", count) as night_done:
        for _ in range(count):
            clock.seconds += seconds
            night_done()
            yield line._console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def test_the_line_says_how_many_and_how_long() -> None:
    clock, screen = Clock(), Screen()
    shown = list(do_pieces(line_on(screen, clock), clock, count=60, seconds=70 / 49))
    assert shown[10].rsplit(ERASE, 1)[1] == "night 12 of 60, 1 min 10 s left"
    # each writing replaces the one before, and nothing is left at the end
    assert "\n" not in screen.getvalue()
    assert screen.getvalue().startswith(f"{ERASE}night 1 of 60{ERASE}night 2 of 60, ")
    assert screen.getvalue().endswith(ERASE)


def test_without_a_terminal_there_is_at_most_one_line_in_half_a_minute() -> None:
    clock, file = Clock(), io.StringIO()
    shown = list(do_pieces(line_on(file, clock), clock, count=60, seconds=2.0))
    assert shown[13] == ""
    assert file.getvalue().splitlines() == [
        "night 16 of 60, 1 min 30 s left",
        "night 31 of 60, 1 min 0 s left",
        "night 46 of 60, 30 s left",
        "night 60 of 60",
    ]


def test_half_a_minute_is_counted_through_all_pieces_of_a_step() -> None:
    clock, file = Clock(), io.StringIO()
    line = line_on(file, clock)
    for _ in range(10):
        list(do_pieces(line, clock, count=4, seconds=2.0))
    assert len(file.getvalue().splitlines()) == 80 // 30


def test_a_quick_step_writes_no_line_to_a_file() -> None:
    clock, file = Clock(), io.StringIO()
    list(do_pieces(line_on(file, clock), clock, count=100, seconds=0.29))
    assert file.getvalue() == ""


def test_a_fast_loop_does_not_write_each_time() -> None:
    clock, screen = Clock(), Screen()
    list(do_pieces(line_on(screen, clock), clock, count=1000, seconds=0.001))
    assert screen.getvalue().count("night") <= 1 + 10


def test_inner_counts_are_part_of_the_time_left() -> None:
    clock = Clock()
    line = line_on(io.StringIO(), clock)
    with line.counted("night", 2) as night_done:
        clock.seconds += 60
        night_done()
        with line.counted("learner", 3) as learner_done:
            learner_done()
            clock.seconds += 60
            # 120 s for one night and a third, so 60 s for the other two thirds
            assert line.text(clock()) == "night 2 of 2, learner 2 of 3, 1 min 0 s left"
        assert line.text(clock()) == "night 2 of 2, 2 min 0 s left"


def test_no_time_is_estimated_from_pieces_of_different_length() -> None:
    clock = Clock()
    line = line_on(io.StringIO(), clock)
    with line.counted("scenario", 4) as scenario_done:
        clock.seconds += 60
        scenario_done()
        with line.counted("group", 2, is_even=False) as group_done:
            group_done()
            # the half of the second scenario's groups may have been its shortest
            assert line.text(clock()) == "scenario 2 of 4, group 2 of 2, 3 min 0 s left"
    with line.counted("section", 2, is_even=False) as section_done:
        section_done()
        assert line.text(clock()) == "section 2 of 2"


def test_one_piece_needs_no_count() -> None:
    clock, screen = Clock(), Screen()
    line = line_on(screen, clock)
    list(do_pieces(line, clock, count=1, seconds=100.0))
    list(do_pieces(line, clock, count=0, seconds=100.0))
    assert screen.getvalue() == ""


def test_pieces_done_together_never_count_more_than_all() -> None:
    clock, screen = Clock(), Screen()
    line = line_on(screen, clock)
    with line.counted("night", 25, 10) as nights_done:
        for shown in ("night 11 of 25", "night 21 of 25", "night 25 of 25"):
            clock.seconds += 1
            nights_done()
            assert screen.getvalue().rsplit(ERASE, 1)[1].startswith(shown)


def test_a_narrow_terminal_keeps_one_line() -> None:
    clock, screen = Clock(), Screen()
    list(do_pieces(line_on(screen, clock, width=12), clock, count=60, seconds=1.0))
    assert {len(text) for text in screen.getvalue().split(ERASE)} <= {0, 11}


@pytest.mark.parametrize(("variable", "value"), [("FORCE_COLOR", "1"), ("TERM", "dumb")])
def test_control_codes_are_only_for_terminals_that_know_them(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    clock, file = Clock(), Screen() if variable == "TERM" else io.StringIO()
    line = CountLine(Console(file=file), clock)
    list(do_pieces(line, clock, count=2, seconds=40.0))
    assert file.getvalue() == "night 2 of 2, 40 s left\nnight 2 of 2\n"


def test_an_error_takes_its_count_away() -> None:
    clock, screen = Clock(), Screen()
    line = line_on(screen, clock)

    def fail() -> None:
        with line.counted("night", 3):
            raise ValueError

    with pytest.raises(ValueError, match="^$"):
        fail()
    assert screen.getvalue().endswith(ERASE)
    with line.counted("season", 2):
        assert line.text(clock()) == "season 1 of 2"


def test_a_closed_pipe_does_not_stop_the_step() -> None:
    class Closed(Screen):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    clock = Clock()
    assert len(list(do_pieces(line_on(Closed(), clock), clock, count=3, seconds=1.0))) == 3


def test_a_line_of_the_step_is_not_written_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Screen()
    monkeypatch.setattr(progress, "count_line", line_on(screen, Clock()))
    with progress.counted("season", 4):
        progress.say("season from 2025-01-01")
        assert screen.getvalue() == f"{ERASE}season 1 of 4{ERASE}{ERASE}season 1 of 4"
    assert capsys.readouterr().out == "season from 2025-01-01\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3_599, "59 min 59 s"),
        (7_500, "2 h 5 min"),
    ],
)
def test_durations_are_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_counts_go_to_the_terminal_while_the_output_is_a_file() -> None:
    script = (
        "from pipeline.workspace.progress import counted, say\n"
        "with counted('night', 2) as done:\n    say('data')\n    done()\n"
    )
    ours, terminal = pty.openpty()
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=True,
    )
    os.close(terminal)
    shown = b""
    # at the end of a terminal's output, Linux reports an error
    with suppress(OSError):
        while part := os.read(ours, 1000):
            shown += part
    os.close(ours)
    assert run.stdout == b"data\n"
    assert shown.decode().startswith(f"{ERASE}night 1 of 2{ERASE}{ERASE}night 1 of 2")
    assert shown.decode().endswith(ERASE)


def test_past_nights_are_counted(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen, seconds = Screen(), count()
    line = CountLine(Console(file=screen, width=80), lambda: float(next(seconds)))
    monkeypatch.setattr(progress, "count_line", line)
    tables, config = Workspace(finished).read_tables(), load_config(finished)
    first, last = date(2025, 5, 20), date(2025, 5, 27)
    nights, dataset, test = past_nights(tables, config, first=first, last=last, every=7)
    walk(tables, config, dataset, test, nights)
    shown = [text for text in screen.getvalue().split(ERASE) if text]
    counts = list(dict.fromkeys(text.split(",")[0] for text in shown))
    pieces = ("table of features", "night")
    assert counts == [f"{piece} {number} of 2" for piece in pieces for number in (1, 2)]
    assert capsys.readouterr().out == ""


def test_a_notebook_keeps_no_counts() -> None:
    console = Console(file=io.StringIO(), force_jupyter=True)
    line = CountLine(console, iter(range(0, 10_000, 100)).__next__)
    with line.counted("night", 3) as night_done:
        night_done()
        night_done()
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]
