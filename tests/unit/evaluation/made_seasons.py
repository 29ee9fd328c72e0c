"""Made-up seasons of one action, whose effect is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from features.tables import create_tables
from models.actions.action_stakes import DisputeCost
from pipeline.night.night_actions import NightActions, night_actions
from pipeline.settings.config import Config
from pipeline.workspace.workspace import Workspace
from tests.conftest import draw

NIGHT, AS_OF = date(2024, 7, 4), date(2024, 12, 1)
# a dispute of an order of 20 USD costs 12, whatever its cause
COST = DisputeCost(
    2.0, {"not_received": 0.5, "not_as_described": 0.5, "other": 0.5}, indicator_usd=0.0
)
STAKE, WORTH, MESSAGE = 3.0, 1.0, 0.02


def make_season(
    folder: Path, *, each: int, listed: int, held: int, cause: str = "not_received"
) -> Workspace:
    """`each` orders that were listed, and as many that were held out. Of 100 listed orders,
    `listed` were disputed, and `held` of 100 that were held out; 30 were expected of both."""
    orders = pl.DataFrame({"n": range(2 * each)}).with_columns(
        order_id=pl.format("o{}", "n"),
        buyer_id=pl.format("b{}", "n"),
        is_held=pl.col("n") >= each,
        place=pl.col("n") % each * 100 / each,
    )
    disputed = orders.filter(pl.col("place") < pl.when("is_held").then(held).otherwise(listed))[
        "order_id"
    ]
    write_tables(Workspace(folder), orders, disputed, cause)
    with Workspace(folder).new_run(NIGHT, "run") as run:
        assigned(orders).write_parquet(run / "assignments.parquet")
        candidates(orders).write_parquet(run / "action_candidates.parquet")
    return Workspace(folder)


def write_tables(
    workspace: Workspace, orders: pl.DataFrame, disputed: pl.Series, cause: str
) -> None:
    rows = "\n".join(f"{o} | {b}" for o, b in orders.select("order_id", "buyer_id").iter_rows())
    frames = {
        "orders": draw("orders", f"order_id | buyer_id\n{rows}", occurred_at="2024-06-20"),
        "disputes": draw(
            "disputes",
            "order_id | occurred_at\n" + "\n".join(f"{o} | 2024-08-20" for o in disputed),
            step="opened",
            cause=cause,
        ),
    }
    workspace.write_tables(create_tables(frames, zone="UTC"), {"input_sha256": {}})


def assigned(orders: pl.DataFrame) -> pl.DataFrame:
    held = pl.col("is_held")
    return orders.select(
        "order_id",
        "buyer_id",
        also_orders=pl.lit(""),
        as_of=pl.lit(NIGHT),
        arm=pl.when(held).then(pl.lit("held_out")).otherwise(pl.lit("listed")),
        action=pl.when(held).then(pl.lit("nothing")).otherwise(pl.lit("inform")),
        meant=pl.lit("inform"),
        stage=pl.lit("in_transit"),
        probability=pl.lit(0.2),
        end_probability=pl.lit(0.3),
        not_received_share=pl.lit(1.0),
        not_as_described_share=pl.lit(0.0),
        other_share=pl.lit(0.0),
        is_unanswered=pl.lit(False),
        is_past_promise=pl.lit(False),
        disputed_before=pl.lit(False),
        stake_usd=pl.lit(STAKE),
        cost_usd=pl.lit(MESSAGE),
    )


def candidates(orders: pl.DataFrame) -> pl.DataFrame:
    """Half are held out. A resend was possible on every second order, and could not be drawn."""
    both = orders.select("order_id", "buyer_id", "is_held", "n", as_of=pl.lit(NIGHT))

    def rows(action: str, value: float, propensity: float, is_taken: pl.Expr) -> pl.DataFrame:
        return both.with_columns(
            action=pl.lit(action),
            value_usd=pl.lit(value),
            propensity=pl.lit(propensity),
            is_taken=is_taken,
        )

    return pl.concat(
        [
            rows("inform", WORTH, 0.5, ~pl.col("is_held")),
            rows("nothing", 0.0, 0.5, pl.col("is_held")),
            rows("resend", 1.8, 0.0, pl.lit(False)).filter(pl.col("n") % 2 == 0),
        ]
    )


def known_of(workspace: Workspace) -> NightActions:
    files, config = workspace.table_files(), Config(decide={"learns": False})  # type: ignore[arg-type]
    return replace(night_actions(workspace, files, config, AS_OF), cost=COST)
