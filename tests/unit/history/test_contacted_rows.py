"""Training rows without the effect of messages, from the assignments that each run keeps."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl

from features.clock import day_number
from pipeline.history.assignments import left_alone
from pipeline.settings.config import Config
from pipeline.workspace.workspace import Workspace

NIGHT, AS_OF = date(2025, 3, 1), date(2025, 7, 10)
# listed with two more orders of the buyer, held out with one more, and on no list
ROWS = pl.DataFrame(
    {
        "order_id": ["a", "a2", "a3", "h", "h2", "free", "a"],
        "as_of_day": [day_number(NIGHT)] * 6 + [day_number(AS_OF)],
    },
    schema_overrides={"as_of_day": pl.Int32},
)


def files(*contact_days: date) -> Any:
    """A stand-in for the workspace's files: contacts known on these days."""
    days = pl.DataFrame(
        {"known_day": [day_number(day) for day in contact_days]}, schema={"known_day": pl.Int32}
    )
    return SimpleNamespace(read_contacts=lambda: days)


def write_night(folder: Path) -> Workspace:
    run = folder / "runs" / NIGHT.isoformat() / "latest"
    run.mkdir(parents=True)
    rest = {
        "stage": "in_transit",
        "likely_cause": "",
        "rank": 1,
        "probability": 0.1,
        "expected_value_usd": 1.0,
        "evidence_share": 0.0,
        "as_of": day_number(NIGHT),
    }
    pl.DataFrame(
        [
            {
                "order_id": "a",
                "buyer_id": "b1",
                "also_orders": "a2 a3",
                "arm": "listed",
                "propensity": 0.85,
                **rest,
            },
            {
                "order_id": "h",
                "buyer_id": "b2",
                "also_orders": "h2",
                "arm": "held_out",
                "propensity": 0.15,
                **rest,
            },
        ]
    ).write_parquet(run / "assignments.parquet")
    return Workspace(folder)


def test_listed_orders_are_left_out_or_replaced_by_held_out_orders(tmp_path: Path) -> None:
    workspace = write_night(tmp_path)
    kept = left_alone(workspace, files(NIGHT), ROWS, Config(), AS_OF)
    # the row of a later night stays: its features include the message
    assert kept.rows() == ROWS.filter(~pl.col("order_id").is_in(["a2", "a3"]))[1:].rows()
    kept = left_alone(workspace, files(NIGHT), ROWS, Config(contacted_rows="replaced"), AS_OF)
    # 1 / 0.15, rounded to whole rows
    assert dict(kept["order_id"].value_counts().iter_rows()) == {"h": 7, "h2": 7, "free": 1}
    assert left_alone(workspace, files(NIGHT), ROWS, Config(contacted_rows="kept"), AS_OF) is ROWS


def test_without_contacts_all_rows_stay(tmp_path: Path) -> None:
    assert left_alone(Workspace(tmp_path), files(NIGHT), ROWS, Config(), AS_OF) is ROWS
    workspace = write_night(tmp_path)
    assert left_alone(workspace, files(), ROWS, Config(), AS_OF) is ROWS
    # known only later
    assert left_alone(workspace, files(AS_OF), ROWS, Config(), AS_OF) is ROWS
