"""A night says which settings are no longer those of the last one: config.toml may be damaged."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from pipeline.night.changed_settings import changed_settings, report_changed_settings
from pipeline.settings.config import load_config
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import NIGHT


def reported(folder: Path, as_of: date, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    report_changed_settings(Workspace(folder), load_config(folder), as_of)
    return " ".join("".join(capsys.readouterr()).split())


@pytest.mark.parametrize("as_of", [NIGHT, date(2025, 7, 11)])
def test_an_emptied_config_is_reported_on_that_night_and_the_next(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], as_of: date
) -> None:
    assert reported(finished, as_of, capsys) == ""
    (tmp_path / "runs").mkdir()
    shutil.copytree(finished / "runs", tmp_path / "runs", symlinks=True, dirs_exist_ok=True)
    text = reported(tmp_path, as_of, capsys)
    assert "settings differ from those of the night 2025-07-10: " in text
    assert "actions.least_worth_usd: 0.0 -> 0.25" in text
    assert "min_training_disputes: 5 -> 30" in text


def test_the_first_night_has_no_settings_to_compare_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reported(tmp_path, NIGHT, capsys) == ""


def test_only_settings_of_both_versions_are_compared_and_the_capacity_of_one_night_is_not() -> None:
    before = {"a": 1, "old": 1, "decide": {"capacity": 5, "b": [1]}}
    now = {"a": 2, "new": 1, "decide": {"capacity": 9, "b": [1, 2]}}
    assert changed_settings(before, now) == ["a: 1 -> 2", "decide.b: [1] -> [1, 2]"]
