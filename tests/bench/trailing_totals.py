"""Trailing totals for stores of growing size, compared with sorting alone and with peers.

Every contender reads the same two parquet files, runs in its own process, and makes the same 60
totals for the same rows; if a peer has one different number, the benchmark stops. Prints seconds,
growth and peak memory. Except for featuretools, all contenders run in turns, and the median of the
ratios per turn counts; a peer is stopped at the time limit. Seconds depend on the machine
(`processor` is the sum over all cores, which other work on the machine disturbs less).
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from contest import CHOSEN, TOTALS
from made_orders import write_orders

HERE = Path(__file__).parent
SIZES = (200_000, 2_000_000, 10_000_000)
# the number of turns is odd; a small store takes a tenth of a second, which other work on the
# machine easily doubles
TURNS, TURNS_OF_SMALL, SMALL = 3, 9, 500_000
LIMIT, FEATURETOOLS_SECONDS = 900, 120
PEERS = ("DuckDB", "pandas")
SCRIPTS = {
    "ours": "ours.py",
    "sorting alone": "sorting.py",
    "DuckDB": "peer_duckdb.py",
    "pandas": "peer_pandas.py",
}
# the targets: at most this many times sorting; at least this many times as fast as a peer and as
# featuretools; at most this growth exponent and GB
SORTING, PEER, FEATURETOOLS, EXPONENT, MEMORY = 1.5, 8, 100, 1.1, 5
LARGE = 10_000_000


@dataclass(frozen=True)
class Run:
    """One contender at one size: seconds, peak memory in GiB, rows, and a digest per total."""

    seconds: float
    processor: float
    peak: float
    rows: int
    digests: dict[str, str]


def run(
    python: str, script: str, folder: Path, *options: str, limit: float | None = None
) -> Run | None:
    """Run a contender; None if it did not finish within `limit` seconds.

    The script's name goes to standard error.
    """
    sys.stderr.write(f"... {script}\n")
    command = [python, str(HERE / script), str(folder), *options]
    try:
        process = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return None
    return Run(**json.loads(process.stdout.splitlines()[-1]))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show(name: str, orders: int, one: Run, ours: Run) -> None:
    rows = one.rows or orders // 2
    ratio = (one.seconds / rows) / (ours.seconds / ours.rows)
    say(
        f"{name:<14}{orders:>12,}{rows:>11,}{one.seconds:>10.2f}{one.processor:>11.2f}"
        f"{rows / one.seconds:>13,.0f}{ratio:>10.2f}{one.peak:>9.2f}"
    )


def median(runs: list[Run]) -> Run:
    """The run in the middle by seconds."""
    return sorted(runs, key=lambda one: one.seconds)[len(runs) // 2]


def must_agree(name: str, one: Run, ours: Run) -> None:
    differing = [total for total in TOTALS if one.digests[total] != ours.digests[total]]
    if differing or one.rows != ours.rows:
        raise SystemExit(
            f"{name} and ours differ in {len(differing)} of {len(TOTALS)} totals: {differing[:5]}"
        )


def compare(
    orders: int, peers: str, limit: float, with_featuretools: bool
) -> tuple[Run, dict[str, float]]:
    """Run all contenders at one size.

    Returns our run, and for each other contender its time as a multiple of ours. The multiple is
    the median over the turns, because the speed of a shared machine changes within minutes.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sys.stderr.write(f"... making {orders:,} orders\n")
        write_orders(folder, orders)
        turns = TURNS_OF_SMALL if orders <= SMALL else TURNS
        runs = take_turns(folder, peers, limit, turns)
        ours, multiples = median(runs["ours"]), dict[str, float]()
        for name, each in runs.items():
            if len(each) < turns:
                say(f"{name:<14}{orders:>12,}  did not finish within {limit:.0f} s")
                continue
            show(name, orders, median(each), ours)
            multiples[name] = statistics.median(
                o.seconds / u.seconds for o, u in zip(each, runs["ours"], strict=True)
            )
        if with_featuretools:
            multiples["featuretools"] = featuretools_multiple(folder, orders, peers, ours)
    return ours, multiples


def take_turns(folder: Path, peers: str, limit: float, turns: int) -> dict[str, list[Run]]:
    """The runs of each contender; one that did not finish within `limit` does not run again."""
    runs: dict[str, list[Run]] = {name: [] for name in SCRIPTS}
    late = set[str]()
    for _ in range(turns):
        for name, script in SCRIPTS.items():
            python, seconds = (peers, limit) if name in PEERS else (sys.executable, None)
            one = None if name in late else run(python, script, folder, limit=seconds)
            if one is None:
                late.add(name)
                continue
            runs[name].append(one)
            if name in PEERS:
                must_agree(name, one, runs["ours"][-1])
    return runs


def featuretools_multiple(folder: Path, orders: int, peers: str, ours: Run) -> float:
    """As many rows as its time allows; the same rows of ours are made anew, only to compare the
    numbers."""
    peer = run(peers, "peer_featuretools.py", folder, str(FEATURETOOLS_SECONDS))
    same = run(sys.executable, "ours.py", folder)
    (folder / CHOSEN).unlink()
    assert peer is not None
    assert same is not None
    must_agree("featuretools", peer, same)
    show("featuretools", orders, peer, ours)
    return (peer.seconds / peer.rows) / (ours.seconds / ours.rows)


def verdicts(results: dict[int, tuple[Run, dict[str, float]]]) -> list[str]:
    """One line per target that was measured: met or missed."""
    lines = []

    def judge(is_met: bool, text: str) -> None:
        lines.append(f"{'met' if is_met else 'MISSED':<7}{text}")

    for orders, (ours, multiples) in results.items():
        times = 1 / multiples["sorting alone"]
        judge(
            times <= SORTING,
            f"at {orders:,}: {times:.2f} times sorting alone; target: at most {SORTING}",
        )
        for name in PEERS:
            if name in multiples:
                multiple = multiples[name]
                text = f"{multiple:.1f} times as fast as {name}; target: at least {PEER}"
                judge(multiple >= PEER, f"at {orders:,}: {text}")
        if "featuretools" in multiples:
            times = multiples["featuretools"]
            text = f"{times:,.0f} times as fast per row as featuretools"
            judge(times >= FEATURETOOLS, f"at {orders:,}: {text}; target: at least {FEATURETOOLS}")
        if orders >= LARGE:
            peak = ours.peak * 2**30 / 1e9
            judge(
                peak < MEMORY, f"at {orders:,}: peak memory {peak:.1f} GB; target: under {MEMORY}"
            )
    sizes = sorted(results)
    if len(sizes) > 1:
        small, large = results[sizes[0]][0], results[sizes[-1]][0]
        times = math.log(sizes[-1] / sizes[0])
        growth = math.log(large.seconds / small.seconds) / times
        processor_growth = math.log(large.processor / small.processor) / times
        judge(
            growth <= EXPONENT,
            f"growth exponent {growth:.2f} from {sizes[0]:,} to {sizes[-1]:,} orders; target: at "
            f"most {EXPONENT} ({processor_growth:.2f} by processor seconds)",
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", required=True, help="the Python of the peers' environment")
    parser.add_argument(
        "--sizes", default=" ".join(map(str, SIZES)), help="counts of orders, ascending"
    )
    parser.add_argument(
        "--limit", type=float, default=LIMIT, help="seconds after which a peer is stopped"
    )
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.replace(",", " ").split()]
    say(
        f"{len(TOTALS)} totals per row, half as many rows as orders; medians of {TURNS} turns, for "
        f"small stores {TURNS_OF_SMALL}"
    )
    heads = (
        ("orders", 12),
        ("rows", 11),
        ("seconds", 10),
        ("processor", 11),
        ("rows/s", 13),
        ("ours = 1", 10),
        ("GiB", 9),
    )
    say(f"{'contender':<14}" + "".join(f"{head:>{width}}" for head, width in heads))
    results = {
        size: compare(size, options.peers, options.limit, size == sizes[0]) for size in sizes
    }
    say("")
    for line in verdicts(results):
        say(line)


if __name__ == "__main__":
    main()
