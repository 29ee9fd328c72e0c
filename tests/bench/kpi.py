"""Measure three indicators by five dimensions for stores of growing size: seconds and peak memory.

    python tests/bench/kpi.py [--sizes 1000000,10000000]

Both kinds of window are measured. The made-up tables have three years of orders, each with a
parcel, a promise, a delivery scan and 1.2 lines; most are closed, and 4 % are disputed. Prints the
seconds to read the tables and to measure the indicators; the target is 60 s at 10 million orders.
Seconds depend on the machine.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from features.clock import day_number
from features.tables import TABLES, create_tables

SIZES = (1_000_000, 10_000_000)
TARGET_SECONDS, TARGET_ORDERS = 60.0, 10_000_000
FIRST_DAY, DAYS = date(2023, 1, 1), 1096
NIGHT = date(2025, 12, 1)
PIECE = 1_000_000
PRODUCTS = 20_000
BY = ("category", "product", "country", "carrier", "supplier")
# the steps of a dispute: days after the arrival, and the share of disputes that they happen to
STEPS = (
    ("opened", 3, 0, 1),
    ("withdrawn", 6, 0, 0.2),
    ("refunded", 9, 0.2, 0.8),
    ("escalated", 12, 0.8, 1),
    ("ruled", 20, 0.8, 1),
)


class Writer:
    """Writes the canonical tables as Parquet, piece by piece."""

    def __init__(self, folder: Path) -> None:
        schemas = {name: table.empty().to_arrow().schema for name, table in TABLES.items()}
        self.files = {
            name: pq.ParquetWriter(folder / f"{name}.parquet", schema)
            for name, schema in schemas.items()
        }

    def put(self, name: str, at: np.ndarray, **columns: object) -> None:
        """Write facts that happened `at` these days since `FIRST_DAY`; other columns are empty."""
        moment = instants(at)
        facts = pl.DataFrame({**columns, "occurred_at": moment, "known_at": moment})
        schema = TABLES[name].schema
        empty = [
            pl.lit(None, kind).alias(c) for c, kind in schema.items() if c not in facts.columns
        ]
        facts = facts.with_columns(empty).select(pl.col(c).cast(t) for c, t in schema.items())
        file = self.files[name]
        file.write_table(facts.to_arrow().cast(file.schema))

    def close(self) -> None:
        for file in self.files.values():
            file.close()


def instants(days: np.ndarray) -> pl.Series:
    start = day_number(FIRST_DAY) * 86_400_000_000
    times = pl.Series(start + (days * 86_400e6).astype(np.int64)).cast(pl.Datetime("us"))
    return times.dt.replace_time_zone("UTC")


def ids(prefix: str, number: np.ndarray) -> pl.Series:
    return pl.select(pl.format(f"{prefix}{{}}", pl.Series(number))).to_series()


def until_now(at: np.ndarray) -> np.ndarray:
    return at < DAYS


def write_tables(folder: Path, count: int) -> None:
    """Write the canonical tables as Parquet, drawn piece by piece."""
    writer = Writer(folder)
    products = np.arange(PRODUCTS)
    writer.put(
        "products",
        np.zeros(PRODUCTS),
        product_id=ids("p", products),
        category=ids("c", products % 40),
    )
    for first in range(0, count, PIECE):
        number = np.arange(first, min(first + PIECE, count))
        rng = np.random.default_rng([7, first])
        placed = rng.uniform(0, DAYS, len(number))
        shipped = placed + rng.uniform(1, 5, len(number))
        arrived = shipped + rng.lognormal(2.8, 0.4, len(number))
        put_orders(writer, number, rng, placed)
        put_parcels(writer, number, placed, shipped, arrived)
        put_ends(writer, number, rng, arrived)
    writer.close()


def put_orders(
    writer: Writer, number: np.ndarray, rng: np.random.Generator, placed: np.ndarray
) -> None:
    order = ids("o-", number)
    writer.put(
        "orders",
        placed,
        order_id=order,
        buyer_id=ids("b", number // 3),
        store_id=ids("s", number * 0),
        country=ids("C", number % 17),
        lane=ids("L", number % 90),
        currency=ids("USD", number * 0),
        total_usd=rng.uniform(5, 90, len(number)),
        total_source=rng.uniform(5, 90, len(number)),
    )
    for line in (0, 1):
        has = np.flatnonzero(rng.uniform(size=len(number)) < (1.0, 0.2)[line])
        product = rng.integers(0, PRODUCTS, len(has))
        writer.put(
            "order_lines",
            placed[has],
            order_id=order.gather(has),
            line_id=ids("", has * 0 + line),
            product_id=ids("p", product),
            supplier_id=ids("u", product % 300),
        )


def put_parcels(
    writer: Writer, number: np.ndarray, placed: np.ndarray, shipped: np.ndarray, arrived: np.ndarray
) -> None:
    order = ids("o-", number)
    writer.put(
        "promises",
        placed,
        promise_id=ids("pr", number),
        order_id=order,
        kind=["delivery"] * len(number),
        promised_at=instants(placed + 40),
    )
    sent = np.flatnonzero(until_now(shipped))
    writer.put(
        "shipments",
        shipped[sent],
        shipment_id=ids("h", number[sent]),
        order_id=order.gather(sent),
        carrier=ids("K", number[sent] % 7),
    )
    there = np.flatnonzero(until_now(arrived))
    writer.put(
        "tracking",
        arrived[there],
        scan_id=ids("t", number[there]),
        shipment_id=ids("h", number[there]),
        order_id=order.gather(there),
        status=["Delivered"] * len(there),
    )


def put_ends(
    writer: Writer, number: np.ndarray, rng: np.random.Generator, arrived: np.ndarray
) -> None:
    """The closings, and the disputes with their steps."""
    order = ids("o-", number)
    disputed = rng.uniform(size=len(number)) < 0.04
    closed = np.flatnonzero(until_now(arrived + 12) & ~disputed)
    writer.put(
        "order_events",
        (arrived + 12)[closed],
        event_id=ids("e", number[closed]),
        order_id=order.gather(closed),
        event=["closed"] * len(closed),
    )
    fate = rng.uniform(size=len(number))
    for step, after, low, high in STEPS:
        is_of_fate = (fate >= low) & (fate < high)
        rows = np.flatnonzero(disputed & until_now(arrived + after) & is_of_fate)
        writer.put(
            "disputes",
            (arrived + after)[rows],
            step_id=ids(f"{step}-", number[rows]),
            dispute_id=ids("d", number[rows]),
            order_id=order.gather(rows),
            step=[step] * len(rows),
            cause=["other"] * len(rows),
            liable=[("seller" if step == "ruled" else None)] * len(rows),
        )


def one(folder: Path) -> None:
    """Measure in a separate process, so that the peak memory is that of this run."""
    from features.indicators.indicator_rules import policy_rates
    from features.indicators.measured_rates import measure_rates
    from pipeline.settings.policy_files import load_policy

    started = time.perf_counter()
    frames = {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}
    count = frames["orders"].height
    tables = create_tables(frames, zone="Asia/Shanghai")
    del frames
    reading = time.perf_counter() - started
    started, used = time.perf_counter(), time.process_time()
    day = day_number(NIGHT)
    rates = policy_rates(load_policy("aliexpress-classic"), day, bases=["event_day", "order_day"])
    measured = measure_rates(tables, day, rates, dimensions=BY)
    seconds, used = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    verdict = ""
    if count >= TARGET_ORDERS:
        verdict = f"; target {TARGET_SECONDS:.0f} s: " + (
            "met" if seconds < TARGET_SECONDS else "MISSED"
        )
    sys.stdout.write(
        f"{count:>11,} orders: indicators by {len(BY)} dimensions {seconds:6.1f} s "
        f"({used:.1f} processor seconds, {measured.height:,} rows), "
        f"reading {reading:.1f} s, peak {peak:.1f} GB{verdict}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", default=",".join(map(str, SIZES)), help="orders, separated by commas"
    )
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one)
        return
    for size in map(int, options.sizes.replace(" ", ",").split(",")):
        with tempfile.TemporaryDirectory() as folder:
            write_tables(Path(folder), size)
            subprocess.run([sys.executable, __file__, "--one", folder], check=True)


if __name__ == "__main__":
    main()
