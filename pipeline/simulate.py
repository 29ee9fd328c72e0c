"""simulate: raw files of a small made-up store, in the format a seller could write by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from features.tables import TABLES
from pipeline.config import Config
from pipeline.progress import Progress
from pipeline.sources.simulator import simulate_store
from pipeline.store import Workspace

ZONE = "Asia/Shanghai"


def simulate(workspace: Workspace, config: Config, progress: Progress, *, orders: int, first: date, days: int) -> Path:
    """Write `raw/` in the workspace: one CSV per canonical table and `store.toml`."""
    raw = workspace.folder / "raw"
    with progress.piece("simulate") as notes:
        frames = simulate_store(count_orders=orders, seed=config.seed, first_day=first, days=days)
        with workspace.replaced(raw) as aside:
            for name in TABLES:
                _write_csv(frames[name], aside / f"{name}.csv")
            (aside / "store.toml").write_text(f'name = "simulated store"\nzone = "{ZONE}"\n', encoding="utf-8")
        notes.append(f"{frames['orders'].height:,} orders: {raw}")
    return raw


def _write_csv(frame: pl.DataFrame, path: Path) -> None:
    frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")
