"""Kill deliveries and a bulk send at random moments, while a fifth of the answers fail.

Each kind of target gets 50 nights; the delivery of each is killed once by SIGKILL and then run to
its end. A released bulk send of 500 messages is killed five times. Prints one line per kind, and
fails if anything arrived twice, not at all or changed. The servers are those of the tests.

PYTHONPATH=. python tests/bench/deliveries.py [NIGHTS] [BUYERS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.unit.deliver.killed_runs import WAYS, bulk_send

SHARE = 0.2


def main(nights: int, buyers: int) -> int:
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, way in WAYS.items():
            started = time.monotonic()
            counted = way(Path(folder) / kind, nights, SHARE)
            wrong += not counted.is_right
            say(
                f"{kind}: {counted.arrived} of {counted.expected} arrived once, killed "
                f"{counted.kills} of {nights} times, {counted.faults} failing answers or "
                f"connections, {counted.dropped} repeats dropped by their key",
                started,
            )
        started = time.monotonic()
        counted, contacts = bulk_send(Path(folder) / "bulk", buyers, 5, SHARE)
        wrong += not counted.is_right or contacts != buyers
        say(
            f"bulk send: {counted.arrived} of {buyers} buyers got one message, killed "
            f"{counted.kills} of 5 times, {counted.faults} failing answers, {counted.dropped} "
            f"repeats dropped by their key, {contacts} contacts on record",
            started,
        )
    return wrong


def say(text: str, started: float) -> None:
    sys.stdout.write(f"{text} ({time.monotonic() - started:.0f} s)\n")
    sys.stdout.flush()


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(numbers + [50, 500][len(numbers) :])) > 0)
