"""A workspace with a published night that is made at once, with as many listed orders as asked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from features.tables import TABLES, create_tables
from pipeline.workspace.workspace import Workspace, write_json

NIGHT = date(2025, 3, 20)
FILES = ("report.html", "contact_list.xlsx", "contact_list.csv", "README.txt")
COUNTRIES = (("DE", "EUR"), ("US", "USD"), ("RU", "RUB"), ("BR", "BRL"), ("XX", "USD"))


def listed_orders(count: int, action: str = "inform") -> pl.DataFrame:
    """A contact list with the columns that are sent. The buyers' countries take turns."""
    numbers = range(1, count + 1)
    return pl.DataFrame(
        {
            "rank": list(numbers),
            "order_id": [f"o-{n:04}" for n in numbers],
            "buyer_id": [f"b-{n:04}" for n in numbers],
            "also_orders": [""] * count,
            "stage": ["in_transit"] * count,
            "action": [action] * count,
            "contact_by": [NIGHT] * count,
            "why_action": ["Write where the order is <b>& @all: 1.31 USD net"] * count,
            "reason_1": ["no scan for 9 days (usually 2)"] * count,
            "reason_2": [None] * count,
            "reason_3": [None] * count,
            "probability": [0.2] * count,
            "stake_usd": [10.0] * count,
            "prevented_usd": [2.0] * count,
            "cost_usd": [0.1] * count,
            "expected_value_usd": [1.9] * count,
            "country": [COUNTRIES[n % len(COUNTRIES)][0] for n in numbers],
            "message_language": ["en"] * count,
            "draft_message": [f"Hello, your order o-{n:04} is on its way." for n in numbers],
        },
        schema_overrides={"reason_2": pl.String, "reason_3": pl.String},
    )


def make_night(folder: Path, count: int = 3, listed: pl.DataFrame | None = None) -> Workspace:
    """The workspace with tables and one published night."""
    workspace = Workspace(folder)
    listed = listed_orders(count) if listed is None else listed
    with workspace.locked():
        workspace.write_tables(_tables(listed), _facts(listed))
        publish_night(workspace, listed)
    return workspace


def publish_night(
    workspace: Workspace, listed: pl.DataFrame, run_id: str = "20250320T01-a", as_of: date = NIGHT
) -> None:
    """Publish a run of a night."""
    with workspace.new_run(as_of, run_id) as run:
        for name in FILES:
            (run / name).write_text(f"<p>{name}</p>")
        listed.write_parquet(run / "contact_list.parquet")
        listed.select("order_id", "stage", "probability").write_parquet(run / "scores.parquet")
        assigned = listed.select("order_id", "buyer_id").with_columns(arm=pl.lit("listed"))
        held_out = pl.DataFrame(
            {"order_id": ["o-9999"], "buyer_id": ["b-held"], "arm": ["held_out"]}
        )
        pl.concat([assigned, held_out]).write_parquet(run / "assignments.parquet")
        write_json(
            run / "manifest.json",
            {
                "run_id": run_id,
                "created_at": "2025-03-20T01:00:00+00:00",
                "banner": ["the newest fact is 3 days old"],
                "rows": {"scores": 100, "contact_list": listed.height},
                "clock": {"count_disputes": 4, "count_owing_an_answer": 1},
            },
        )


def _tables(listed: pl.DataFrame):
    placed = datetime(2025, 3, 1, tzinfo=UTC)
    currencies = dict(COUNTRIES)
    orders = listed.select(
        "order_id",
        "buyer_id",
        "country",
        currency=pl.col("country").replace_strict(currencies, default="USD"),
        occurred_at=pl.lit(placed),
        known_at=pl.lit(placed),
    )
    frames = {name: table.empty() for name, table in TABLES.items()}
    frames["orders"] = pl.concat([frames["orders"], _shaped(orders)], how="diagonal")
    return create_tables(frames, zone="Asia/Shanghai")


def _shaped(orders: pl.DataFrame) -> pl.DataFrame:
    schema = TABLES["orders"].schema
    return orders.cast({name: schema[name] for name in orders.columns})


def _facts(listed: pl.DataFrame) -> dict[str, object]:
    return {
        "source": "canonical",
        "input_sha256": {},
        "input_rows": {"orders.csv": listed.height},
        "quarantined_rows": {},
        "table_rows": {"orders": listed.height},
    }
