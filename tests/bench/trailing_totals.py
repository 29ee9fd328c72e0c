"""Time and memory of the trailing totals over growing stores, beside reading and sorting the same columns alone.

Prints one line per size: seconds of the totals and of the plain sort, their ratio, rows per second, the peak memory
of the process so far; and, at the end, the growth exponent. Ratios in one run can be compared; seconds are this
machine's.
"""

from __future__ import annotations

import math
import resource
import sys
import time

import numpy as np
import polars as pl

from features.asof import trailing_totals
from features.history import LOOKBACKS

SIZES = (200_000, 1_000_000, 5_000_000)
MEASURES = [f"count_{n}" for n in range(5)]
KEYS = {"product_id": 0.05, "supplier_id": 0.001, "lane": 0.0001, "buyer_id": 0.8}


def made_facts(count: int, rng: np.random.Generator) -> pl.DataFrame:
    keys = {key: rng.integers(0, max(10, int(count * share)), count) for key, share in KEYS.items()}
    measures = {measure: rng.integers(0, 2, count) for measure in MEASURES}
    return pl.DataFrame({**keys, **measures, "known_day": rng.integers(0, 730, count).astype(np.int32)})


def measure(count: int, rng: np.random.Generator) -> tuple[float, float]:
    facts = made_facts(count, rng)
    rows = facts.sample(count // 2, seed=1).select(*KEYS, as_of_day=pl.col("known_day") + 20)
    started = time.perf_counter()
    for key in KEYS:
        trailing_totals(rows, facts, [key], dict.fromkeys(MEASURES, LOOKBACKS))
    totals = time.perf_counter() - started
    started = time.perf_counter()
    for key in KEYS:
        facts.select(key, "known_day", *MEASURES).sort(key, "known_day")
    return totals, time.perf_counter() - started


def main() -> None:
    write = sys.stdout.write
    rng = np.random.default_rng(7)
    features = len(KEYS) * len(MEASURES) * len(LOOKBACKS)
    write(f"{features} trailing totals; half as many rows asked for as facts\n")
    taken = []
    for size in SIZES:
        seconds, sorting = measure(size, rng)
        taken.append(seconds)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        write(
            f"{size:>10,} facts: {seconds:6.2f} s, {size / 2 / seconds:>9,.0f} rows/s, sorting alone {sorting:5.2f} s "
            f"(ratio {seconds / sorting:.1f}), peak {peak:.2f} GiB\n"
        )
    exponent = math.log(taken[-1] / taken[0]) / math.log(SIZES[-1] / SIZES[0])
    write(f"growth exponent from {SIZES[0]:,} to {SIZES[-1]:,}: {exponent:.2f}\n")


if __name__ == "__main__":
    main()
