"""The indicators as files: what is written, what is said of limits nobody told and steps nobody
recorded."""

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
from tests.spec.features.test_indicators import STORE

DAY = date(2024, 7, 1)


@pytest.fixture
def place(tmp_path: Path, make_tables: Callable[..., Tables]) -> Workspace:
    workspace = Workspace(tmp_path)
    products = STORE["products"].replace("shoe       | clothing", "shoe       | =1+1")
    workspace.write_tables(make_tables(**STORE | {"products": products}), {"input_sha256": {}})
    return workspace


def run(
    place: Workspace, by: tuple[str, ...] = (), window_days: int | None = None
) -> tuple[Path, pl.DataFrame]:
    folder = kpi(
        place, load_config(place.folder), Progress(), as_of=DAY, by=by, window_days=window_days
    )
    return folder, pl.read_csv(folder / "kpi.csv")


def test_the_files_hold_what_was_worked_by_hand_and_hostile_names_as_text(place: Workspace) -> None:
    folder, told = run(place, ("category",))
    first = told.filter((pl.col("dimension") == "all") & (pl.col("withdrawals") == "netted")).row(
        0, named=True
    )
    assert (first["indicator"], first["numerator"], first["denominator"]) == (
        "dispute_rate",
        3.0,
        6.0,
    )
    assert "'=1+1" in told["value"].to_list()
    with zipfile.ZipFile(folder / "kpi.xlsx") as parts:
        assert all(
            b"<f>" not in parts.read(name) for name in parts.namelist() if "worksheets" in name
        )
    assert (folder / "manifest.json").exists()


def test_another_window_may_be_asked_for(place: Workspace) -> None:
    _, told = run(place, window_days=3)  # 28 to 30 June: g was filed
    assert told.row(0, named=True)["numerator"] == 1.0


def test_limits_nobody_publishes_are_asked_for_and_the_sellers_own_are_used(
    place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run(place)
    assert (
        "publishes no limit for dispute_rate, adjudication_filing_rate, seller_liability_rate"
        in _said(capsys)
    )
    (place.folder / "config.toml").write_text("[limits]\ndispute_rate = 0.4\nodr = 0.1\n")
    _, told = run(place)
    said = _said(capsys)
    assert "publishes no limit for adjudication_filing_rate, seller_liability_rate" in said
    assert "names odr, which policy aliexpress-classic does not have" in said
    assert told["is_over"].to_list()[:2] == [True, True]  # 4 and 3 of 6


def test_a_step_that_nobody_recorded_is_said(
    tmp_path: Path, make_tables: Callable[..., Tables], capsys: pytest.CaptureFixture[str]
) -> None:
    place = Workspace(tmp_path / "bare")
    place.folder.mkdir()
    tables = make_tables(
        orders="order_id | occurred_at\na | 06-25", disputes="order_id | occurred_at\na | 06-28"
    )
    place.write_tables(tables, {"input_sha256": {}})
    run(place)
    said = _said(capsys)
    assert "adjudication_filing_rate: no dispute step 'escalated' is on record" in said
    assert "seller_liability_rate: no dispute step 'ruled' is on record" in said


def test_old_facts_are_refused(place: Workspace) -> None:
    with pytest.raises(Refused, match="newest fact"):
        kpi(place, load_config(place.folder), Progress(), as_of=date(2024, 9, 1), by=())


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())
