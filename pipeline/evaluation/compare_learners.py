"""compare: the model, baselines and other learners on the same past nights, with their costs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date

import polars as pl

from features.build.registry import FEATURE_NAMES
from features.tables import Tables
from models.comparison.paired_comparison import RISK
from models.learner.booster import Later, bin_rows, predict_raw, score_later
from models.learner.calibration import KINDS, fit_calibration
from models.learner.censored import fit_delay_weighted, fit_hazard, follow
from models.learner.challengers import BASELINES, Budget, installed_challengers, missing_challengers
from models.learner.gbm import DisputeModel, finish_model
from models.learner.matrix import to_matrix
from models.learner.training_rows import label_rows, learnable
from models.reasons.baseline import rule_scores
from pipeline.evaluation.comparison_table import (
    Night,
    comparison_table,
    declared_weight,
    order_weights,
)
from pipeline.evaluation.resource_usage import ResourceUse, resource_table, watched
from pipeline.settings.config import Config
from pipeline.settings.errors import Refused
from pipeline.simulation.true_risk import has_truth, knowable, true_risk
from pipeline.training.walk_forward import newest_day, past_nights
from pipeline.workspace.progress import Progress, counted, warn
from pipeline.workspace.workspace import Workspace, write_whole

RESULT, CALIBRATIONS = "comparison.csv", "calibrations.csv"
MODEL, BASE_RATE = "model", "base_rate_by_stage"
BASELINE_RULES = ("past_promise", "stalled_scan")


def compare(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date, every: int
) -> pl.DataFrame:
    """Write `comparison.csv` and `calibrations.csv`, and return the first.

    `comparison.csv` has one row per slice, scorer and metric: the value, the gain over the model,
    intervals for both, and the number of nights on which the scorer was better. `calibrations.csv`
    has the same for the calibration methods. In a simulated store every scorer is also measured
    against the true risk (`RISK_METRICS`), and the knowable risk is one of the scorers.

    Raises `Refused` if no night had enough matured disputes to train on.
    """
    tables = workspace.open_tables()
    with progress.piece("features") as notes:
        nights, dataset, test = past_nights(tables, config, first=first, last=last, every=every)
        notes.append(f"{dataset.height:,} order-nights to train on, {test.height:,} to score")
    costs: dict[str, ResourceUse] = defaultdict(ResourceUse)
    weight = declared_weight(workspace, config)
    folds = _score_nights(tables, config, progress, nights, dataset, test, costs, weight)
    if not folds:
        raise Refused("no night had enough matured disputes to train on. Use later dates.")
    if has_truth(workspace):
        with progress.piece("truth") as notes:
            _add_true_risks(workspace, config, folds)
            notes.append(f"the true risk of {sum(f.rows.height for f in folds):,} order-nights")
    if missing := missing_challengers():
        warn(
            f"not installed and left out: {', '.join(missing)} "
            "(make compare CHALLENGERS=1 installs them; the wheel has the extra challengers)"
        )
    result = comparison_table(folds, lambda fold: fold.scores, MODEL, config).join(
        resource_table(costs), on="scorer", how="left"
    )
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=5))
    kinds = comparison_table(folds, lambda fold: fold.calibrations, config.calibration, config)
    write_whole(workspace.folder / CALIBRATIONS, kinds.write_csv(float_precision=5))
    return result


def _add_true_risks(workspace: Workspace, config: Config, folds: list[Night]) -> None:
    """Add `true_risk` to the rows of each night, and the knowable risk to its scorers."""
    rows = pl.concat(fold.rows.select("order_id", "as_of_day") for fold in folds)
    true = true_risk(workspace, rows, config.horizon_days)[RISK]
    known = knowable(workspace, rows, config.horizon_days)
    start = 0
    for fold in folds:
        end = start + fold.rows.height
        fold.rows = fold.rows.with_columns(true[start:end])
        fold.scores[known.name] = known[start:end].to_numpy()
        start = end


def _score_nights(
    tables: Tables,
    config: Config,
    progress: Progress,
    nights: list[int],
    dataset: pl.DataFrame,
    test: pl.DataFrame,
    costs: dict[str, ResourceUse],
    delivered_weight: float,
) -> list[Night]:
    """One fold per night that has labelled rows and enough matured disputes to train on."""
    test = learnable(label_rows(tables, test, config.label_window, newest_day(tables)))
    test = test.with_columns(order_weights(tables, test, delivered_weight))
    folds: list[Night] = []
    with counted("night", len(nights)) as night_done:
        for number, night in enumerate(nights, start=1):
            train = learnable(label_rows(tables, dataset, config.label_window, night)).sort(
                "as_of_day", "order_id"
            )
            rows = test.filter(pl.col("as_of_day") == night)
            disputed = train.filter(pl.col("label") == 1)["order_id"].n_unique()
            if rows.is_empty() or disputed < config.min_training_disputes:
                night_done()
                continue
            with progress.piece("fold") as notes:
                followed = None
                if not tables.has_partial_outcomes:
                    followed = follow(tables, dataset, config.label_window, night)
                folds.append(_score_night(train, rows, followed, config, costs))
                notes.append(
                    f"night {number} of {len(nights)}: trained on {train.height:,} order-nights"
                )
                night_done()
    return folds


def _score_night(
    train: pl.DataFrame,
    rows: pl.DataFrame,
    followed: pl.DataFrame | None,
    config: Config,
    costs: dict[str, ResourceUse],
) -> Night:
    """Fit every scorer on `train` and score `rows`; `costs` is added to.

    `followed`: order-nights up to the fold's night whose window may still be open, or None where
    the outcomes of a store are only partly known.
    """
    night, recipe = Night(rows), config.recipe
    with watched() as fitting:
        binned = bin_rows(train, FEATURE_NAMES, recipe.threads)
        later = score_later(train, binned, recipe)
        model = finish_model(train, binned, recipe, later)
    with watched() as scoring:
        night.scores[MODEL] = model.predict(rows)
    costs[MODEL].add(fitting, scoring, rows.height)
    model_seconds = fitting.seconds
    raw = predict_raw(model.booster, model.matrix(rows), threads=recipe.threads)
    if later:
        night.calibrations = {
            kind: fit_calibration(kind, later.raw, later.label, later.evidence).apply(raw)
            for kind in KINDS
        }
    if followed is not None:
        _add_censored(night, learnable(followed), model, later, config, costs)
    rates = dict(train.group_by("stage").agg(pl.col("label").mean()).iter_rows())
    night.scores[BASE_RATE] = (
        rows["stage"].replace_strict(rates, default=train["label"].mean()).to_numpy()
    )
    rules = rule_scores(rows, BASELINE_RULES)
    night.scores |= {name: rules[name].to_numpy() for name in BASELINE_RULES}
    _add_other_learners(night, train, Budget(recipe.seed, recipe.threads, model_seconds), costs)
    return night


def _add_other_learners(
    night: Night, train: pl.DataFrame, budget: Budget, costs: dict[str, ResourceUse]
) -> None:
    """The baselines, and the challengers that are installed, with the model's training time."""
    matrix, label = to_matrix(train, FEATURE_NAMES), train["label"].to_numpy()
    night_matrix = to_matrix(night.rows, FEATURE_NAMES)
    learners = BASELINES | installed_challengers()
    with counted("other learner", len(learners), is_even=False) as learner_done:
        for name, fit in learners.items():
            with watched() as fitting:
                scorer = fit(matrix, label, budget)
            with watched() as scoring:
                night.scores[name] = scorer(night_matrix)
            costs[name].add(fitting, scoring, night.rows.height)
            learner_done()


def _add_censored(
    night: Night,
    followed: pl.DataFrame,
    model: DisputeModel,
    later: Later | None,
    config: Config,
    costs: dict[str, ResourceUse],
) -> None:
    """Two learners that also use nights whose window is still open.

    They get as many boosting rounds as the model, and are not calibrated; so the model without its
    calibration is added too.
    """
    recipe = replace(config.recipe, rounds=later.rounds if later else config.recipe.rounds)
    matrix, names = model.matrix(night.rows), list(model.feature_names)
    night.scores["model_uncalibrated"] = predict_raw(model.booster, matrix, threads=recipe.threads)
    with watched() as fitting:
        hazard = fit_hazard(followed, names, recipe, config.horizon_days)
    with watched() as scoring:
        night.scores["daily_hazard"] = hazard.predict(matrix, recipe.threads)
    costs["daily_hazard"].add(fitting, scoring, night.rows.height)
    with watched() as fitting:
        booster = fit_delay_weighted(followed, names, recipe, config.horizon_days)
    with watched() as scoring:
        night.scores["delay_weights"] = predict_raw(booster, matrix, threads=recipe.threads)
    costs["delay_weights"].add(fitting, scoring, night.rows.height)
