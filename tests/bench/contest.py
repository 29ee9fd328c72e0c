"""What all contenders share: the names of the 60 totals, and how a run is timed and reported.

Only numpy is imported here, because the peers run in their own environment.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

KEYS = ("product", "category", "supplier", "lane", "buyer")
MEASURES = ("count_orders", "count_disputes", "sum_price_cents", "sum_transit_hours")
LOOKBACKS = (30, 90, 365)
# featuretools writes the positions of the rows that it finished into this file
CHOSEN = "chosen.npy"


def total(key: str, measure: str, lookback: int) -> str:
    return f"{key}_{measure}_{lookback}d"


TOTALS = [
    total(key, measure, lookback) for key in KEYS for measure in MEASURES for lookback in LOOKBACKS
]


def report_run(make: Callable[[Path], dict[str, np.ndarray]]) -> None:
    """Run `make(folder)` and print one line of JSON; the folder is the first process argument.

    `make` returns each total of `TOTALS` (whole numbers, one per row, in row order), or nothing if
    a contender makes no totals. The line has wall-clock and processor seconds, the peak memory of
    the process (GiB, before the digests), the number of rows, and one digest per total, so that any
    two contenders can be compared on every number.
    """
    started, processor = time.perf_counter(), time.process_time()
    totals = make(Path(sys.argv[1]))
    seconds = time.perf_counter() - started
    line = {
        "seconds": seconds,
        "processor": time.process_time() - processor,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "rows": len(next(iter(totals.values()), ())),
        "digests": {name: digest(values) for name, values in totals.items()},
    }
    sys.stdout.write(json.dumps(line) + "\n")


def digest(values: np.ndarray) -> str:
    return hashlib.blake2b(
        np.ascontiguousarray(values, dtype="<i8").data, digest_size=16
    ).hexdigest()
