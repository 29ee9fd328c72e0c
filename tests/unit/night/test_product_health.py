"""The monitor names suppliers and products that became worse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.tables import Tables
from pipeline.night import product_health
from pipeline.night.product_health import judge_products, judged_orders
from pipeline.product_review.products import products
from pipeline.settings.config import load_config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.conftest import day
from tests.spec.models.planted_products import plant_batches

WORSE = """
    product | supplier | from  | until | orders | disputed
    shirt   | =acme    | 01-01 | 07-31 | 700    | 14
    shirt   | =acme    | 08-01 | 10-01 | 300    | 40
    lamp    | bulbs    | 01-01 | 10-01 | 2000   | 40
"""


def store(folder: Path) -> Workspace:
    workspace = Workspace(folder / "store")
    workspace.write_tables(plant_batches(WORSE), {"input_sha256": {}})
    return workspace


def test_the_monitor_and_the_review_name_a_supplier_that_became_worse(tmp_path: Path) -> None:
    workspace = store(tmp_path)
    findings = judge_products(workspace.table_files(), day("10-01"), 365)
    assert [(f.level, f.propose) for f in findings] == [("act", "look at supplier =acme")]
    # before the disputes of the bad batches came
    assert judge_products(workspace.table_files(), day("08-15"), 365) == []

    (workspace.folder / "config.toml").write_text("[page]\ncharts = false\n")
    config = load_config(workspace.folder)
    folder = products(workspace, config, Progress(), as_of=date(2024, 10, 1))
    suppliers = pl.read_csv(folder / "suppliers.csv")
    acme = suppliers.filter(supplier_id="'=acme").row(0, named=True)
    assert acme["change"] == "act"
    assert acme["count_disputes_90d"] > acme["expected_90d"] * 1.5
    rows = {row["product_id"]: row for row in pl.read_csv(folder / "products.csv").to_dicts()}
    assert rows["shirt"]["trend"] == "rising"
    assert rows["shirt"]["verdict"] != "keep"
    assert rows["lamp"]["verdict"] == "keep"
    page = (folder / "products.html").read_text(encoding="utf-8")
    assert 'class="bad"' in page.split('id="groups"')[1]


def test_a_large_store_is_judged_on_a_sample_of_the_lookback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = store(tmp_path).table_files()
    # those of the last day are not known yet
    assert 2_980 < len(judged_orders(files, day("10-01"), 365)) < 3_000
    assert len(judged_orders(files, day("10-01"), 30)) == pytest.approx(2_650, abs=100)
    monkeypatch.setattr(product_health, "MOST_ORDERS", 1_500)
    assert 1_400 < len(judged_orders(files, day("10-01"), 365)) <= 1_500
    (finding,) = judge_products(files, day("10-01"), 365)
    assert finding.propose == "look at supplier =acme"


def test_without_disputes_or_orders_nothing_is_judged(
    tmp_path: Path, make_tables: Callable[..., Tables]
) -> None:
    drawings = {"nothing": "", "orders": "order_id | occurred_at\na | 05-01"}
    for name, orders in drawings.items():
        workspace = Workspace(tmp_path / name)
        tables = make_tables(**{"orders": orders} if orders else {})
        workspace.write_tables(tables, {"input_sha256": {}})
        assert judge_products(workspace.table_files(), day("09-01"), 365) == []
