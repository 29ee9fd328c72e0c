"""The simulated store keeps the canonical form, the platform's windows and plausible rates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.tables import TABLES
from pipeline.sources.simulator import simulate_store

FIRST_DAY, DAYS = date(2025, 6, 1), 365
END = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def store() -> dict[str, pl.DataFrame]:
    return simulate_store(count_orders=5000, seed=7, first_day=FIRST_DAY, days=DAYS)


@pytest.fixture(scope="module")
def timeline(store: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per order: when it was placed, handed over, promised, delivered and disputed, where known."""
    delivered = store["tracking"].filter(pl.col("status") == "Delivered")
    promised = store["promises"].filter(pl.col("kind") == "delivery")
    opened = store["disputes"].filter(pl.col("step") == "opened")
    rows = store["orders"].select("order_id", placed_at="occurred_at")
    for facts in (
        promised.select("order_id", "promised_at"),
        store["shipments"].select("order_id", handed_over_at="occurred_at"),
        delivered.select("order_id", delivered_at="occurred_at"),
        opened.select("order_id", "cause", opened_at="occurred_at"),
    ):
        rows = rows.join(facts, on="order_id", how="left", validate="1:1")
    return rows


def test_same_arguments_same_frames_other_seed_others() -> None:
    first, again, other = (
        simulate_store(count_orders=300, seed=seed, first_day=FIRST_DAY, days=DAYS) for seed in (1, 1, 2)
    )
    for name in TABLES:
        assert_frame_equal(first[name], again[name])
    assert not first["orders"].equals(other["orders"])


@pytest.mark.parametrize("name", TABLES)
def test_canonical_columns_unique_keys_and_allowed_values(store: dict[str, pl.DataFrame], name: str) -> None:
    frame, table = store[name], TABLES[name]
    assert dict(frame.schema) == table.schema
    assert frame.select(table.key).is_unique().all()
    for column in table.columns:
        values = frame[column.name].drop_nulls()
        if column.is_required:
            assert len(values) == frame.height, column.name
        if column.choices:
            assert set(values) <= set(column.choices)
        if column.minimum is not None:
            assert (values >= column.minimum).all(), column.name


def test_every_reference_is_known_in_time(store: dict[str, pl.DataFrame]) -> None:
    placed = store["orders"].select("order_id", placed_at="known_at")
    for name, frame in store.items():
        if "order_id" in frame.columns:
            joined = frame.join(placed, on="order_id", how="left")
            assert (joined["placed_at"] <= joined["occurred_at"]).all(), name
    lines = store["order_lines"].join(store["products"].select("product_id", listed_at="known_at"), on="product_id")
    assert lines.height == store["order_lines"].height
    assert (lines["listed_at"] <= lines["occurred_at"]).all()


def test_an_orders_total_is_its_lines_and_shipping(store: dict[str, pl.DataFrame]) -> None:
    items = pl.col("quantity") * pl.col("unit_price_usd")
    lines = store["order_lines"].group_by("order_id").agg((items + pl.col("shipping_usd")).sum().alias("lines_usd"))
    joined = store["orders"].join(lines, on="order_id", how="left")
    assert ((joined["total_usd"] - joined["lines_usd"]).abs() < 0.006).all()


def test_nothing_is_known_on_or_after_the_end_and_nothing_before_it_happened(store: dict[str, pl.DataFrame]) -> None:
    for name, frame in store.items():
        assert frame.filter(pl.col("known_at") >= END).is_empty(), name
        assert frame.filter(pl.col("known_at") < pl.col("occurred_at")).is_empty(), name


def test_some_scans_become_known_late_and_nothing_else_does(store: dict[str, pl.DataFrame]) -> None:
    def share_late(name: str) -> float:
        is_late = store[name]["known_at"] - store[name]["occurred_at"] > timedelta(hours=1)
        return float(is_late.sum()) / max(len(is_late), 1)

    assert 0.07 < share_late("tracking") < 0.13
    assert all(share_late(name) == 0.0 for name in TABLES if name != "tracking")


def test_no_scan_before_hand_over(store: dict[str, pl.DataFrame]) -> None:
    handed_over = store["shipments"].select("shipment_id", handed_over_at="occurred_at")
    scans = store["tracking"].join(handed_over, on="shipment_id", how="left")
    assert (scans["occurred_at"] >= scans["handed_over_at"]).all()


def test_disputes_open_only_while_the_buyer_may(timeline: pl.DataFrame) -> None:
    disputed = timeline.filter(pl.col("opened_at").is_not_null())
    assert (disputed["opened_at"] - disputed["handed_over_at"] >= timedelta(days=10)).all()
    given_up = pl.col("promised_at") + timedelta(days=60)
    # delivered after the end of the promise, or after the dispute: the promise counts
    came_first = pl.col("delivered_at") <= pl.col("opened_at")
    last = pl.when(came_first).then(pl.col("delivered_at") + timedelta(days=15)).otherwise(given_up)
    assert disputed.filter(pl.col("opened_at") > last).is_empty()
    not_received = disputed.filter(pl.col("cause") == "not_received")
    assert not_received.filter(pl.col("delivered_at") <= pl.col("opened_at")).is_empty()
    not_as_described = disputed.filter(pl.col("cause") == "not_as_described")
    assert (not_as_described["delivered_at"] <= not_as_described["opened_at"]).all()


def test_an_order_is_closed_once_and_not_before_its_dispute(
    store: dict[str, pl.DataFrame], timeline: pl.DataFrame
) -> None:
    closed = store["order_events"].filter(pl.col("event") == "closed").select("order_id", closed_at="occurred_at")
    joined = timeline.join(closed, on="order_id", how="left", validate="1:1")
    assert joined.filter(pl.col("closed_at") < pl.col("opened_at")).is_empty()
    youngest = joined.filter(pl.col("placed_at") > END - timedelta(days=5))
    assert youngest["closed_at"].null_count() == youngest.height > 0


def test_escalation_keeps_to_the_platforms_days(store: dict[str, pl.DataFrame]) -> None:
    """Filing is day 1: the buyer escalates on days 4-15, and on day 16 it happens by itself; a ruling follows."""
    at = {
        step: store["disputes"].filter(pl.col("step") == step).select("dispute_id", pl.col("occurred_at").alias(step))
        for step in ("opened", "escalated", "ruled")
    }
    steps = at["escalated"].join(at["opened"], on="dispute_id").join(at["ruled"], on="dispute_id", how="left")
    day = (steps["escalated"].dt.date() - steps["opened"].dt.date()).dt.total_days() + 1
    assert day.is_between(4, 16).all()
    assert (day == 16).any()
    assert (steps["ruled"].drop_nulls() > steps.drop_nulls("ruled")["escalated"]).all()


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_rates_are_plausible(seed: int) -> None:
    store = simulate_store(count_orders=5000, seed=seed, first_day=FIRST_DAY, days=DAYS)
    opened = store["disputes"].filter(pl.col("step") == "opened")
    assert 0.03 < opened.height / 5000 < 0.07
    by_cause = dict(opened["cause"].value_counts().iter_rows())
    received_share = by_cause["not_received"] / (by_cause["not_received"] + by_cause["not_as_described"])
    assert 0.30 < received_share < 0.60
    steps = dict(store["disputes"]["step"].value_counts().iter_rows())
    assert 0.12 < steps["withdrawn"] / opened.height < 0.28
    assert 0.12 < steps["escalated"] / opened.height < 0.28


def test_late_orders_are_disputed_more_yet_most_are_not(timeline: pl.DataFrame) -> None:
    """One feature alone must not decide: lateness raises the chance several times and still leaves it below half."""
    due = timeline.filter(pl.col("promised_at") < END - timedelta(days=60))
    is_late = pl.col("delivered_at").is_null() | (pl.col("delivered_at") > pl.col("promised_at"))
    is_disputed = pl.col("cause") == "not_received"
    share = dict(due.group_by(is_late.alias("is_late")).agg(is_disputed.fill_null(False).mean()).iter_rows())
    assert 3 * share[False] < share[True] < 0.5


def test_one_order_on_one_day_is_a_store_too() -> None:
    store = simulate_store(count_orders=1, seed=0, first_day=FIRST_DAY, days=1)
    assert store["orders"].height == 1
    assert set(store) == set(TABLES)


@pytest.mark.parametrize(("count_orders", "days"), [(0, 10), (10, 0)])
def test_nothing_to_simulate_is_an_error(count_orders: int, days: int) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        simulate_store(count_orders=count_orders, seed=0, first_day=FIRST_DAY, days=days)
