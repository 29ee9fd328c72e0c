"""The model's health, as shown by a night and by make monitor."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from features.clock import day_number
from models.monitoring.matured_outcomes import judge_outcomes
from models.monitoring.sequential_monitoring import Finding
from pipeline.night import nightly as step
from pipeline.night.monitor import monitor
from pipeline.night.night_health import limits_of, oldest_judged, verdict_of
from pipeline.settings.check_settings import Monitor
from pipeline.settings.config import Config, load_config
from pipeline.settings.errors import NotPromoted
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace, read_json, write_json
from tests.unit.nights import AS_OF, NIGHT, latest


def test_without_data_the_verdict_is_unknown() -> None:
    findings, table = judge_outcomes(
        pl.DataFrame(), limits_of(Config()), Config().label_window, day_number(NIGHT)
    )
    health = verdict_of(findings, table, is_known=False)
    assert (findings, health.verdict) == ([], "unknown")
    assert "no past night has final outcomes yet" in health.sentence()


def test_the_worst_finding_is_the_verdict_and_its_reason() -> None:
    findings = [
        Finding("watch", "a", "little\nthing", "wait"),
        Finding("act", "b", "big thing", "retrain"),
    ]
    health = verdict_of(findings, pl.DataFrame(), is_known=True)
    assert health.sentence() == "The model's health: act - big thing; proposed: retrain"
    assert "\n" not in health.findings[1].says


def test_a_night_has_its_verdict_and_the_means_for_later_nights(finished: Path) -> None:
    run = latest(finished)
    in_manifest = read_json(run / "manifest.json")["health"]
    in_file = read_json(run / "health.json")
    assert in_manifest["verdict"] in ("fine", "watch", "act", "unknown")
    assert in_manifest["findings"] == in_file["findings"]
    assert len(in_file["features"]) > 50
    assert 'id="h-health"' in (run / "report.html").read_text(encoding="utf-8")


def test_make_monitor_gives_the_same_on_its_own(workspace: Path) -> None:
    folder = monitor(Workspace(workspace), load_config(workspace), Progress(), as_of=NIGHT)
    assert json.loads((folder / "manifest.json").read_text())["health"]["verdict"] in (
        "fine",
        "watch",
        "act",
        "unknown",
    )
    assert (folder / "health.txt").read_text().startswith("The model's health: ")
    assert latest(workspace).name in str((workspace / "runs" / AS_OF / "latest").resolve())


def test_automatic_retraining_passes_the_gate_and_never_fails_the_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    training_days: list[object] = []

    def refuse(*_: object, **__: object) -> None:
        raise NotPromoted("the champion stays.")

    def learn(*_: object, as_of: date) -> None:
        training_days.append(as_of)

    monkeypatch.setattr(step, "train", learn)
    monkeypatch.setattr(step, "promote", refuse)
    retrain: Callable = step._retrain
    for propose, expected in (
        ("look at lane x", []),
        ("retrain", [oldest_judged(Config(), NIGHT)]),
    ):
        findings = [{"level": "act", "propose": propose}]
        write_json(tmp_path / "manifest.json", {"health": {"findings": findings}})
        retrain(
            Workspace(tmp_path),
            Config(monitor=Monitor(retrain="auto")),
            Progress(),
            NIGHT,
            tmp_path,
        )
        assert training_days == expected
    assert "did not promote a model: the champion stays." in capsys.readouterr().out
    # a week's pause between challengers
    for days, count in ((6, 1), (7, 2)):
        last = SimpleNamespace(
            trained_as_of=(oldest_judged(Config(), NIGHT) - timedelta(days=days)).isoformat()
        )
        monkeypatch.setattr(step, "find_model", lambda *_, model=last: model)
        retrain(
            Workspace(tmp_path),
            Config(monitor=Monitor(retrain="auto")),
            Progress(),
            NIGHT,
            tmp_path,
        )
        assert len(training_days) == count
