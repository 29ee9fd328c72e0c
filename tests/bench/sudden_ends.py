"""A night that ends suddenly, again and again: SIGKILL at random moments, two at once, a full disk,
a read-only folder.

After each end `latest` must be a whole run, the former or a new one, to the byte; tables, model and
the contacts that agents made must be there; and the next run must succeed and leave nothing half
done. Prints one line a kind of end, and fails if any of it was otherwise. The disks are a small
tmpfs, which only root may mount: else they are left out.

PYTHONPATH=. python tests/bench/sudden_ends.py [KILLS] [ORDERS]
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ended_night import AS_OF, ROOT, Wanted, half_done, latest, night, run, say, step
from small_disks import first_night_on_a_full_disk, full_disk, read_only

SEED = 7


def last_piece(place: Path, run_before: str) -> str:
    """How far the killed run came, by the log."""
    lines = [json.loads(line) for line in (place / "log.jsonl").read_text().splitlines()]
    own = [line for line in lines if line["run_id"] == lines[-1]["run_id"]]
    if not own or own[-1]["run_id"] == run_before:
        return "before the log"
    return next(
        (f"after {line['name']}" for line in reversed(own) if line["event"] == "piece"),
        "after begin",
    )


class Forked:
    """A night in a child of this process, which has all imported already: most of a small night is
    importing."""

    def __init__(self, command: list[str]) -> None:
        self.errors = tempfile.TemporaryFile()
        self.started = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(self.errors.fileno(), 2)
            sys.argv = command[2:]
            try:
                main_of_the_program()
            except SystemExit as left:
                os._exit(int(left.code or 0))
            os._exit(99)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        self.seconds = time.monotonic() - self.started
        return os.waitstatus_to_exitcode(status)

    def told(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")[-300:]


def main_of_the_program() -> None:
    from pipeline.__main__ import main as program

    program()


def import_all() -> None:
    """Without doing anything that starts threads: those do not survive a fork."""
    import pipeline.__main__
    import pipeline.load.contacts
    import pipeline.night.nightly
    import pipeline.training.train

    assert pipeline


def kills(place: Path, raw: Path, wanted: Wanted, count: int) -> list[str]:
    import_all()
    first = Forked(night(place, raw))
    assert first.wait() == 0, first.told()
    whole, draw, faults = first.seconds, random.Random(SEED), list[str]()
    moments: Counter[str] = Counter()
    published = left_behind = ended_before = 0
    for number in range(1, count + 1):
        former, run_before = (
            latest(place),
            json.loads((place / "log.jsonl").read_text().splitlines()[-1])["run_id"],
        )
        at = draw.uniform(0.0, whole)
        run_killed = Forked(night(place, raw))
        time.sleep(at)
        run_killed.kill()
        ended_before += run_killed.wait() == 0
        moments[last_piece(place, run_before)] += 1
        published += latest(place) != former
        left_behind += bool(half_done(place))
        faults += [f"kill {number} at {at:.2f} s: {what}" for what in wanted.missing(place)]
        after = Forked(night(place, raw))
        code = after.wait()
        if code or half_done(place) or wanted.missing(place):
            faults.append(f"after kill {number}: exit {code}, {half_done(place)}, {after.told()}")
        # what a night takes differs with what else the machine does
        whole = 0.8 * whole + 0.2 * after.seconds
        for old in sorted((place / "runs" / AS_OF).glob("2*"))[:-2]:
            if old != latest(place):
                shutil.rmtree(old)
        if number % 25 == 0 or number == count:
            say(
                f"SIGKILL at {number} moments of a night of some {whole:.1f} s",
                faults,
                f"{published} had published ({ended_before} had ended), {left_behind} left something half done for the "
                "next run to clear; by the log, killed "
                + ", ".join(f"{n} {name}" for name, n in moments.most_common()),
            )
    return faults


def two_at_once(place: Path, raw: Path, wanted: Wanted, count: int = 5) -> list[str]:
    faults = []
    codes: Counter[str] = Counter()
    for _ in range(count):
        both = [
            subprocess.Popen(night(place, raw), cwd=ROOT, stdout=-3, stderr=-3) for _ in range(2)
        ]
        ended = sorted(process.wait() for process in both)
        codes[str(ended)] += 1
        faults += [] if ended == [0, 13] else [f"two at once ended with {ended}"]
        faults += wanted.missing(place)
    say(f"two runs at once, {count} times", faults, f"exit codes {dict(codes)}")
    return faults


def fill_in(place: Path) -> Path:
    """The night's list as an agent gives it back."""
    head, *rows = (latest(place) / "contact_list.csv").read_text().splitlines()
    orders = [row.split(",")[1] for row in rows[:3]]
    sheet = place / "filled.csv"
    sheet.write_text(
        "order_id,as_of,contacted_at,outcome\n"
        + "".join(f"{order},{AS_OF},{AS_OF} 10:00,answered\n" for order in orders)
    )
    return sheet


def main(count: int, orders: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "store"
        raw = place / "raw"
        for command in (
            step("simulate", "--workspace", place, "--orders", orders),
            night(place, raw),
        ):
            told = run(command)
            assert told.returncode == 0, told.stderr
        told = run(step("contacts", "--workspace", place, "--file", fill_in(place)))
        assert told.returncode == 0, told.stderr
        assert run(night(place, raw)).returncode == 0
        wanted = Wanted(place)
        faults = two_at_once(place, raw, wanted)
        if os.geteuid() == 0:
            faults += (
                read_only(place, raw, wanted)
                + full_disk(place, raw, wanted)
                + first_night_on_a_full_disk(raw)
            )
        else:
            sys.stdout.write(
                "a full disk, a read-only folder: not tried, only root may mount a small disk\n"
            )
        faults += kills(place, raw, wanted, count)
    return len(faults)


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(numbers + [200, 10_000][len(numbers) :])) > 0)
