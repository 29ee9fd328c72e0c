"""Training and scoring use one function: an order-night always has the same features."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.build.out_of_core import add_up, features_of_part, read_part
from features.build.registry import build_features
from features.spine import build_spine, sample_spine
from features.tables import TABLES, Tables, create_tables
from features.totals.order_facts import split_buyers
from pipeline.simulation.world.simulated_store import simulate_store
from tests.conftest import day

ROOT = Path(__file__).resolve().parents[3]
ZONE = "Asia/Shanghai"
FIRST, LAST = day("2024-01-01"), day("2025-12-31")


@pytest.fixture(scope="module")
def tables() -> Tables:
    """The store of `make demo`."""
    return create_tables(
        simulate_store(count_orders=10_000, seed=7, first_day=date(2024, 1, 1), days=731), zone=ZONE
    )


def test_training_rows_equal_scoring_rows(tables: Tables) -> None:
    """Compares order-nights sampled from all nights with the open orders of one night at a time."""
    spine = sample_spine(tables, first_day=FIRST, last_day=LAST, max_rows=100_000, seed=7)
    training_rows = build_features(tables, spine)
    compared = 0
    for night in range(FIRST + 5, LAST, 61):
        scored = build_features(tables, build_spine(tables, [night]))
        of_night = training_rows.filter(pl.col("as_of_day") == night)
        assert_frame_equal(
            scored.join(of_night, on="order_id", how="semi"), of_night, check_exact=True
        )
        compared += of_night.height
    assert compared > 1_000


@pytest.mark.parametrize("count_parts", [1, 3])
def test_a_night_is_the_same_part_by_part(tables: Tables, count_parts: int) -> None:
    night = LAST - 40
    whole = build_features(tables, build_spine(tables, [night]))
    orders = tables["orders"]
    number = orders.select("order_id", part=pl.int_range(pl.len()) % count_parts)
    returning, repeated = split_buyers(orders)
    parts = []
    for n in range(count_parts):
        of_part = number.filter(pl.col("part") == n)
        frames = {
            name: frame.join(of_part, on="order_id", how="semi")
            if "order_id" in frame.columns
            else frame
            for name, frame in tables.frames.items()
        }
        again = returning.join(of_part, on="order_id", how="semi")
        others = repeated.join(of_part, on="order_id", how="semi")
        parts.append(read_part(Tables(frames, tables.zone), again, others, night))
    everyone = add_up(totals for _, totals in parts)
    built = pl.concat(features_of_part(part, everyone) for part, _ in parts)
    assert_frame_equal(built.sort("order_id"), whole, check_exact=True)


_HASH = """
from datetime import date
import polars as pl
from features.build.registry import build_features
from features.spine import build_spine
from features.tables import create_tables
from pipeline.simulation.world.simulated_store import simulate_store
frames = simulate_store(count_orders=2000, seed=7, first_day=date(2024, 1, 1), days=365)
tables = create_tables(frames, zone="UTC")
rows = build_features(tables, build_spine(tables, [19900, 19990]))
print(pl.thread_pool_size(), rows.height, rows.hash_rows().sum())
"""


def test_threads_change_nothing() -> None:
    outputs = []
    for threads in ("1", "2", "5"):
        env = os.environ | {"POLARS_MAX_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", _HASH],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(done.stdout.split())
    assert [threads for threads, *_ in outputs] == ["1", "2", "5"]
    assert len({tuple(rest) for _, *rest in outputs}) == 1
    assert int(outputs[0][1]) > 250


def test_every_table_has_facts(tables: Tables) -> None:
    """The tests above cover all tables except contacts: the simulated store has made none."""
    assert {name for name in TABLES if tables[name].is_empty()} == {"contacts"}
