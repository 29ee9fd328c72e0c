"""A buyer stays held out: the night's line says how many of the held-out buyers are new."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from pipeline.history.assignments import COLUMNS, FILE, held_out_before
from pipeline.workspace.workspace import Workspace


def publish(workspace: Workspace, night: str, arms: dict[str, str]) -> None:
    rows = [
        {**dict.fromkeys(COLUMNS, "x"), "buyer_id": buyer, "arm": arm}
        for buyer, arm in arms.items()
    ]
    with workspace.new_run(date.fromisoformat(night), "run") as folder:
        pl.DataFrame(rows).select(COLUMNS).write_parquet(folder / FILE)


def test_buyers_held_out_on_an_earlier_night_are_not_new(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    publish(workspace, "2026-01-01", {"a": "held_out", "b": "listed"})
    publish(workspace, "2026-01-02", {"a": "held_out", "c": "held_out"})
    publish(workspace, "2026-01-03", {"d": "held_out"})
    before = held_out_before(workspace, date(2026, 1, 3))
    assert sorted(before) == ["a", "c"]
    # the first night, and the night itself when it is repeated
    assert held_out_before(workspace, date(2026, 1, 1)).to_list() == []
