"""The simulated store has the canonical form and plausible rates, and depends only on its
arguments."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.tables import TABLES
from pipeline.settings.config import load_config
from pipeline.simulation.simulate import simulate
from pipeline.simulation.world.simulated_orders import build_world
from pipeline.simulation.world.simulated_store import draw_piece, piece_frames, simulate_store
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

FIRST_DAY, DAYS = date(2024, 1, 1), 731
# midnight in the store's time zone, eight hours before midnight UTC
END = datetime(2025, 12, 31, 16, tzinfo=UTC)
Store = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def store() -> Store:
    return simulate_store(count_orders=10_000, seed=7, first_day=FIRST_DAY, days=DAYS)


def test_the_same_arguments_give_the_same_frames_and_another_seed_others() -> None:
    first, again, other = (
        simulate_store(count_orders=300, seed=seed, first_day=FIRST_DAY, days=DAYS)
        for seed in (1, 1, 2)
    )
    for name in TABLES:
        assert_frame_equal(first[name], again[name])
    for name in set(TABLES) - {"contacts"}:
        assert not first[name].equals(other[name]), name


def test_the_files_do_not_depend_on_the_size_of_the_pieces(tmp_path: Path) -> None:
    def write(chunk_orders: int) -> dict[str, str]:
        workspace = Workspace(tmp_path / str(chunk_orders))
        config = load_config(workspace.folder)
        simulate(
            workspace,
            config,
            Progress(),
            orders=25_000,
            first=FIRST_DAY,
            days=400,
            seed=5,
            chunk_orders=chunk_orders,
        )
        files = sorted(path for path in workspace.folder.rglob("*") if path.is_file())
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    small, large = write(10_000), write(30_000)
    assert small == large
    assert {f"{name}.csv" for name in TABLES} | {
        "orders.parquet",
        "order_days.parquet",
    } <= small.keys()


def test_a_piece_made_alone_is_the_same(store: Store) -> None:
    world = build_world(count_orders=10_000, seed=7, first_day=FIRST_DAY, days=DAYS)
    number = np.arange(4_000, 4_500)
    alone = piece_frames(world, draw_piece(world, number))
    wanted = pl.Series([f"o-{n + 1:06}" for n in number])
    for name, frame in alone.items():
        assert_frame_equal(frame, store[name].filter(pl.col("order_id").is_in(wanted.implode())))


def test_an_earlier_export_has_the_same_rows_if_they_were_known(store: Store) -> None:
    """The world is the same; the export is taken 231 days earlier."""
    world = replace(
        build_world(count_orders=10_000, seed=7, first_day=FIRST_DAY, days=DAYS), days=500
    )
    number = np.arange(4_000)
    # orders also depend on the days of the world, so they are drawn from the whole one
    piece = draw_piece(replace(world, days=DAYS), number)
    cut = END - timedelta(days=DAYS - 500)
    later = {f"o-{n + 1:06}" for n in number}
    for name, frame in piece_frames(world, piece).items():
        known = store[name].filter(pl.col("order_id").is_in(later) & (pl.col("known_at") < cut))
        assert_frame_equal(frame, known)
        assert 0 < frame.height, name


@pytest.mark.parametrize("name", TABLES)
def test_canonical_columns_unique_keys_and_allowed_values(store: Store, name: str) -> None:
    frame, table = store[name], TABLES[name]
    assert dict(frame.schema) == table.schema
    assert frame.select(table.key).is_unique().all()
    assert (frame.height > 0) == (name != "contacts")
    for column in table.columns:
        values = frame[column.name].drop_nulls()
        if column.is_required:
            assert len(values) == frame.height, column.name
        if column.choices:
            assert set(values) <= set(column.choices), column.name
        if column.minimum is not None:
            assert (values >= column.minimum).all(), column.name


def test_every_referenced_row_is_known_in_time(store: Store) -> None:
    placed = store["orders"].select("order_id", placed_at="known_at")
    for name, frame in store.items():
        if "order_id" in frame.columns:
            joined = frame.join(placed, on="order_id", how="left")
            assert joined.filter(pl.col("placed_at").is_null()).is_empty(), name
            assert (joined["placed_at"] <= joined["occurred_at"]).all(), name
    lines = store["order_lines"].join(
        store["products"].select("product_id", listed_at="known_at"), on="product_id"
    )
    assert lines.height == store["order_lines"].height
    assert (lines["listed_at"] <= lines["occurred_at"]).all()


def test_an_orders_total_is_its_lines_and_shipping(store: Store) -> None:
    items = pl.col("quantity") * pl.col("unit_price_usd")
    lines = (
        store["order_lines"]
        .group_by("order_id")
        .agg((items + pl.col("shipping_usd")).sum().alias("lines_usd"))
    )
    joined = store["orders"].join(lines, on="order_id", how="left")
    assert ((joined["total_usd"] - joined["lines_usd"]).abs() < 0.006).all()


def test_facts_are_known_before_the_end_and_not_before_they_happen(store: Store) -> None:
    for name, frame in store.items():
        assert frame.filter(pl.col("known_at") >= END).is_empty(), name
        assert frame.filter(pl.col("known_at") < pl.col("occurred_at")).is_empty(), name
    newest = max(frame["known_at"].max() for frame in store.values() if frame.height)
    assert newest > END - timedelta(hours=12)


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_rates_are_in_published_ranges(seed: int) -> None:
    """Ranges: platform-rules, base rates; widened for random variation in 20,000 orders."""
    store = simulate_store(count_orders=20_000, seed=seed, first_day=FIRST_DAY, days=DAYS)
    opened = store["disputes"].filter(pl.col("step") == "opened")
    assert 0.02 < opened.height / 20_000 < 0.05
    by_cause = dict(opened["cause"].value_counts().iter_rows())
    not_received = by_cause["not_received"] / (
        by_cause["not_received"] + by_cause["not_as_described"]
    )
    assert 0.30 < not_received < 0.55
    steps = dict(store["disputes"]["step"].value_counts().iter_rows())
    assert 0.14 < steps["withdrawn"] / opened.height < 0.26
    assert 0.14 < steps["escalated"] / opened.height < 0.26
    ruled = store["disputes"].filter(pl.col("step") == "ruled")
    assert 0.40 < (ruled["liable"] == "seller").mean() < 0.70  # type: ignore[operator]


def test_a_store_may_have_one_order_on_one_day() -> None:
    store = simulate_store(count_orders=1, seed=0, first_day=FIRST_DAY, days=1)
    assert store["orders"].height == 1
    assert set(store) == set(TABLES)


@pytest.mark.parametrize(("count_orders", "days"), [(0, 10), (10, 0)])
def test_no_orders_or_no_days_is_an_error(count_orders: int, days: int) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        simulate_store(count_orders=count_orders, seed=0, first_day=FIRST_DAY, days=days)
