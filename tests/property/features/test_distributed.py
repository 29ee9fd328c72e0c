"""Features built key by key equal those built at once; a hot key moves as daily sums."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.build.distributed import answer, ask, entity_facts_by_day, family_inputs_of
from features.build.registry import build_features, features_of
from features.spine import build_spine
from features.tables import TABLES, Tables, create_tables
from features.totals.order_facts import returning_facts
from tests.conftest import day
from tests.property.random_worlds import draw_worlds
from tests.property.worlds import as_tables, small_store

RANDOM = [day("2024-01-20"), day("2024-02-05"), day("2024-04-25")]
SIMULATED = [day("2025-03-01"), day("2025-04-15"), day("2025-05-20")]


def stores() -> dict[str, tuple[Tables, list[int]]]:
    return {
        "random worlds": (create_tables(draw_worlds(60, 5), zone="UTC"), RANDOM),
        "a simulated store": (as_tables(small_store()), SIMULATED),
        "partial outcomes": (as_tables(small_store(), has_partial_outcomes=True), SIMULATED),
    }


def parts_of(tables: Tables, frame: pl.DataFrame, count: int) -> list[tuple[Tables, pl.DataFrame]]:
    """The tables of each bucket of orders, and the rows of `frame` about them."""
    parts = []
    for bucket in range(count):
        is_here = pl.col("order_id").hash(1) % count == bucket
        frames = {name: tables[name].filter(is_here) for name in TABLES if name != "products"}
        frames["products"] = tables["products"].join(
            frames["order_lines"], on="product_id", how="semi"
        )
        part = create_tables(
            frames, zone=tables.zone, has_partial_outcomes=tables.has_partial_outcomes
        )
        parts.append((part, frame.filter(is_here)))
    return parts


@pytest.mark.parametrize("store", stores())
@pytest.mark.parametrize("count", [1, 7])
def test_features_by_bucket_equal_features_at_once(store: str, count: int) -> None:
    tables, nights = stores()[store]
    spine = build_spine(tables, nights)
    all_returning = returning_facts(tables["orders"])
    parts = [
        (part, rows, all_returning.join(part["orders"], on="order_id", how="semi"))
        for part, rows in parts_of(tables, spine, count)
    ]
    sums = pl.concat(entity_facts_by_day(part, returning) for part, _, returning in parts)
    requests = pl.concat(ask(part, rows) for part, rows, _ in parts).unique()
    is_here = [pl.struct("entity", "value").hash(2) % count == bucket for bucket in range(count)]
    answers = pl.concat(answer(requests.filter(here), sums.filter(here)) for here in is_here)
    built = [
        features_of(family_inputs_of(part, rows, returning, answers))
        for part, rows, returning in parts
        if rows.height
    ]
    together = build_features(tables, spine)
    assert together.height > 90
    assert_frame_equal(pl.concat(built).sort("order_id", "as_of_day"), together, check_exact=True)


def test_a_hot_key_moves_as_daily_sums() -> None:
    """However many orders a store has, it moves as one number per day and measure."""
    tables = as_tables(small_store())
    sums = entity_facts_by_day(tables, returning_facts(tables["orders"])).filter(
        pl.col("entity") == "store_id"
    )
    assert sums["value"].n_unique() == 1
    days = sums["known_day"].n_unique()
    days_per_measure = (
        sums.group_by("measure")
        .len()
        .filter(pl.col("measure") != "count_open")["len"]
        .to_numpy()
        .max()
    )
    assert 100 < days_per_measure <= days
    ordered = sums.filter(pl.col("measure") == "count_orders")
    assert ordered["amount"].sum() == tables["orders"].height > ordered.height
