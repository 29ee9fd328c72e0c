"""evaluate: the model of past nights beside rules of thumb and, in a simulated store, beside the true risk itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
from sklearn.metrics import average_precision_score, roc_auc_score

from features.registry import FEATURE_NAMES
from features.stage import STAGES
from models.baseline import RULES, rule_scores
from models.gbm import fit_booster, predict_raw
from models.matrix import to_matrix
from models.metrics import calibration_slope, expected_calibration_error
from models.training import label_rows
from pipeline.backtest import past_nights, walk
from pipeline.config import Config
from pipeline.progress import Progress, say
from pipeline.store import Workspace, write_whole
from pipeline.true_risk import has_truth, true_risk

RESULT = "evaluation.csv"
MODEL, CEILING, FORESIGHT, VISIBLE = "probability", "true_risk", "true_risk_with_foresight", "visible_risk"
NAMES = {
    MODEL: "model",
    CEILING: "true risk (ceiling)",
    FORESIGHT: "true risk, future known",
    VISIBLE: "what the features tell of it",
}
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
    """Write and return `evaluation.csv`: AUC and average precision of each scorer, overall and by stage.

    `auc_share` and `average_precision_share` are the parts of the attainable, null where no truth is known:
    (AUC - 0.5) / (ceiling's AUC - 0.5), and average precision / ceiling's average precision. `calibration_error` and
    `calibration_slope` are those of probabilities. If it is asked, `visible_risk` is what a model says that was taught
    the true risk of past order-nights instead of their outcomes: about what can be told from the features at all; then
    `auc_share_of_visible` and `average_precision_share_of_visible` are the same parts of that.
    """
    tables = workspace.read_tables()
    with progress.piece("features") as notes:
        nights, dataset, test = past_nights(tables, config, first=first, last=last, every=every)
        notes.append(f"{dataset.height:,} order-nights to learn from, {test.height:,} to be scored")
    with progress.piece("models") as notes:
        scored = _thin(walk(tables, config, dataset, test, nights))
        notes.append(f"{scored['as_of_day'].n_unique()} of {len(nights)} nights had enough to train on and to score")
    scored = pl.concat([scored, rule_scores(scored)], how="horizontal")
    if has_truth(workspace):
        with progress.piece("truth") as notes:
            truth = true_risk(workspace, scored, config.horizon_days)
            scored = pl.concat([scored, truth], how="horizontal")
            notes.append(f"the true risk of {scored.height:,} order-nights")
        if is_visible_asked:
            with progress.piece("visible"):
                taught = _thin(label_rows(tables, dataset, config.label_window, nights[0]))
                scored = scored.with_columns(_visible_risk(workspace, config, taught, scored))
    scorers = [name for name in (CEILING, FORESIGHT, VISIBLE, MODEL, *RULES) if name in scored.columns]
    result = pl.concat(_compare(scored.filter(is_inside), stage, scorers) for stage, is_inside in _slices().items())
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=5))
    return result


def _visible_risk(workspace: Workspace, config: Config, taught: pl.DataFrame, asked: pl.DataFrame) -> pl.Series:
    """The true risk as far as the features tell it: what is hidden of buyers and products averages out."""
    risk = true_risk(workspace, taught, config.horizon_days)["true_risk"]
    recipe = replace(config.recipe, parameters=VISIBLE_PARAMETERS, rounds=VISIBLE_ROUNDS)
    booster = fit_booster(taught.with_columns(label=risk), FEATURE_NAMES, recipe)
    return pl.Series(VISIBLE, predict_raw(booster, to_matrix(asked, FEATURE_NAMES), threads=config.threads))


def _slices() -> dict[str, pl.Expr]:
    return {"all": pl.lit(True)} | {stage: pl.col("stage") == stage for stage in STAGES}


def _thin(scored: pl.DataFrame) -> pl.DataFrame:
    """Every n-th row by night and order, so that all nights and stages stay in their proportions."""
    step = -(-scored.height // MAX_ROWS)
    return scored.sort("as_of_day", "order_id").gather_every(step)


def _compare(rows: pl.DataFrame, stage: str, scorers: list[str]) -> pl.DataFrame:
    """One row per scorer; nothing where only one outcome is there."""
    label = rows["label"]
    count = {"rows": rows.height, "count_disputes": int(label.sum()), "base_rate": label.mean()}
    has_both = 0 < count["count_disputes"] < rows.height  # type: ignore[operator]
    found = []
    for name in scorers:
        auc = float(roc_auc_score(label, rows[name])) if has_both else None
        precision = float(average_precision_score(label, rows[name])) if has_both else None
        told = rows[name].to_numpy()
        is_chance = has_both and name not in RULES
        calibration = {
            "calibration_error": expected_calibration_error(label.to_numpy(), told) if is_chance else None,
            "calibration_slope": calibration_slope(label.to_numpy(), told) if is_chance else None,
        }
        found.append(
            {"stage": stage, "scorer": name, **count, "auc": auc, "average_precision": precision, **calibration}
        )
    schema = {"stage": pl.String, "scorer": pl.String, "rows": pl.Int64, "count_disputes": pl.Int64}
    numbers = {name: pl.Float64 for name in ("base_rate", "auc", "average_precision", *CALIBRATION)}
    table = pl.DataFrame(found, schema={**schema, **numbers})
    return table.with_columns(
        **_shares(table, CEILING, "share"),
        **(_shares(table, VISIBLE, "share_of_visible") if VISIBLE in scorers else {}),
    )


def _shares(table: pl.DataFrame, of: str, name: str) -> dict[str, pl.Expr]:
    """How much of what a scorer reaches the others do; null where there is no such scorer, or one outcome only."""
    best = {"auc": None, "average_precision": None}
    for row in table.filter(pl.col("scorer") == of).iter_rows(named=True):
        best = row
    return {
        f"auc_{name}": (pl.col("auc") - 0.5) / (pl.lit(best["auc"], pl.Float64) - 0.5),
        f"average_precision_{name}": pl.col("average_precision") / pl.lit(best["average_precision"], pl.Float64),
    }


def say_evaluation(result: pl.DataFrame) -> None:
    """A block a stage, for people."""
    for stage in result["stage"].unique(maintain_order=True):
        rows = result.filter(pl.col("stage") == stage)
        head = rows.row(0, named=True)
        rate = "-" if head["base_rate"] is None else f"{head['base_rate']:.3f}"
        say(f"{stage}: {head['rows']:,} order-nights, {head['count_disputes']:,} disputed, base rate {rate}")
        for row in rows.iter_rows(named=True):
            if row["auc"] is None:
                continue
            share = "" if row["auc_share"] is None else (
                f"   share of the attainable: AUC {row['auc_share']:.0%}, AP {row['average_precision_share']:.0%}"
            )  # fmt: skip
            if row.get("average_precision_share_of_visible") is not None:
                auc, precision = row["auc_share_of_visible"], row["average_precision_share_of_visible"]
                share += f"   of what the features tell: AUC {auc:.0%}, AP {precision:.0%}"
            name = NAMES.get(row["scorer"], "rule: " + row["scorer"].replace("_", " "))
            if row["calibration_error"] is not None:
                share += f"   calibration error {row['calibration_error']:.4f}, slope {row['calibration_slope']:.2f}"
            say(f"  {name:<29} AUC {row['auc']:.3f}  AP {row['average_precision']:.3f}{share}")
