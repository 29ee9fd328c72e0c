"""backtest: past nights scored walking forward, each by a model that knew only what was known and matured then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
from joblib import Parallel, delayed

from features.asof import newest_fact_day
from features.build.registry import FEATURE_NAMES
from features.clock import calendar_day, day_number, last_matured_day
from features.spine import build_spine
from features.stage import STAGES
from features.tables import Tables
from models.comparison.metrics import measure, measure_by
from models.learner.gbm import fit_model
from models.learner.training_rows import label_rows, learnable, train_model
from pipeline.engines.engine import build_features
from pipeline.evaluation.model_page import PAGE, model_page
from pipeline.registry.model_registry import log_backtest
from pipeline.settings.config import Config
from pipeline.settings.errors import Refused
from pipeline.training.train import training_dataset
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace, write_whole

RESULT = "backtest.csv"
CURVE_PARTS = 8
# the stages, and the first night of an order, when published models of complaints before dispatch are asked
SLICES = {stage: pl.col("stage") == stage for stage in STAGES} | {"first_night": pl.col("order_age_days") <= 1.0}
SUMMARY = ("rows", "base_rate", "auc", "average_precision", "precision_at_capacity", "expected_calibration_error")


def backtest(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date, every: int
) -> pl.DataFrame:
    """Write `model_page.html`, and write and return `backtest.csv`: metrics per night and pooled, overall and by stage;
    both are logged."""
    tables = workspace.read_tables()
    with progress.piece("features") as notes:
        nights, dataset, test = past_nights(tables, config, first=first, last=last, every=every)
        notes.append(f"{dataset.height:,} order-nights to learn from, {test.height:,} to be scored")
    with progress.piece("models") as notes:
        scored = walk(tables, config, dataset, test, nights)
        notes.append(f"{scored['as_of_day'].n_unique()} of {len(nights)} nights had enough to train on and to score")
    result = measure_by(scored, config.decide.capacity, SLICES).with_columns(
        night=pl.col("night").map_elements(
            lambda night: night if night == "pooled" else calendar_day(int(night)).isoformat(), return_dtype=pl.String
        )
    )
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=5))
    with progress.piece("page"):
        learnt, curve = learning_curve(tables, config, dataset, scored)
        of_nights = result.filter(pl.col("night") != "pooled", pl.col("stage") == "all")
        page = model_page(tables, config, scored, learnt, curve, of_nights)
        write_whole(workspace.folder / PAGE, page)
    log_backtest(workspace, result, [workspace.folder / RESULT, workspace.folder / PAGE], config.model_dump())
    return result


def learning_curve(
    tables: Tables, config: Config, dataset: pl.DataFrame, scored: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the last night's model learnt from, and how it does on that night with ever fewer of those orders."""
    night = int(scored["as_of_day"].max())  # type: ignore[arg-type]
    of_night = scored.filter(pl.col("as_of_day") == night)
    rows = learnable(label_rows(tables, dataset, config.label_window, night))
    part = rows["order_id"].hash(seed=config.seed) % CURVE_PARTS
    found = []
    for kept in (1, 2, 4, CURVE_PARTS):
        some = rows.filter(part < kept)
        if some["label"].n_unique() == 2 and of_night["label"].n_unique() == 2:
            model = fit_model(some, FEATURE_NAMES, config.recipe)
            told = measure(of_night.with_columns(probability=model.predict(of_night), is_listed=False))
            orders = some["order_id"].n_unique()
            found.append({"orders": orders, **{name: told[name] for name in ("average_precision", "log_loss")}})
    schema = {"orders": pl.Int64, "average_precision": pl.Float64, "log_loss": pl.Float64}
    return rows, pl.DataFrame(found, schema=schema)


def past_nights(
    tables: Tables, config: Config, *, first: date, last: date, every: int
) -> tuple[list[int], pl.DataFrame, pl.DataFrame]:
    """The matured nights of first..last, order-nights before them to learn from, and those to be scored."""
    nights = _matured_nights(tables, config, first, last, every)
    dataset = training_dataset(tables, config, matured_by(nights[-1], config))
    return nights, dataset, build_features(tables, build_spine(tables, nights, config.dispute_window), config)


def walk(
    tables: Tables,
    config: Config,
    dataset: pl.DataFrame,
    test: pl.DataFrame,
    nights: list[int],
    feature_names: list[str] = FEATURE_NAMES,
) -> pl.DataFrame:
    """The labelled rows of `test` with `probability`, each night by a model fitted on what of `dataset` had matured.

    Both hold `order_id, as_of_day, stage` and features. A night before which too few disputes had matured is left out.
    """
    test = learnable(label_rows(tables, test, config.label_window, newest_day(tables)))
    recipe = replace(config.recipe, threads=1)

    def one(night: int) -> pl.DataFrame | None:
        model, rows = train_model(tables, dataset, config.label_window, night, recipe, feature_names)
        disputed = rows.filter(pl.col("label") == 1)["order_id"].n_unique()
        of_night = test.filter(pl.col("as_of_day") == night)
        if model is None or disputed < config.min_training_disputes or of_night.is_empty():
            return None
        return of_night.with_columns(probability=pl.Series(model.predict(of_night)))

    # nights are shared out over the cores
    scored = Parallel(n_jobs=config.threads, prefer="threads")(delayed(one)(night) for night in nights)
    if not (found := [part for part in scored if part is not None]):
        raise Refused("no night had enough matured disputes to train on. Use later days.")
    return pl.concat(found)


def _matured_nights(tables: Tables, config: Config, first: date, last: date, every: int) -> list[int]:
    wanted = [day_number(first + timedelta(days=d)) for d in range(0, (last - first).days + 1, every)]
    matured = [night for night in wanted if night <= matured_by(newest_day(tables), config)]
    if not matured:
        raise Refused(
            f"no night from {first} to {last} has matured: the data ends on {calendar_day(newest_day(tables))} and a "
            f"label needs {config.horizon_days} + {config.reporting_delay_days} days. Use earlier days."
        )
    if len(matured) < len(wanted):
        warn(f"{len(wanted) - len(matured)} nights have not matured yet and are left out")
    return matured


def matured_by(day: int, config: Config) -> int:
    return last_matured_day(day, config.horizon_days, config.reporting_delay_days)


def newest_day(tables: Tables) -> int:
    """The first day of which nothing is known: the day after the newest fact."""
    newest = newest_fact_day(tables)
    return 0 if newest is None else newest + 1


def say_summary(result: pl.DataFrame) -> None:
    """The pooled rows, for people."""
    for row in result.filter(pl.col("night") == "pooled").iter_rows(named=True):
        say(f"{row['stage']:<16} " + ", ".join(f"{name} {_short(row[name])}" for name in SUMMARY))


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
