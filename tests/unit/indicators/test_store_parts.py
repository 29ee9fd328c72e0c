"""Rates and forecasts of a store that is read in parts are those of the whole store, to the bit."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.clock import day_number
from features.indicators.indicator_rules import policy_rates
from features.indicators.measured_rates import count_groups, measure_rates, rates_of
from features.indicators.order_groups import DIMENSIONS, add_up_groups
from features.tables import create_tables
from pipeline.indicators.kpi import BASES
from pipeline.indicators.kpi_forecast import forecast_indicator, forecast_tables
from pipeline.indicators.store_parts import store_parts
from pipeline.settings.config import Config
from pipeline.settings.policy_files import load_policy
from pipeline.simulation.world.simulated_store import simulate_store
from pipeline.workspace.stored_tables import NUMBER
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

NIGHT = date(2024, 10, 20)
DAY = day_number(NIGHT)
POLICY = load_policy("aliexpress-classic")
SIZES = pytest.mark.parametrize("orders_per_part", [10_000, 700, 211])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TableFiles:
    workspace = Workspace(tmp_path_factory.mktemp("parts"))
    frames = simulate_store(count_orders=2000, seed=5, first_day=date(2024, 1, 1), days=300)
    workspace.write_tables(create_tables(frames, zone="Asia/Shanghai"), {})
    return workspace.table_files()


@SIZES
def test_rates_of_parts(files: TableFiles, orders_per_part: int) -> None:
    rates = policy_rates(POLICY, DAY, bases=BASES)
    whole = measure_rates(files.read_all(), DAY, rates, dimensions=DIMENSIONS)
    assert whole["value"].n_unique() > 50
    counts = [
        count_groups(tables, DAY, rates, dimensions=DIMENSIONS)
        for tables in store_parts(files, orders_per_part).read()
    ]
    assert len(counts) == -(-2000 // orders_per_part)
    assert_frame_equal(rates_of(add_up_groups(counts, DIMENSIONS), rates), whole, check_exact=True)


@SIZES
def test_forecast_of_parts(files: TableFiles, orders_per_part: int) -> None:
    parts, assessed = store_parts(files, orders_per_part), NIGHT + timedelta(days=12)
    for indicator in POLICY.indicators:
        whole = forecast_indicator(files.read_all(), Config(), indicator, NIGHT, assessed)
        part = forecast_indicator(parts, Config(), indicator, NIGHT, assessed)
        assert whole is not None
        assert part is not None
        assert whole.count_nights == part.count_nights
        np.testing.assert_array_equal(part.numerators, whole.numerators)
        np.testing.assert_array_equal(part.denominators, whole.denominators)
        names = files.read_names(part.expected["order_id"])
        named = part.expected.rename({"order_id": NUMBER}).join(
            names, on=NUMBER, how="left", maintain_order="left"
        )
        assert_frame_equal(
            named.select("order_id", "lane", "chance"), whole.expected, check_exact=True
        )


def test_forecast_files_do_not_depend_on_parts(files: TableFiles) -> None:
    def tables_with(orders_per_part: int) -> tuple[pl.DataFrame, ...]:
        parts = store_parts(files, orders_per_part)
        return forecast_tables(files, parts, Config(), POLICY, NIGHT)

    for one, many in zip(tables_with(10_000), tables_with(300), strict=True):
        assert_frame_equal(one, many, check_exact=True)


def test_a_store_without_orders_has_no_forecast(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write_tables(create_tables({}, zone="UTC"), {})
    parts = store_parts(workspace.table_files(), 10)
    counts = [count_groups(t, DAY, policy_rates(POLICY, DAY)) for t in parts.read()]
    assert add_up_groups(counts, ())["value"].to_list() == ["all"]
    assert forecast_indicator(parts, Config(), POLICY.indicators[0], NIGHT, NIGHT) is None
