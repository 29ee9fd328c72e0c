"""Steps that read the whole history, for stores of growing size: peak memory and processor time.

    python tests/bench/bounded_memory.py [--sizes 50000,200000] [--steps features,kpi]

Each step runs in its own process on a simulated workspace (`tests/bench/nightly.py`). Prints one
line per step and size, with the growth since the size before: the bytes of memory per order, and
the exponent of the processor time. Start-up is included. Parts have 10,000 orders, so that both
sizes have several; a part itself takes memory in proportion to its orders. The limit is 8 GiB at 10
million orders.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nightly import NIGHT, ZONE, write_tables

SIZES = (50_000, 200_000)
ORDERS_PER_PART = 10_000
STEPS = ("features", "kpi", "products", "clock")
LIMIT_GIB, LIMIT_ORDERS = 8.0, 10_000_000
LIVES = {
    "orders": ("order_id", "occurred_day"),
    "order_events": ("order_id", "event", "occurred_day", "known_day"),
    "disputes": ("order_id", "step", "occurred_day", "known_day"),
}


def make_workspace(folder: Path, count: int) -> None:
    """A workspace with the tables of a simulated store."""
    from features.closing_times import usual_life_days
    from pipeline.workspace.table_files import TableFiles

    tables = folder / "tables"
    tables.mkdir(parents=True)
    write_tables(tables, count)
    files = TableFiles(tables, ZONE, has_partial_outcomes=False)
    facts = {
        "zone": ZONE,
        "has_partial_outcomes": False,
        "life_days_by_month": usual_life_days(files.read_columns(LIVES)),
        "input_sha256": {},
    }
    (folder / "config.toml").write_text(f"[engine]\norders_per_part = {ORDERS_PER_PART}\n")
    (tables / "store.json").write_text(json.dumps(facts), encoding="utf-8")


def run_step(step: str, workspace: Path) -> tuple[float, float]:
    """The processor seconds and the peak memory (GiB) of a step."""
    command = [sys.executable, "-m", "pipeline", step, "--workspace", str(workspace)]
    with subprocess.Popen(
        [*command, "--as-of", NIGHT.isoformat()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{step} failed: {errors}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def line_of(step: str, count: int, now: tuple[float, float], before: list[float] | None) -> str:
    """One line of the result; `before` has the orders, seconds and GiB of the size before."""
    seconds, peak = now
    line = f"{step:<10} {count:>10,} orders: {seconds:7.1f} processor s, peak {peak:5.2f} GiB"
    if before:
        a_gib = (peak - before[2]) / (count - before[0])
        expected = peak + max(a_gib, 0.0) * max(LIMIT_ORDERS - count, 0)
        line += f"; time grows with exponent {math.log(seconds / before[1], count / before[0]):.2f}"
        line += f", memory by {a_gib * 2**30:,.0f} bytes per order: {expected:.1f} GiB at "
        line += f"{LIMIT_ORDERS:,}, limit {LIMIT_GIB:.0f}: "
        line += "met" if expected <= LIMIT_GIB else "MISSED"
    return line + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--steps", default=",".join(STEPS))
    options = parser.parse_args()
    before: dict[str, list[float]] = {}
    for count in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            workspace = Path(folder) / "store"
            make_workspace(workspace, count)
            for step in options.steps.split(","):
                now = run_step(step, workspace)
                sys.stdout.write(line_of(step, count, now, before.get(step)))
                sys.stdout.flush()
                before[step] = [count, *now]


if __name__ == "__main__":
    main()
