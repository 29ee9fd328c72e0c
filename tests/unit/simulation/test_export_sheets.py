"""A simulated store as order sheet and tracking answers: loading them gives the same store, except
for facts that these formats cannot contain."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from features.tables import Tables
from pipeline.load.ingest import ingest
from pipeline.settings.config import Config
from pipeline.settings.source_settings import SourceSettings
from pipeline.simulation.exports.export_sheets import SUBTAGS, write_exports
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

# docs/reference/simulated-exports.md lists what the exports leave out
SAME = {
    "orders": ["order_id", "buyer_id", "country", "lane", "occurred_at", "known_at"],
    "order_events": ["order_id", "event", "occurred_at"],
    "shipments": ["shipment_id", "order_id", "carrier", "occurred_at"],
    "order_lines": ["order_id", "product_id", "quantity"],
}


@pytest.fixture(scope="module")
def stores(simulated_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, Tables]:
    """The store loaded from its canonical files, and from its exports."""
    exports = tmp_path_factory.mktemp("exports")
    write_exports(simulated_raw, exports)
    config = Config(sources=SourceSettings(history="as_it_happened", tracking_delay_hours=0))
    loaded = []
    for source, raw in (("canonical", simulated_raw), ("aliexpress", exports)):
        workspace = Workspace(tmp_path_factory.mktemp(source))
        with workspace.locked():
            ingest(workspace, config, Progress(), source=source, raw=raw)
            assert not list(workspace.quarantine.glob("*.csv"))
            loaded.append(workspace.read_tables())
    return loaded[0], loaded[1]


@pytest.mark.parametrize("name", SAME)
def test_the_columns_of_a_sheet(name: str, stores: tuple[Tables, Tables]) -> None:
    columns = SAME[name]
    expected, exported = (tables[name].select(columns).sort(columns) for tables in stores)
    if name == "shipments":
        # a sheet names the carrier of each parcel, but has one hand-over time per order
        expected, exported = expected.drop("carrier"), exported.drop("carrier")
    assert exported.equals(expected)


def test_the_money(stores: tuple[Tables, Tables]) -> None:
    expected, exported = (tables["orders"].sort("order_id") for tables in stores)
    for column in ("total_usd", "shipping_usd"):
        assert (expected[column] - exported[column]).abs().max() == pytest.approx(0, abs=1e-5), (
            column
        )
    worth = (pl.col("quantity") * pl.col("unit_price_usd")).sum()
    goods = [
        tables["order_lines"].group_by("order_id").agg(worth=worth).sort("order_id")
        for tables in stores
    ]
    assert (goods[0]["worth"] - goods[1]["worth"]).abs().max() == pytest.approx(0, abs=1e-3)


def test_the_promise_to_send(stores: tuple[Tables, Tables]) -> None:
    expected, exported = (
        tables["promises"]
        .filter(kind="dispatch")
        .group_by("order_id")
        .agg(pl.col("promised_at").min())
        .sort("order_id")
        for tables in stores
    )
    # an unpaid order has no promise in a sheet
    assert exported.equals(expected.join(exported, on="order_id", how="semi").sort("order_id"))
    assert exported.height > 1000


def test_the_scans(stores: tuple[Tables, Tables]) -> None:
    """Except scans repeated at the same second, and sub-statuses that AfterShip does not have."""
    columns = ["order_id", "shipment_id", "status", "occurred_at"]
    subs = pl.when(pl.col("sub_status").is_in(list(SUBTAGS))).then("sub_status").alias("sub_status")
    expected, exported = (
        tables["tracking"].select(*columns, subs).unique().sort(*columns, "sub_status")
        for tables in stores
    )
    assert exported.equals(expected)
    tracking = stores[1]["tracking"]
    assert tracking["known_at"].to_list() == tracking["occurred_at"].to_list()
