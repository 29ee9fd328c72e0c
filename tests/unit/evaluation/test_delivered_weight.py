"""How many orders of the market a delivered order stands for, if only a sample of them is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipeline.evaluation.comparison_table import declared_weight, order_weights
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.canonical import _read_store
from pipeline.workspace.workspace import Workspace


def test_delivered_orders_count_as_often_as_they_were_sampled(make_tables: Callable) -> None:
    tables = make_tables(
        orders="order_id | occurred_at\na | 05-01\nb | 05-01",
        tracking="order_id | status | occurred_at\na | Delivered | 05-03\nb | InTransit | 05-03",
    )
    rows = pl.DataFrame({"order_id": ["b", "a", "a"]})
    assert order_weights(tables, rows, 3.32).to_list() == [1.0, 3.32, 3.32]


@pytest.mark.parametrize(
    ("declared", "configured", "expected"),
    [(None, None, 1.0), (3.32, None, 3.32), (3.32, 2.0, 2.0), (None, 2.0, 2.0)],
)
def test_the_weight_of_the_source_counts_unless_one_is_configured(
    tmp_path: Path,
    make_tables: Callable,
    declared: float | None,
    configured: float | None,
    expected: float,
) -> None:
    workspace = Workspace(tmp_path)
    tables = make_tables(orders="order_id | occurred_at\na | 05-01")
    with workspace.locked():
        workspace.write_tables(tables, {"delivered_weight": declared})
    assert declared_weight(workspace, Config(delivered_weight=configured)) == expected


def test_store_toml_declares_the_weight(tmp_path: Path) -> None:
    store = tmp_path / "store.toml"
    store.write_text('zone = "UTC"\n')
    assert _read_store(tmp_path)[2] is None
    store.write_text('zone = "UTC"\ndelivered_weight = 3\n')
    assert _read_store(tmp_path)[2] == 3.0


@pytest.mark.parametrize("value", ['"3"', "0", "-1", "true", "nan", "1e9"])
def test_a_weight_that_is_no_number_of_orders_is_refused(tmp_path: Path, value: str) -> None:
    (tmp_path / "store.toml").write_text(f'zone = "UTC"\ndelivered_weight = {value}\n')
    with pytest.raises(BadInput, match=r"delivered_weight is .*; write how many orders"):
        _read_store(tmp_path)
