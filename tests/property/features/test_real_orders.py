"""The same guarantees on real orders, if the public data set is next to the checkout."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.build.registry import build_features
from features.clock import start_of_day
from features.spine import build_spine
from features.tables import TABLES, Tables, create_tables
from pipeline.sources.olist.olist_source import ZONE, read_olist
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from tests.conftest import day
from tests.property.worlds import disturb

RAW = Path(__file__).resolve().parents[4] / "shared" / "data" / "olist"
pytestmark = pytest.mark.skipif(
    not RAW.is_dir(), reason="the Olist files are missing: put them in ../shared/data/olist"
)


@pytest.fixture(scope="module")
def data() -> StoreData:
    return read_olist(SourceContext(RAW, {"BRL": 0.31}))


def tables_of(frames: dict[str, pl.DataFrame]) -> Tables:
    return create_tables(frames, zone=ZONE, has_partial_outcomes=True)


def test_every_row_is_a_fact_or_in_quarantine(data: StoreData) -> None:
    tables = tables_of(dict(data.frames))
    assert tables["orders"].height == 33_265
    assert tables["order_lines"].height == 37_317
    assert {
        file.name: file.quarantine().height for file in data.files if file.quarantine().height
    } == {"olist_order_reviews_dataset.csv": 1}
    assert tables["reviews"].height == 20_426 - 1
    for name, table in TABLES.items():
        assert tables[name].select(table.key).is_duplicated().sum() == 0, name


def test_the_future_changes_no_feature_of_real_orders(data: StoreData) -> None:
    night = day("2017-11-20")
    tables = tables_of(dict(data.frames))
    spine = build_spine(tables, [night])
    cutoff = pl.select(start_of_day(pl.lit(night, pl.Int32), ZONE)).item()
    frames = {name: tables[name].select(list(table.schema)) for name, table in TABLES.items()}
    other = tables_of(disturb(frames, cutoff, seed=1))
    assert spine.height > 1000
    assert_frame_equal(build_spine(other, [night]), spine)
    assert_frame_equal(
        build_features(other, spine), build_features(tables, spine), check_exact=True
    )
