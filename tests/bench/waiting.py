"""How much of the model's ranking of unshipped orders comes from waiting time, on Olist.

`PYTHONPATH=. .venv/bin/python tests/bench/waiting.py WORKSPACE`, where the workspace has Olist
ingested. Seven nights are scored walking forward (docs/explanation/model.md), by how long an order
has waited. The model is compared with one trained without the features of `WAITING`, and with
single features. Delivered orders have weight 3.32; intervals are 90 %, whole orders are resampled.
Orders without lines are reported separately: their lines are missing because of how they ended,
which was not known on the night.
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
# features that grow while an order waits, or that measure the time left
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


def scored(workspace: Workspace) -> pl.DataFrame:
    """The labelled order-nights with `probability`, `without` (the same without the features of
    `WAITING`) and `weight`."""
    config, tables = load_config(workspace.folder), workspace.read_tables()
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


def say_measures(name: str, rows: pl.DataFrame) -> None:
    disputed = rows.filter(pl.col("label") == 1)
    model, age = pl.col("probability"), pl.col("order_age_days")
    columns = (
        f"{rows.height} rows of {rows['order_id'].n_unique()} orders, "
        f"{disputed['order_id'].n_unique()} disputed",
        f"base rate {np.average(rows['label'], weights=rows['weight']):.3f}",
        f"AUC {auc(rows, model)}",
        f"unweighted {auc(rows, model, is_weighted=False)}",
        f"trained without waiting {auc(rows, pl.col('without'))}",
        f"age alone {auc(rows, age)}",
    )
    sys.stdout.write(f"{name}: {'; '.join(columns)}\n")


def say_all(rows: pl.DataFrame) -> None:
    say_measures("all", rows)
    for stage in STAGES:
        say_measures(stage, rows.filter(pl.col("stage") == stage))
    early = rows.filter(pl.col("stage") == STAGES[0])
    say_measures("  delivered in the end", early.filter(pl.col("weight") != 1.0))
    say_measures("  never delivered", early.filter(pl.col("weight") == 1.0))
    past = -pl.col("logistics_days_to_ship_by")
    singles = {
        "days past ship-by (where paid)": past,
        "days past promise": -pl.col("logistics_days_to_promise"),
    }
    for name, single in singles.items():
        measures = f"AUC {auc(early, single)}, unweighted {auc(early, single, is_weighted=False)}"
        sys.stdout.write(f"  {name} alone: {measures}\n")
    for kind, days, edges, names in (
        ("age", pl.col("order_age_days"), EDGES, AGES),
        ("ship-by", past, (0.0, *EDGES[1:]), PAST),
    ):
        waited = early.select(days).to_series().to_numpy()
        for nth, name in enumerate(names):
            inside = np.searchsorted(edges, waited, side="left") == nth
            say_measures(f"  {kind} {name}", early.filter(pl.Series(inside & ~np.isnan(waited))))
    say_measures("  ship-by unknown", early.filter(pl.col("logistics_days_to_ship_by").is_null()))


if __name__ == "__main__":
    say_all(scored(Workspace(Path(sys.argv[1]))))
