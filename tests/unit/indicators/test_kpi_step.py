"""The files of the indicators, and the notes about missing limits and unrecorded steps."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.tables import Tables
from pipeline.indicators.kpi import kpi
from pipeline.settings.config import load_config
from pipeline.settings.errors import Refused
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.spec.features.drawn_store import STORE

DAY = date(2024, 7, 1)


@pytest.fixture
def store(tmp_path: Path, make_tables: Callable[..., Tables]) -> Workspace:
    workspace = Workspace(tmp_path)
    products = STORE["products"].replace("shoe       | clothing", "shoe       | =1+1")
    workspace.write_tables(make_tables(**STORE | {"products": products}), {"input_sha256": {}})
    return workspace


def run(
    store: Workspace, by: tuple[str, ...] = (), window_days: int | None = None
) -> tuple[Path, pl.DataFrame]:
    folder = kpi(
        store, load_config(store.folder), Progress(), as_of=DAY, by=by, window_days=window_days
    )
    return folder, pl.read_csv(folder / "kpi.csv")


def test_the_files_have_the_rates_calculated_by_hand_and_hostile_names_as_text(
    store: Workspace,
) -> None:
    folder, rates = run(store, ("category",))
    first = rates.filter((pl.col("dimension") == "all") & (pl.col("withdrawals") == "netted")).row(
        0, named=True
    )
    assert (first["indicator"], first["numerator"], first["denominator"]) == (
        "dispute_rate",
        3.0,
        6.0,
    )
    assert "'=1+1" in rates["value"].to_list()
    with zipfile.ZipFile(folder / "kpi.xlsx") as parts:
        assert all(
            b"<f>" not in parts.read(name) for name in parts.namelist() if "worksheets" in name
        )
    assert (folder / "manifest.json").exists()


def test_another_window_can_be_chosen(store: Workspace) -> None:
    _, rates = run(store, window_days=3)  # 28 to 30 June: g was filed
    assert rates.row(0, named=True)["numerator"] == 1.0


def test_missing_limits_are_noted_and_the_sellers_own_are_used(
    store: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run(store)
    assert (
        "publishes no limit for dispute_rate, adjudication_filing_rate, seller_liability_rate"
        in _output(capsys)
    )
    (store.folder / "config.toml").write_text("[limits]\ndispute_rate = 0.4\nodr = 0.1\n")
    _, rates = run(store)
    output = _output(capsys)
    assert "publishes no limit for adjudication_filing_rate, seller_liability_rate" in output
    assert "names odr, which policy aliexpress-classic does not have" in output
    assert rates["is_over"].to_list()[:2] == [True, True]  # 4 and 3 of 6


def test_an_unrecorded_step_is_noted(
    tmp_path: Path, make_tables: Callable[..., Tables], capsys: pytest.CaptureFixture[str]
) -> None:
    store = Workspace(tmp_path / "bare")
    store.folder.mkdir()
    tables = make_tables(
        orders="order_id | occurred_at\na | 06-25", disputes="order_id | occurred_at\na | 06-28"
    )
    store.write_tables(tables, {"input_sha256": {}})
    run(store)
    output = _output(capsys)
    assert "adjudication_filing_rate: the data has no dispute step 'escalated'" in output
    assert "seller_liability_rate: the data has no dispute step 'ruled'" in output


def test_old_facts_are_refused(store: Workspace) -> None:
    with pytest.raises(Refused, match="newest fact"):
        kpi(store, load_config(store.folder), Progress(), as_of=date(2024, 9, 1), by=())


def _output(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())
