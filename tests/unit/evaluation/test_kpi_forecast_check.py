"""rules-check: which months are checked, what is written, and what is refused."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipeline.evaluation.kpi_forecast_check import rules_check
from pipeline.settings.config import load_config
from pipeline.settings.errors import Refused
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace


def test_each_assessed_month_is_checked(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store ends in the middle of July 2025: June is the last month with a 27th in the data."""
    table = rules_check(
        Workspace(workspace),
        load_config(workspace),
        Progress(),
        first=date(2025, 4, 15),
        last=date(2025, 12, 1),
    )
    assert table["as_of"].unique().sort().to_list() == [date(2025, 5, 1), date(2025, 6, 1)]
    assert table["indicator"].n_unique() == 3
    assert table["breach_probability"].is_between(0, 1).all()
    assert (table["low_80"] <= table["high_80"]).all()
    inside = (table["low_80"] <= table["came"]) & (table["came"] <= table["high_80"])
    assert table["is_inside"].to_list() == inside.to_list()
    assert pl.read_csv(workspace / "rules_check.csv").height == table.height
    assert "the 80 % interval held" in capsys.readouterr().out


def test_future_months_are_refused(workspace: Path) -> None:
    with pytest.raises(Refused, match="has been assessed"):
        rules_check(
            Workspace(workspace),
            load_config(workspace),
            Progress(),
            first=date(2030, 1, 1),
            last=date(2030, 3, 1),
        )


def test_it_needs_no_truth(workspace: Path) -> None:
    shutil.rmtree(workspace / "truth", ignore_errors=True)
    days = {"first": date(2025, 5, 1), "last": date(2025, 5, 1)}
    assert rules_check(Workspace(workspace), load_config(workspace), Progress(), **days).height == 3
