"""What orders not yet shipped owe to waiting: the model on past nights of Olist, by how long an
order has waited.

`PYTHONPATH=. .venv/bin/python tests/bench/waiting.py WORKSPACE`, the workspace being an ingested
Olist; seven nights, walking forward (docs/model.md). Beside the model: one that was taught without
the features of `WAITING`, and single features. Delivered orders weigh 3.32; intervals hold 90 %,
orders being drawn anew. Orders without lines are told apart: their lines are missing because of how
they ended, which nobody knew on the night.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from features.build.registry import FEATURE_NAMES
from features.stage import STAGES
from features.tables import Tables
from models.comparison.paired_comparison import RESAMPLES, draw_weights, interval
from models.comparison.weighted_metrics import weighted_metrics
from pipeline.settings.config import load_config
from pipeline.training.walk_forward import past_nights, walk
from pipeline.workspace.workspace import Workspace

FIRST, LAST, EVERY, DELIVERED_WEIGHT = date(2017, 9, 1), date(2018, 2, 16), 28, 3.32
# all that grows with the days an order waits, or says how long is left
WAITING = (
    "order_age_days",
    "order_days_since_paid",
    "logistics_days_to_promise",
    "logistics_days_to_ship_by",
    "logistics_days_in_stage",
    "logistics_days_since_news",
    "logistics_silence_rank",
    "logistics_days_since_milestone",
    "logistics_scans_to_expected",
    "logistics_handling_to_usual",
    "logistics_lane_margin_days",
    "logistics_expected_days_left",
    "logistics_expected_late_days",
    "logistics_late_chance",
    "logistics_road_rank",
)
AGES = ("at most 1 day", "to 3", "to 7", "to 14", "more")
PAST = ("not past", "to 3 days past", "to 7", "to 14", "more")
EDGES = (1.0, 3.0, 7.0, 14.0)


def scored(place: Workspace) -> pl.DataFrame:
    """The labelled order-nights with `probability`, that `without` the waiting, and `weight`."""
    config, tables = load_config(place.folder), place.read_tables()
    nights, dataset, test = past_nights(tables, config, first=FIRST, last=LAST, every=EVERY)
    rows = walk(tables, config, dataset, test, nights)
    others = [name for name in FEATURE_NAMES if name not in WAITING]
    without = walk(tables, config, dataset, test, nights, others)["probability"]
    return rows.with_columns(without=without, weight=_weight(tables))


def _weight(tables: Tables) -> pl.Expr:
    delivered = tables["tracking"].filter(pl.col("status") == "Delivered")["order_id"].unique()
    return (
        pl.when(pl.col("order_id").is_in(delivered.implode())).then(DELIVERED_WEIGHT).otherwise(1.0)
    )


def auc(rows: pl.DataFrame, score: pl.Expr, *, is_weighted: bool = True) -> str:
    rows = rows.with_columns(score=score.cast(pl.Float64)).drop_nulls("score")
    rows = rows if is_weighted else rows.drop("weight")
    if rows["label"].n_unique() < 2:
        return "-"
    drawn = weighted_metrics(
        rows["label"].to_numpy(), rows["score"].to_numpy(), draw_weights(rows, 7, RESAMPLES)
    )
    low, high = interval(drawn["auc"][1:])
    return f"{drawn['auc'][0]:.3f} ({low:.3f} to {high:.3f})"


def tell(name: str, rows: pl.DataFrame) -> None:
    disputed = rows.filter(pl.col("label") == 1)
    model, age = pl.col("probability"), pl.col("order_age_days")
    columns = (
        f"{rows.height} rows of {rows['order_id'].n_unique()} orders, {disputed['order_id'].n_unique()} disputed",
        f"base rate {np.average(rows['label'], weights=rows['weight']):.3f}",
        f"AUC {auc(rows, model)}",
        f"unweighted {auc(rows, model, is_weighted=False)}",
        f"taught without waiting {auc(rows, pl.col('without'))}",
        f"age alone {auc(rows, age)}",
    )
    sys.stdout.write(f"{name}: {'; '.join(columns)}\n")


def tell_all(rows: pl.DataFrame) -> None:
    tell("all", rows)
    for stage in STAGES:
        tell(stage, rows.filter(pl.col("stage") == stage))
    early = rows.filter(pl.col("stage") == STAGES[0])
    tell("  delivered in the end", early.filter(pl.col("weight") != 1.0))
    tell("  never delivered", early.filter(pl.col("weight") == 1.0))
    past = -pl.col("logistics_days_to_ship_by")
    singles = {
        "days past ship-by (where paid)": past,
        "days past promise": -pl.col("logistics_days_to_promise"),
    }
    for name, single in singles.items():
        told = f"AUC {auc(early, single)}, unweighted {auc(early, single, is_weighted=False)}"
        sys.stdout.write(f"  {name} alone: {told}\n")
    for what, days, edges, names in (
        ("age", pl.col("order_age_days"), EDGES, AGES),
        ("ship-by", past, (0.0, *EDGES[1:]), PAST),
    ):
        place = early.select(days).to_series().to_numpy()
        for nth, name in enumerate(names):
            inside = np.searchsorted(edges, place, side="left") == nth
            tell(f"  {what} {name}", early.filter(pl.Series(inside & ~np.isnan(place))))
    tell("  ship-by unknown", early.filter(pl.col("logistics_days_to_ship_by").is_null()))


if __name__ == "__main__":
    tell_all(scored(Workspace(Path(sys.argv[1]))))
