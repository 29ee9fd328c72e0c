"""backtest: score past nights, each with a model trained on what had matured by that night."""

from __future__ import annotations

from datetime import date

import polars as pl

from features.build.registry import FEATURE_NAMES
from features.clock import calendar_day
from features.labels import LEAST_DISPUTED, is_measurable
from features.stage import STAGES
from features.tables import Tables
from models.comparison.metrics import measure, measure_by
from models.learner.gbm import DisputeModel, fit_model
from models.learner.training_rows import label_rows, learnable
from pipeline.evaluation.judged_facts import judged_facts
from pipeline.evaluation.model_page import PAGE, JudgedNights, LastModel, model_page
from pipeline.registry.logged_runs import log_backtest
from pipeline.settings.action_files import message_costs
from pipeline.settings.config import Config
from pipeline.training.walk_forward import past_nights, walk
from pipeline.workspace.progress import Progress, counted, say
from pipeline.workspace.workspace import Workspace, write_whole

RESULT = "backtest.csv"
TOO_FEW = f"not measured: fewer than {LEAST_DISPUTED} disputed orders"
CURVE_PARTS = 8
# the stages, and the first night of an order: published models of complaints before dispatch
# score orders at that moment
SLICES = {stage: pl.col("stage") == stage for stage in STAGES} | {
    "first_night": pl.col("order_age_days") <= 1.0
}
SUMMARY = (
    "rows",
    "base_rate",
    "auc",
    "average_precision",
    "precision_at_capacity",
    "expected_calibration_error",
)


def backtest(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date, every: int
) -> pl.DataFrame:
    """Write `model_page.html` and `backtest.csv`, log both in MLflow, and return the table.

    The table has the metrics of each night and of all nights pooled, overall and by stage.
    """
    tables = workspace.open_tables()
    with progress.piece("features") as notes:
        nights, dataset, test = past_nights(tables, config, first=first, last=last, every=every)
        notes.append(f"{dataset.height:,} order-nights to train on, {test.height:,} to score")
    with progress.piece("models") as notes:
        scored = walk(tables, config, dataset, test, nights)
        notes.append(f"{scored['as_of_day'].n_unique()} of {len(nights)} nights had enough data")
    result = measure_by(scored, config.decide.capacity, SLICES).with_columns(
        night=pl.col("night").map_elements(
            lambda night: night if night == "pooled" else calendar_day(int(night)).isoformat(),
            return_dtype=pl.String,
        )
    )
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=5))
    with progress.piece("page"):
        judged = JudgedNights(
            tables,
            config,
            scored,
            result.filter(pl.col("night") != "pooled", pl.col("stage") == "all"),
            last_model(tables, config, dataset, scored),
            message_costs(workspace.folder, config),
            judged_facts(workspace, config),
        )
        write_whole(workspace.folder / PAGE, model_page(judged))
    log_backtest(
        workspace,
        result,
        [workspace.folder / RESULT, workspace.folder / PAGE],
        config.settings_of_results(),
    )
    return result


def last_model(
    tables: Tables, config: Config, dataset: pl.DataFrame, scored: pl.DataFrame
) -> LastModel:
    """The model of the last night, and the quality of models with fewer of its training orders.

    The curve has one row per share of the orders: 1/8, 1/4, 1/2 and all. Every model is measured on
    the last night; no row if too few of its orders were disputed.
    """
    night = int(scored["as_of_day"].max())  # type: ignore[arg-type]
    last_night = scored.filter(pl.col("as_of_day") == night)
    rows = learnable(label_rows(tables, dataset, config.label_window, night))
    part = rows["order_id"].hash(seed=config.seed) % CURVE_PARTS
    model = fit_model(rows, FEATURE_NAMES, config.recipe)
    points = []
    shares = (1, 2, 4, CURVE_PARTS) if is_measurable(last_night) else ()
    with counted("model", len(shares), is_even=False) as model_done:
        for count_parts in shares:
            subset, own = rows.filter(part < count_parts), model
            if subset["label"].n_unique() == 2:
                if count_parts < CURVE_PARTS:
                    own = fit_model(subset, FEATURE_NAMES, config.recipe)
                points.append(
                    {"orders": subset["order_id"].n_unique(), **_quality(own, last_night)}
                )
            model_done()
    schema = {"orders": pl.Int64, "average_precision": pl.Float64, "log_loss": pl.Float64}
    return LastModel(model, rows, pl.DataFrame(points, schema=schema))


def _quality(model: DisputeModel, night: pl.DataFrame) -> dict[str, float | int | None]:
    metrics = measure(night.with_columns(probability=model.predict(night), is_listed=False))
    return {name: metrics[name] for name in ("average_precision", "log_loss")}


def say_summary(result: pl.DataFrame) -> None:
    """Print the pooled metrics, one line per stage."""
    for row in result.filter(pl.col("night") == "pooled").iter_rows(named=True):
        if row["auc"] is None:
            disputes = row["count_disputes"]
            say(f"{row['stage']:<16} rows {row['rows']:,}, {disputes} disputed; {TOO_FEW}")
            continue
        say(f"{row['stage']:<16} " + ", ".join(f"{name} {_short(row[name])}" for name in SUMMARY))


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
