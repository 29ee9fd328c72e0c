"""Push 100,000 signed bodies at the receiver, and kill it 20 times meanwhile.

Prints pushes per second with the delays of a push, without kills, and whether every acknowledged
push is kept once after the kills. The senders share the machine with the receiver.

PYTHONPATH=. python tests/bench/receive.py [PUSHES] [KILLS] [BYTES]
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.unit.receiver.pushers import ReceiverProcess, Senders, kept_numbers

PUSHES, KILLS, BYTES = 100_000, 20, 1_500
THREADS = 64


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def measure(folder: Path, pushes: int, size: int) -> None:
    receiver = ReceiverProcess(folder)
    receiver.start()
    senders = Senders(receiver.port, size)
    started = time.perf_counter()
    senders.send(pushes, THREADS)
    seconds = time.perf_counter() - started
    used = receiver.processor_seconds()
    receiver.stop()
    delays = sorted(senders.seconds)
    p50, p99 = (delays[int(len(delays) * share)] * 1_000 for share in (0.5, 0.99))
    say(
        f"{pushes:,} pushes of about {size:,} bytes from {THREADS} connections: "
        f"{pushes / seconds:,.0f} per second; p50 {p50:.0f} ms, p99 {p99:.0f} ms, "
        f"longest {delays[-1] * 1_000:.0f} ms. The receiver used {used / pushes * 1_000:.2f} ms "
        f"of a processor per push, so one of its own would do {pushes / used:,.0f} per second"
    )


def kill(folder: Path, pushes: int, kills: int, size: int) -> None:
    receiver = ReceiverProcess(folder)
    receiver.start()
    senders, draw = Senders(receiver.port, size), random.Random(7)
    points = sorted(draw.randrange(pushes // 50, pushes * 49 // 50) for _ in range(kills))
    sending = threading.Thread(target=senders.send, args=(pushes, THREADS))
    sending.start()
    done = 0
    for point in points:
        while len(senders.acknowledged) < point and sending.is_alive():
            sending.join(0.001)
        receiver.kill()
        receiver.start()
        done += 1
    sending.join()
    receiver.stop()
    kept = kept_numbers(receiver.lines())
    lost = sum(number not in kept for number in senders.acknowledged)
    twice = sum(count > 1 for count in kept.values())
    say(
        f"{len(senders.acknowledged):,} pushes acknowledged over {done} kills, "
        f"{senders.count_again:,} sent again: {lost} lost, {twice} kept twice, {len(kept):,} kept"
    )


def main(pushes: int = PUSHES, kills: int = KILLS, size: int = BYTES) -> None:
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder) / "measured", pushes // 4, size)
        kill(Path(folder) / "killed", pushes, kills, size)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
