"""End nights suddenly: SIGKILL at random moments, two runs at once, a full or read-only disk.

After each end, `latest` must be a complete run with the expected bytes, the previous one or a new
one. Tables, model and the agents' contacts must be there, and the next run must succeed and leave
no unfinished files. Prints one line per kind of end, and fails if any check fails. The disks are a
small tmpfs, which only root may mount; without root they are left out.

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

from ended_night import AS_OF, ROOT, ExpectedFiles, latest, night, run, say, step, unfinished_files
from small_disks import first_night_on_a_full_disk, full_disk, read_only

SEED = 7


def last_piece(workspace: Path, run_before: str) -> str:
    """How far the killed run came, according to the log."""
    lines = [json.loads(line) for line in (workspace / "log.jsonl").read_text().splitlines()]
    own = [line for line in lines if line["run_id"] == lines[-1]["run_id"]]
    if not own or own[-1]["run_id"] == run_before:
        return "before the log"
    return next(
        (f"after {line['name']}" for line in reversed(own) if line["event"] == "piece"),
        "after begin",
    )


class Forked:
    """A night in a forked child, which has all imports done: they take most of a small night."""

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
            except SystemExit as leaving:
                os._exit(int(leaving.code or 0))
            os._exit(99)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        self.seconds = time.monotonic() - self.started
        return os.waitstatus_to_exitcode(status)

    def error_text(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")[-300:]


def main_of_the_program() -> None:
    from pipeline.__main__ import main as program

    program()


def import_all() -> None:
    """Import the program without starting threads, which do not survive a fork."""
    import pipeline.__main__
    import pipeline.load.contacts
    import pipeline.night.nightly
    import pipeline.training.train

    assert pipeline


def kills(workspace: Path, raw: Path, expected: ExpectedFiles, count: int) -> list[str]:
    import_all()
    first = Forked(night(workspace, raw))
    assert first.wait() == 0, first.error_text()
    whole, draw, faults = first.seconds, random.Random(SEED), list[str]()
    moments: Counter[str] = Counter()
    published = unfinished = completed = 0
    for number in range(1, count + 1):
        former, run_before = (
            latest(workspace),
            json.loads((workspace / "log.jsonl").read_text().splitlines()[-1])["run_id"],
        )
        at = draw.uniform(0.0, whole)
        run_killed = Forked(night(workspace, raw))
        time.sleep(at)
        run_killed.kill()
        completed += run_killed.wait() == 0
        moments[last_piece(workspace, run_before)] += 1
        published += latest(workspace) != former
        unfinished += bool(unfinished_files(workspace))
        faults += [f"kill {number} at {at:.2f} s: {fault}" for fault in expected.faults(workspace)]
        after = Forked(night(workspace, raw))
        code = after.wait()
        if code or unfinished_files(workspace) or expected.faults(workspace):
            faults.append(
                f"after kill {number}: exit {code}, {unfinished_files(workspace)}, "
                f"{after.error_text()}"
            )
        # the time of a night varies with the load of the machine
        whole = 0.8 * whole + 0.2 * after.seconds
        for old in sorted((workspace / "runs" / AS_OF).glob("2*"))[:-2]:
            if old != latest(workspace):
                shutil.rmtree(old)
        if number % 25 == 0 or number == count:
            say(
                f"SIGKILL at {number} moments of a night of about {whole:.1f} s",
                faults,
                f"{published} had published ({completed} had ended), {unfinished} left unfinished "
                "files for the next run to remove; according to the log, killed "
                + ", ".join(f"{n} {name}" for name, n in moments.most_common()),
            )
    return faults


def two_at_once(workspace: Path, raw: Path, expected: ExpectedFiles, count: int = 5) -> list[str]:
    faults = []
    codes: Counter[str] = Counter()
    for _ in range(count):
        both = [
            subprocess.Popen(night(workspace, raw), cwd=ROOT, stdout=-3, stderr=-3)
            for _ in range(2)
        ]
        ended = sorted(process.wait() for process in both)
        codes[str(ended)] += 1
        faults += [] if ended == [0, 13] else [f"two at once ended with {ended}"]
        faults += expected.faults(workspace)
    say(f"two runs at once, {count} times", faults, f"exit codes {dict(codes)}")
    return faults


def fill_in(workspace: Path) -> Path:
    """The night's list as an agent fills it in."""
    head, *rows = (latest(workspace) / "contact_list.csv").read_text().splitlines()
    orders = [row.split(",")[1] for row in rows[:3]]
    sheet = workspace / "filled.csv"
    sheet.write_text(
        "order_id,as_of,contacted_at,outcome\n"
        + "".join(f"{order},{AS_OF},{AS_OF} 10:00,answered\n" for order in orders)
    )
    return sheet


def main(count: int, orders: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "store"
        raw = workspace / "raw"
        for command in (
            step("simulate", "--workspace", workspace, "--orders", orders),
            night(workspace, raw),
        ):
            process = run(command)
            assert process.returncode == 0, process.stderr
        process = run(step("contacts", "--workspace", workspace, "--file", fill_in(workspace)))
        assert process.returncode == 0, process.stderr
        assert run(night(workspace, raw)).returncode == 0
        expected = ExpectedFiles(workspace)
        faults = two_at_once(workspace, raw, expected)
        if os.geteuid() == 0:
            faults += (
                read_only(workspace, raw, expected)
                + full_disk(workspace, raw, expected)
                + first_night_on_a_full_disk(raw)
            )
        else:
            sys.stdout.write(
                "a full disk, a read-only folder: left out, only root may mount a small disk\n"
            )
        faults += kills(workspace, raw, expected, count)
    return len(faults)


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(numbers + [200, 10_000][len(numbers) :])) > 0)
