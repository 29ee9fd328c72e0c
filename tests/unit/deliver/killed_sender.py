"""Kill the sending of nights and messages at random moments: a program that forks a child for each
step, so that a kill costs no second start of Python.

PYTHONPATH=. python tests/unit/deliver/killed_sender.py WORKSPACE deliver|send KILLS SECONDS NIGHT

There is no other thread: a child of a process with threads may hang. For each night, the step is
killed KILLS times, each within SECONDS of its start (`deliver`: within the time that the last whole
delivery took). Then it runs to its end, again if its receiver failed too often. Prints the number
of kills that hit.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pipeline.__main__
import pipeline.load.contacts
from pipeline.deliver.bulk.send_messages import send_messages
from pipeline.deliver.targets.deliver_night import deliver_night
from pipeline.settings.config import load_config
from pipeline.settings.errors import DeliveryFailed
from pipeline.workspace.progress import Progress
from pipeline.workspace.run_log import close_run_log, name_step, open_run_log
from pipeline.workspace.workspace import Workspace

assert pipeline
MOST_RUNS = 20
FAILED, SEED = 22, 7


def step_of(folder: Path, name: str, night: date) -> Callable[[], None]:
    def run() -> None:
        name_step(name)
        open_run_log(folder)
        workspace = Workspace(folder, name)
        config, noon = load_config(folder), datetime(night.year, night.month, night.day, 12)
        try:
            with workspace.shared():
                if name == "deliver":
                    deliver_night(workspace, config, Progress(), as_of=night)
                else:
                    moment = noon.replace(tzinfo=UTC)
                    send_messages(
                        workspace,
                        config,
                        Progress(),
                        as_of=night,
                        release_text="all",
                        now=lambda: moment,
                    )
        except DeliveryFailed as error:
            close_run_log(FAILED, str(error))
            os._exit(FAILED)
        close_run_log(0)
        os._exit(0)

    return run


def forked(run: Callable[[], None], kill_after: float | None) -> tuple[int, float]:
    """Exit code, negative for a kill, and seconds of the step in a child process."""
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            run()
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(99)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - started


def main(folder: Path, name: str, kills: int, usual: float, nights: list[date]) -> None:
    draw, hits = random.Random(SEED), 0
    for night in nights:
        run = step_of(folder, name, night)
        for _ in range(kills):
            code, _ = forked(run, draw.uniform(0.0, usual))
            hits += code == -signal.SIGKILL
        for _ in range(MOST_RUNS):
            code, seconds = forked(run, None)
            usual = seconds if name == "deliver" else usual
            if code != FAILED:
                break
        if code != 0:
            sys.exit(f"{night}: the last run ended with {code}")
    sys.stdout.write(f"{hits}\n")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        sys.argv[2],
        int(sys.argv[3]),
        float(sys.argv[4]),
        [date.fromisoformat(text) for text in sys.argv[5:]],
    )
