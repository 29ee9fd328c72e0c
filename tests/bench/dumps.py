"""Load a gigabyte of the Open Platform's answers, and load it again: seconds and peak memory.

Each night has pages of 50 orders with their details, tracking and some disputes, in the form of
tests/unit/sources/aliexpress_answers.py, with new numbers. Targets: 180 s and 4 GB; 20 s for the
second load. Seconds depend on the machine.

PYTHONPATH=. python tests/bench/dumps.py [MEGABYTES]
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

PAGE, DISPUTED = 50, 25
FIRST = datetime(2024, 1, 1, 8)
LOADING, AGAIN, MEMORY = 180.0, 20.0, 4.0
LOAD = """
import sys, time, json, resource
from pathlib import Path
from pipeline.settings.config import load_config
from pipeline.load.ingest import ingest
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
config, raw = load_config(workspace.folder), Path(sys.argv[2])
started = time.perf_counter()
with workspace.locked():
    ingest(workspace, config, Progress(), source="aliexpress", raw=raw)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
print(json.dumps([time.perf_counter() - started, peak]))
"""


ORDER_ID = re.compile(r"8194715118\d{6}")


def _moved(match: re.Match[str], order: int) -> str:
    """The id of another order. The ids end in every digit, so they do not look rounded."""
    return str(int(match[0]) + 1_000_003 * order)


def write_dumps(folder: Path, megabytes: int) -> int:
    """Write pages until they have this size; returns the number of orders."""
    from tests.unit.sources import aliexpress_dumps as made

    texts = {name: json.dumps(make(), ensure_ascii=False) for name, make in made.ANSWERS.items()}
    written, number = 0, 0
    while written < megabytes * 1_000_000:
        for name in ("orders", "detail", "tracking", "issues", "issue"):
            parts = []
            for order in range(number, number + PAGE):
                if name.startswith("issue") and order % DISPUTED:
                    continue
                day = f"{FIRST + timedelta(minutes=order):%Y-%m-%d %H:%M:%S}"
                text = ORDER_ID.sub(partial(_moved, order=order), texts[name])
                text = text.replace("2024-10-01 08:00:00", day)
                text = text.replace("LP0061234567", f"LP{order:010}")
                parts.append(text.replace("1005003600816013", f"{1005003600816013 + order % 5000}"))
            night = FIRST + timedelta(minutes=number, days=40)
            path = folder / f"{night:%Y-%m-%dT%H%M}" / f"{name}-{number}.jsonl"
            path.parent.mkdir(exist_ok=True, parents=True)
            written += path.write_text("\n".join(parts), encoding="utf-8")
        number += PAGE
    return number


def load(workspace: Path, raw: Path) -> tuple[float, float]:
    child = subprocess.run(
        [sys.executable, "-c", LOAD, str(workspace), str(raw)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds, peak = json.loads(child.stdout.splitlines()[-1])
    return seconds, peak


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        raw, workspace = Path(folder) / "raw", Path(folder) / "workspace"
        orders = write_dumps(raw, megabytes)
        for words, target in (("loaded", LOADING), ("loaded again", AGAIN)):
            seconds, peak = load(workspace, raw)
            is_met = seconds < target and peak < MEMORY
            verdict = f"targets {target:.0f} s and {MEMORY:.0f} GB: {'met' if is_met else 'missed'}"
            sys.stdout.write(
                f"{megabytes:,} MB of dumps, {orders:,} orders: {words} in {seconds:.1f} s, "
                f"peak {peak:.1f} GB; {verdict}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
