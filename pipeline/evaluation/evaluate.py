"""evaluate: the model of past nights beside rules of thumb and, in a simulated store, beside the
true risk itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from features.build.registry import FEATURE_NAMES
from features.stage import STAGES
from models.comparison.metrics import calibration_slope, expected_calibration_error
from models.comparison.paired_comparison import RESAMPLES, draw_weights, interval
from models.comparison.weighted_metrics import weighted_metrics
from models.learner.booster import fit_booster, predict_raw
from models.learner.matrix import to_matrix
from models.learner.training_rows import label_rows
from models.reasons.baseline import RULES, rule_scores
from pipeline.settings.config import Config
from pipeline.simulation.true_risk import has_truth, knowable, true_risk
from pipeline.training.walk_forward import past_nights, walk
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace, write_whole

RESULT = "evaluation.csv"
MODEL, CEILING, FORESIGHT = "probability", "true_risk", "true_risk_with_foresight"
KNOWABLE, VISIBLE = "knowable_risk", "visible_risk"
NAMES = {
    MODEL: "model",
    CEILING: "true risk (ceiling)",
    FORESIGHT: "true risk, future known",
    KNOWABLE: "knowable, tempers unseen",
    VISIBLE: "what the features tell of it",
}
# shares of what another scorer reaches: its name, the end of the columns' names, and what it is
# called
SHARES = (
    (CEILING, "share", "share of the attainable"),
    (KNOWABLE, "share_of_knowable", "of the knowable"),
    (VISIBLE, "share_of_visible", "of what the features tell"),
)
SHARED = ("auc", "average_precision")
CALIBRATION = ("calibration_error", "calibration_slope")
# the true risk of a row takes a millisecond; beyond this it is thinned
MAX_ROWS = 60_000
# the booster that learns the true risk itself: no noise of outcomes to be shy of
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
    """Write and return `evaluation.csv`: AUC and average precision of each scorer, overall and by
    stage.

    `auc_share` and `average_precision_share` are the parts of the attainable, null where no truth
    is known: (AUC - 0.5) / (ceiling's AUC - 0.5), and average precision / ceiling's average
    precision; `_low` and `_high` hold 90 %, orders being drawn anew. `auc_share_of_knowable` and
    `average_precision_share_of_knowable` are the same parts of `knowable_risk`: what one could know
    who sees all but the buyers' tempers. `log_loss`, `calibration_error` and `calibration_slope`
    are those of probabilities. If it is asked, `visible_risk` is what a model says that was taught
    the true risk of past order-nights instead of their outcomes: about what can be told from the
    features at all; then `auc_share_of_visible` and `average_precision_share_of_visible` are the
    same parts of that.
    """
    tables = workspace.read_tables()
    with progress.piece("features") as notes:
        nights, dataset, test = past_nights(tables, config, first=first, last=last, every=every)
        notes.append(f"{dataset.height:,} order-nights to learn from, {test.height:,} to be scored")
    with progress.piece("models") as notes:
        scored = _thin(walk(tables, config, dataset, test, nights))
        notes.append(
            f"{scored['as_of_day'].n_unique()} of {len(nights)} nights had enough to train on and to score"
        )
    scored = pl.concat([scored, rule_scores(scored)], how="horizontal")
    if has_truth(workspace):
        with progress.piece("truth") as notes:
            truth = true_risk(workspace, scored, config.horizon_days)
            scored = pl.concat([scored, truth], how="horizontal")
            notes.append(f"the true risk of {scored.height:,} order-nights")
        with progress.piece("knowable"):
            scored = scored.with_columns(knowable(workspace, scored, config.horizon_days))
        if is_visible_asked:
            with progress.piece("visible"):
                taught = _thin(label_rows(tables, dataset, config.label_window, nights[0]))
                scored = scored.with_columns(_visible_risk(workspace, config, taught, scored))
    scorers = [
        name
        for name in (CEILING, FORESIGHT, KNOWABLE, VISIBLE, MODEL, *RULES)
        if name in scored.columns
    ]
    result = pl.concat(
        _compare(scored.filter(is_inside), stage, scorers, config.seed)
        for stage, is_inside in _slices().items()
    )
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=5))
    return result


def _visible_risk(
    workspace: Workspace, config: Config, taught: pl.DataFrame, asked: pl.DataFrame
) -> pl.Series:
    """The true risk as far as the features tell it: what is hidden of buyers and products averages
    out."""
    risk = true_risk(workspace, taught, config.horizon_days)["true_risk"]
    recipe = replace(config.recipe, parameters=VISIBLE_PARAMETERS, rounds=VISIBLE_ROUNDS)
    booster = fit_booster(taught.with_columns(label=risk), FEATURE_NAMES, recipe)
    return pl.Series(
        VISIBLE, predict_raw(booster, to_matrix(asked, FEATURE_NAMES), threads=config.threads)
    )


def _slices() -> dict[str, pl.Expr]:
    return {"all": pl.lit(True)} | {stage: pl.col("stage") == stage for stage in STAGES}


def _thin(scored: pl.DataFrame) -> pl.DataFrame:
    """Every n-th row by night and order, so that all nights and stages stay in their
    proportions."""
    step = -(-scored.height // MAX_ROWS)
    return scored.sort("as_of_day", "order_id").gather_every(step)


def _compare(rows: pl.DataFrame, stage: str, scorers: list[str], seed: int) -> pl.DataFrame:
    """One row per scorer; nothing where only one outcome is there."""
    label = rows["label"].to_numpy()
    count = {
        "rows": rows.height,
        "count_disputes": int(label.sum()),
        "base_rate": rows["label"].mean(),
    }
    has_both = 0 < count["count_disputes"] < rows.height  # type: ignore[operator]
    drawn = {}
    if has_both:
        weights = draw_weights(rows, seed, RESAMPLES)
        # of each metric the value itself, then one for each draw of orders
        drawn = {name: weighted_metrics(label, rows[name].to_numpy(), weights) for name in scorers}
    found = []
    for name in scorers:
        told = rows[name].to_numpy()
        is_chance = has_both and name not in RULES
        calibration = {
            "calibration_error": expected_calibration_error(label, told) if is_chance else None,
            "calibration_slope": calibration_slope(label, told) if is_chance else None,
        }
        metrics = {metric: float(drawn[name][metric][0]) if has_both else None for metric in SHARED}
        metrics["log_loss"] = float(drawn[name]["log_loss"][0]) if is_chance else None
        found.append(
            {
                "stage": stage,
                "scorer": name,
                **count,
                **metrics,
                **calibration,
                **_shares(drawn, name),
            }
        )
    schema = {"stage": pl.String, "scorer": pl.String, "rows": pl.Int64, "count_disputes": pl.Int64}
    shares = [
        f"{metric}_{share}{end}"
        for of, share, _ in SHARES
        if of in scorers or of != VISIBLE
        for metric in SHARED
        for end in ("", "_low", "_high")
    ]
    numbers = {
        name: pl.Float64 for name in ("base_rate", *SHARED, "log_loss", *CALIBRATION, *shares)
    }
    return pl.DataFrame(found, schema={**schema, **numbers})


def _shares(drawn: dict[str, dict[str, np.ndarray]], name: str) -> dict[str, float]:
    """How much of what each scorer of `SHARES` reaches this one does, with the middle 90 % over the
    draws of orders."""
    found: dict[str, float] = {}
    for of, share, _ in SHARES:
        if of not in drawn:
            continue
        for metric, least in (("auc", 0.5), ("average_precision", 0.0)):
            part = (drawn[name][metric] - least) / (drawn[of][metric] - least)
            low, high = interval(part[1:])
            column = f"{metric}_{share}"
            found |= {column: float(part[0]), f"{column}_low": low, f"{column}_high": high}
    return found


def say_evaluation(result: pl.DataFrame) -> None:
    """A block a stage, for people."""
    for stage in result["stage"].unique(maintain_order=True):
        rows = result.filter(pl.col("stage") == stage)
        head = rows.row(0, named=True)
        rate = "-" if head["base_rate"] is None else f"{head['base_rate']:.3f}"
        say(
            f"{stage}: {head['rows']:,} order-nights, {head['count_disputes']:,} disputed, base rate {rate}"
        )
        for row in rows.iter_rows(named=True):
            if row["auc"] is None:
                continue
            share = ""
            for _, of, words in SHARES:
                if row.get(f"auc_{of}") is not None:
                    share += f"   {words}: AUC {row[f'auc_{of}']:.0%}, AP {row[f'average_precision_{of}']:.0%}"
            name = NAMES.get(row["scorer"], "rule: " + row["scorer"].replace("_", " "))
            if row["calibration_error"] is not None:
                share += f"   log loss {row['log_loss']:.5f}"
                share += f"   calibration error {row['calibration_error']:.4f}, slope {row['calibration_slope']:.2f}"
            say(f"  {name:<29} AUC {row['auc']:.3f}  AP {row['average_precision']:.3f}{share}")
