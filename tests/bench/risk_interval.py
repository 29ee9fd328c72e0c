"""How often the share of disputes in a group of similar orders lies in the interval of their risks.

Each night of a simulated store is scored by a model trained on what had matured by then. The
order-nights are cut into parts by time, and each part into groups by risk, or by stage. The share
of a group is the mean of the true chances, so it has no noise of outcomes; it keeps the chance of
who is in the group, which is larger in small groups. The outcomes themselves are counted as well.

PYTHONPATH=. python tests/bench/risk_interval.py WORKSPACE FIRST LAST EVERY [KIND ...]

KIND: a way to calibrate; without it, only `none`.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import polars as pl

# parts by time and groups by risk in each of them
SIZES = ((1, 10), (3, 5), (3, 10), (6, 10), (12, 10))


def main() -> None:
    from dataclasses import replace

    from features.build.registry import FEATURE_NAMES
    from models.learner.training_rows import label_rows, learnable, train_model
    from pipeline.settings.config import load_config
    from pipeline.simulation.true_risk import true_risk
    from pipeline.training.walk_forward import newest_day, past_nights
    from pipeline.workspace.workspace import Workspace

    workspace = Workspace(Path(sys.argv[1]))
    config = load_config(workspace.folder)
    tables = workspace.read_tables()
    first, last = (date.fromisoformat(text) for text in sys.argv[2:4])
    nights, dataset, test = past_nights(
        tables, config, first=first, last=last, every=int(sys.argv[4])
    )
    test = learnable(label_rows(tables, test, config.label_window, newest_day(tables)))
    truth = true_risk(workspace, test.select("order_id", "as_of_day"), config.horizon_days)
    test = test.with_columns(truth["true_risk"])
    for kind in sys.argv[5:] or ["none"]:
        recipe = replace(config.recipe, threads=1, calibration=kind)
        parts, shifts = [], []
        for night in nights:
            model, _ = train_model(
                tables, dataset, config.label_window, night, recipe, FEATURE_NAMES
            )
            rows = test.filter(pl.col("as_of_day") == night)
            if model is None or model.interval is None or rows.is_empty():
                continue
            shifts.append(model.interval.shift)
            known = rows.select("order_id", "as_of_day", "stage", "label", "true_risk")
            parts.append(pl.concat([known, model.predict_with_bounds(rows)], how="horizontal"))
        print_coverage(kind, pl.concat(parts), shifts)


def print_coverage(kind: str, scored: pl.DataFrame, shifts: list[float]) -> None:
    on_bound = (pl.col("probability") <= pl.col("probability_low")) | (
        pl.col("probability") >= pl.col("probability_high")
    )
    times = pl.Series(shifts).exp()
    lines = [
        f"{kind}: {len(shifts)} nights, {scored.height} rows, "
        f"{scored.filter(label=1)['order_id'].n_unique()} disputed orders",
        f"odds times {times.median():.2f} ({times.min():.2f} to {times.max():.2f}); "
        f"on a bound {scored.select(on_bound.mean()).item():.3f}",
    ]
    for parts, groups in SIZES:
        time = (pl.col("as_of_day").rank("ordinal") - 1) * parts // pl.len()
        timed = scored.sort("as_of_day", "order_id").with_columns(time=time)
        rank = (pl.col("probability").rank("ordinal").over("time") - 1) * groups
        by_risk = timed.with_columns(group=(rank // pl.len().over("time")).cast(pl.String))
        lines.append(f"{parts} x {groups} by risk: {inside(by_risk)}")
        by_stage = timed.with_columns(group=pl.col("stage"))
        lines.append(f"{parts} parts by stage: {inside(by_stage)}")
    lines.append(
        f"single orders: {inside(scored.with_columns(time=pl.lit(0), group=pl.col('order_id')))}"
    )
    sys.stdout.write("\n".join(lines) + "\n")


def inside(grouped: pl.DataFrame) -> str:
    """The share of the groups inside the interval, by their true chances and by their outcomes."""
    of_group = grouped.group_by("time", "group").agg(
        pl.col("true_risk", "label", "probability_low", "probability_high").mean(), count=pl.len()
    )
    bounds = ("probability_low", "probability_high")
    shares = [
        of_group.select(pl.col(n).is_between(*bounds).mean()).item() for n in ("true_risk", "label")
    ]
    return (
        f"{of_group.height} groups of {of_group['count'].median():.0f} rows, "
        f"truth inside {shares[0]:.3f}, outcomes inside {shares[1]:.3f}"
    )


if __name__ == "__main__":
    main()
