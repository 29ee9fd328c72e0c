"""evaluate: the model on past nights, compared with rules of thumb and, in a simulated store, with
the true risk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from features.build.registry import FEATURE_NAMES
from features.labels import is_measurable
from features.stage import STAGES
from models.comparison.metrics import calibration_slope, expected_calibration_error
from models.comparison.paired_comparison import (
    RESAMPLES,
    RISK_METRICS,
    draw_weights,
    drawn_metrics,
    interval,
)
from models.learner.booster import fit_booster, predict_raw
from models.learner.matrix import to_matrix
from models.learner.training_rows import label_rows
from models.reasons.baseline import RULES, rule_scores
from pipeline.evaluation.backtest import TOO_FEW
from pipeline.settings.config import Config
from pipeline.simulation.true_risk import has_truth, knowable, true_risk
from pipeline.training.walk_forward import past_nights, walk
from pipeline.workspace.progress import Progress, counted, say
from pipeline.workspace.workspace import Workspace, write_whole

RESULT = "evaluation.csv"
MODEL, CEILING, FORESIGHT = "probability", "true_risk", "true_risk_with_foresight"
KNOWABLE, VISIBLE = "knowable_risk", "visible_risk"
NAMES = {
    MODEL: "model",
    CEILING: "true risk (ceiling)",
    FORESIGHT: "true risk, future known",
    KNOWABLE: "knowable, tempers hidden",
    VISIBLE: "visible in the features",
}
# scorers that others are compared with: the scorer, the end of the column names, and the words on
# the terminal
SHARES = (
    (CEILING, "share", "share of the ceiling"),
    (KNOWABLE, "share_of_knowable", "of the knowable risk"),
    (VISIBLE, "share_of_visible", "of the risk visible in the features"),
)
SHARED = ("auc", "average_precision")
# the same by the true risk, and what a metric is without any skill
SHARED_TRUE = ("true_auc", "true_average_precision")
LEAST = {"auc": 0.5, "true_auc": 0.5, "average_precision": 0.0, "true_average_precision": 0.0}
CALIBRATION = ("calibration_error", "calibration_slope")
# the true risk takes a millisecond per row; above this number rows are thinned
MAX_ROWS = 60_000
# the booster that learns the true risk itself: there is no noise of outcomes to guard against
VISIBLE_PARAMETERS = {"objective": "cross_entropy", "num_leaves": 31, "learning_rate": 0.05}
VISIBLE_ROUNDS = 500


def evaluate(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    first: date,
    last: date,
    every: int,
    is_visible_asked: bool = False,
) -> pl.DataFrame:
    """Write and return `evaluation.csv`: one row per stage (and `all`) and scorer.

    `auc` and `average_precision` measure each scorer; `log_loss`, `calibration_error` and
    `calibration_slope` only those that are probabilities.

    `auc_share` and `average_precision_share` compare a scorer with the true risk (the ceiling):
    (AUC - 0.5) / (ceiling's AUC - 0.5), and average precision / ceiling's average precision. They
    are null in a store without a truth, as are `RISK_METRICS` and their shares: the same measures
    by the true risk instead of outcomes. `_low` and `_high` are 90 % intervals; whole orders are
    resampled. The columns that end in `share_of_knowable` compare with `knowable_risk`: what
    someone could know who sees everything but the buyers' tempers. With `is_visible_asked`, the
    columns that end in `share_of_visible` compare with `visible_risk`: the prediction of a model
    trained on the true risk of past order-nights instead of their outcomes, which is about all the
    risk that the features can show.
    """
    tables = workspace.open_tables()
    with progress.piece("features") as notes:
        nights, dataset, test = past_nights(tables, config, first=first, last=last, every=every)
        notes.append(f"{dataset.height:,} order-nights to train on, {test.height:,} to score")
    with progress.piece("models") as notes:
        scored = _thin(walk(tables, config, dataset, test, nights))
        notes.append(f"{scored['as_of_day'].n_unique()} of {len(nights)} nights had enough data")
    scored = pl.concat([scored, rule_scores(scored)], how="horizontal")
    if has_truth(workspace):
        scored = _add_true_risks(workspace, config, progress, scored)
        if is_visible_asked:
            with progress.piece("visible"):
                train = _thin(label_rows(tables, dataset, config.label_window, nights[0]))
                scored = scored.with_columns(_visible_risk(workspace, config, train, scored))
    scorers = [
        name
        for name in (CEILING, FORESIGHT, KNOWABLE, VISIBLE, MODEL, *RULES)
        if name in scored.columns
    ]
    slices, tables_by_stage = _slices(), []
    with counted("stage", len(slices), is_even=False) as stage_done:
        for stage, is_inside in slices.items():
            tables_by_stage.append(_compare(scored.filter(is_inside), stage, scorers, config.seed))
            stage_done()
    result = pl.concat(tables_by_stage)
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=5))
    return result


def _add_true_risks(
    workspace: Workspace, config: Config, progress: Progress, scored: pl.DataFrame
) -> pl.DataFrame:
    with progress.piece("truth") as notes:
        truth = true_risk(workspace, scored, config.horizon_days)
        scored = pl.concat([scored, truth], how="horizontal")
        notes.append(f"the true risk of {scored.height:,} order-nights")
    with progress.piece("knowable"):
        return scored.with_columns(knowable(workspace, scored, config.horizon_days))


def _visible_risk(
    workspace: Workspace, config: Config, train: pl.DataFrame, scored: pl.DataFrame
) -> pl.Series:
    """The true risk as far as the features show it.

    The hidden traits of buyers and products average out.
    """
    risk = true_risk(workspace, train, config.horizon_days)["true_risk"]
    recipe = replace(config.recipe, parameters=VISIBLE_PARAMETERS, rounds=VISIBLE_ROUNDS)
    booster = fit_booster(train.with_columns(label=risk), FEATURE_NAMES, recipe)
    return pl.Series(
        VISIBLE, predict_raw(booster, to_matrix(scored, FEATURE_NAMES), threads=recipe.threads)
    )


def _slices() -> dict[str, pl.Expr]:
    return {"all": pl.lit(True)} | {stage: pl.col("stage") == stage for stage in STAGES}


def _thin(scored: pl.DataFrame) -> pl.DataFrame:
    """Every n-th row by night and order, so that nights and stages keep their proportions."""
    step = -(-scored.height // MAX_ROWS)
    return scored.sort("as_of_day", "order_id").gather_every(step)


def _compare(rows: pl.DataFrame, stage: str, scorers: list[str], seed: int) -> pl.DataFrame:
    """One row per scorer; metrics are null for rows that are not measurable."""
    label = rows["label"].to_numpy()
    count_disputes = int(label.sum())
    counts: dict[str, Any] = {
        "rows": rows.height,
        "count_disputes": count_disputes,
        "base_rate": rows["label"].mean() if is_measurable(rows) else None,
    }
    has_both = is_measurable(rows)
    drawn: dict[str, dict[str, np.ndarray]] = {}
    if has_both:
        weights = draw_weights(rows, seed, RESAMPLES)
        # of each metric the value itself, then one value per resample of the orders
        risk = rows[CEILING].to_numpy() if CEILING in scorers else None
        drawn = {n: drawn_metrics(label, rows[n].to_numpy(), weights, risk) for n in scorers}
    lines = []
    for name in scorers:
        score = rows[name].to_numpy()
        is_chance = has_both and name not in RULES
        metrics = {metric: float(drawn[name][metric][0]) if has_both else None for metric in SHARED}
        lines.append(
            {"stage": stage, "scorer": name}
            | counts
            | metrics
            | _by_true_risk(drawn.get(name, {}), is_chance)
            | {
                "log_loss": float(drawn[name]["log_loss"][0]) if is_chance else None,
                "calibration_error": expected_calibration_error(label, score)
                if is_chance
                else None,
                "calibration_slope": calibration_slope(label, score) if is_chance else None,
            }
            | _shares(drawn, name)
        )
    return pl.DataFrame(lines, schema=_schema(scorers))


def _by_true_risk(drawn: dict[str, np.ndarray], is_chance: bool) -> dict[str, float | None]:
    """`RISK_METRICS`; None without a truth, and for the log loss of a rule."""
    names = RISK_METRICS if is_chance else SHARED_TRUE
    return dict.fromkeys(RISK_METRICS) | {n: float(drawn[n][0]) for n in names if n in drawn}


def _schema(scorers: list[str]) -> dict[str, type[pl.DataType]]:
    keys = {"stage": pl.String, "scorer": pl.String, "rows": pl.Int64, "count_disputes": pl.Int64}
    shares = [
        f"{metric}_{share}{end}"
        for reference, share, _ in SHARES
        if reference in scorers or reference != VISIBLE
        for metric in (*SHARED, *(SHARED_TRUE if CEILING in scorers else ()))
        for end in ("", "_low", "_high")
    ]
    numbers = ("base_rate", *SHARED, *RISK_METRICS, "log_loss", *CALIBRATION, *shares)
    return {**keys, **dict.fromkeys(numbers, pl.Float64)}


def _shares(drawn: dict[str, dict[str, np.ndarray]], name: str) -> dict[str, float]:
    """The scorer's metrics as shares of those of each scorer in `SHARES`, with 90 % intervals."""
    columns: dict[str, float] = {}
    for reference, share, _ in SHARES:
        if reference not in drawn:
            continue
        for metric, least in LEAST.items():
            if metric not in drawn[name]:
                continue
            part = (drawn[name][metric] - least) / (drawn[reference][metric] - least)
            low, high = interval(part[1:])
            column = f"{metric}_{share}"
            columns |= {column: float(part[0]), f"{column}_low": low, f"{column}_high": high}
    return columns


def say_evaluation(result: pl.DataFrame) -> None:
    """Print one block per stage."""
    for stage in result["stage"].unique(maintain_order=True):
        rows = result.filter(pl.col("stage") == stage)
        head = rows.row(0, named=True)
        rate = TOO_FEW if head["base_rate"] is None else f"base rate {head['base_rate']:.3f}"
        say(f"{stage}: {head['rows']:,} order-nights, {head['count_disputes']:,} disputed, {rate}")
        for row in rows.iter_rows(named=True):
            if row["auc"] is not None:
                say(_line(row))


def _line(row: dict[str, Any]) -> str:
    """One scorer: its metrics, its shares and, for a probability, how well calibrated it is."""
    name = NAMES.get(row["scorer"], "rule: " + row["scorer"].replace("_", " "))
    text = f"  {name:<29} AUC {row['auc']:.3f}  AP {row['average_precision']:.3f}"
    for _, share, words in SHARES:
        if row.get(f"auc_{share}") is not None:
            part_of_precision = row[f"average_precision_{share}"]
            text += f"   {words}: AUC {row[f'auc_{share}']:.0%}, AP {part_of_precision:.0%}"
    if row["excess_log_loss"] is not None:
        text += f"   log loss above the truth's {row['excess_log_loss']:.5f}"
    if row["calibration_error"] is not None:
        text += f"   log loss {row['log_loss']:.5f}"
        text += f"   calibration error {row['calibration_error']:.4f}"
        text += f", slope {row['calibration_slope']:.2f}"
    return text
