"""The nights of many stores: stores per hour and processor, and the time of a store in a fleet
compared with the same store alone, a process of its own that imports everything.

    PYTHONPATH=. python tests/bench/fleet.py [STORES] [ORDERS] [ALONE]

One store is simulated, loaded and trained; its copies then make their next night, as in a usual
week. `ALONE` copies make it one by one with `python -m pipeline nightly`. Seconds of processor time
decide, because the machine may be busy.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from pipeline.fleet.fleet import default_jobs, fleet
from pipeline.fleet.run_fleet import FleetRules
from pipeline.night.nightly import nightly
from pipeline.settings.config import load_config
from pipeline.simulation.simulate import simulate
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

FIRST, NIGHT = date(2025, 1, 1), date(2026, 1, 1)
NEXT = NIGHT + timedelta(days=1)


def make_store(folder: Path, orders: int) -> None:
    """A store with a model and the night of `NIGHT`."""
    workspace = Workspace(folder)
    config, progress = load_config(folder), Progress()
    simulate(workspace, config, progress, orders=orders, first=FIRST, days=365)
    with workspace.locked():
        nightly(
            workspace,
            config,
            progress,
            as_of=NIGHT,
            source="canonical",
            raw=folder / "raw",
            is_forced=False,
        )
    (folder / "config.toml").touch()


def cpu_seconds() -> float:
    """Of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(stores: int, orders: int, alone: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first"
        make_store(first, orders)
        for name, count in (("alone", alone), ("fleet", stores)):
            for number in range(count):
                shutil.copytree(first, Path(folder) / name / f"s{number:04}", symlinks=True)
        started, before = time.monotonic(), cpu_seconds()
        for path in sorted((Path(folder) / "alone").iterdir()):
            options = ["--workspace", path, "--as-of", str(NEXT)]
            options += ["--source", "canonical", "--raw", path / "raw"]
            command = [sys.executable, "-m", "pipeline", "nightly", *map(str, options)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        each = (time.monotonic() - started) / alone
        each_cpu = (cpu_seconds() - before) / alone
        say(f"alone: {each:.2f} s, {each_cpu:.2f} processor seconds a store")
        started = time.monotonic()
        fleet(
            Path(folder) / "fleet",
            FleetRules(jobs=default_jobs()),
            as_of=NEXT,
            source="canonical",
            options=(),
        )
        seconds = time.monotonic() - started
        per_hour = stores / seconds * 3600 / default_jobs()
        say(
            f"fleet: {stores} stores of {orders:,} orders in {seconds:.0f} s, {default_jobs()} at "
            f"a time: {per_hour:,.0f} stores an hour and processor; {seconds / stores:.2f} s a "
            f"store, {each / (seconds / stores):.1f} times as fast as one by one alone"
        )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [40, 5_000, 4][len(given) :]))
