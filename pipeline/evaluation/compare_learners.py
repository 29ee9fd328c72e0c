"""compare: the model of past nights beside baselines and other learners, paired, with what each
takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl

from features.build.registry import FEATURE_NAMES
from features.tables import Tables
from models.comparison.metrics import expected_calibration_error
from models.comparison.paired_comparison import compare_scorers
from models.learner.booster import Later, bin_rows, predict_raw, score_later
from models.learner.calibration import KINDS, fit_calibration
from models.learner.censored import fit_delay_weighted, fit_hazard, follow
from models.learner.challengers import BASELINES, Budget, installed_challengers, missing_challengers
from models.learner.gbm import DisputeModel, finish_model
from models.learner.matrix import to_matrix
from models.learner.training_rows import label_rows, learnable
from models.reasons.baseline import rule_scores
from pipeline.evaluation.backtest import SLICES
from pipeline.evaluation.resource_usage import Taken, watched
from pipeline.settings.config import Config
from pipeline.settings.errors import Refused
from pipeline.training.walk_forward import newest_day, past_nights
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace, write_whole

RESULT, CALIBRATIONS = "comparison.csv", "calibrations.csv"
MODEL, BASE_RATE = "model", "base_rate_by_stage"
BASELINE_RULES = ("past_promise", "stalled_scan")
COMPARED_METRICS = ("auc", "average_precision", "log_loss")


@dataclass
class ResourceUse:
    """What a scorer took over all nights."""

    seconds: float = 0.0
    megabytes: float = 0.0
    scored: int = 0
    scoring_seconds: float = 0.0

    def add(self, fit: Taken, scoring: Taken, rows: int) -> None:
        self.seconds += fit.seconds
        self.megabytes = max(self.megabytes, fit.megabytes or 0.0)
        self.scored += rows
        self.scoring_seconds += scoring.seconds


@dataclass
class Night:
    """One forward fold: who says what of the night's labelled rows."""

    rows: pl.DataFrame
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    calibrations: dict[str, np.ndarray] = field(default_factory=dict)


def compare(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date, every: int
) -> pl.DataFrame:
    """Write and return `comparison.csv`: one row per slice, scorer and metric with its interval,
    its gain over the model and on how many nights it was better; write `calibrations.csv`, the same
    for the ways to calibrate."""
    tables = workspace.read_tables()
    with progress.piece("features") as notes:
        nights, dataset, test = past_nights(tables, config, first=first, last=last, every=every)
        notes.append(f"{dataset.height:,} order-nights to learn from, {test.height:,} to be scored")
    test = learnable(label_rows(tables, test, config.label_window, newest_day(tables)))
    test = test.with_columns(weight=_weights(tables, test, config.delivered_weight))
    costs: dict[str, ResourceUse] = defaultdict(ResourceUse)
    folds = []
    for night in nights:
        train = learnable(label_rows(tables, dataset, config.label_window, night)).sort(
            "as_of_day", "order_id"
        )
        rows = test.filter(pl.col("as_of_day") == night)
        disputed = train.filter(pl.col("label") == 1)["order_id"].n_unique()
        if rows.is_empty() or disputed < config.min_training_disputes:
            continue
        with progress.piece("fold") as notes:
            followed = (
                follow(tables, dataset, config.label_window, night)
                if not tables.has_partial_outcomes
                else None
            )
            folds.append(_fold(train, rows, followed, config, costs))
            notes.append(
                f"night {len(folds)} of {len(nights)}: {train.height:,} order-nights learnt"
            )
    if not folds:
        raise Refused("no night had enough matured disputes to train on. Use later days.")
    if missing := missing_challengers():
        warn(
            f"not installed and left out: {', '.join(missing)} (make compare CHALLENGERS=1 adds them)"
        )
    result = _tabulate(folds, lambda fold: fold.scores, MODEL, config).join(
        _taken(costs), on="scorer", how="left"
    )
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=5))
    kinds = _tabulate(folds, lambda fold: fold.calibrations, config.calibration, config)
    write_whole(workspace.folder / CALIBRATIONS, kinds.write_csv(float_precision=5))
    return result


def _fold(
    train: pl.DataFrame,
    rows: pl.DataFrame,
    followed: pl.DataFrame | None,
    config: Config,
    costs: dict[str, ResourceUse],
) -> Night:
    night, recipe = Night(rows), config.recipe
    with watched() as fitting:
        binned = bin_rows(train, FEATURE_NAMES, recipe.threads)
        later = score_later(train, binned, recipe)
        model = finish_model(train, binned, recipe, later)
    with watched() as scoring:
        night.scores[MODEL] = model.predict(rows)
    costs[MODEL].add(fitting, scoring, rows.height)
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
    known, label, asked = (
        to_matrix(train, FEATURE_NAMES),
        train["label"].to_numpy(),
        to_matrix(rows, FEATURE_NAMES),
    )
    budget = Budget(recipe.seed, recipe.threads, fitting.seconds)
    for name, fit in (BASELINES | installed_challengers()).items():
        with watched() as fitting:
            scorer = fit(known, label, budget)
        with watched() as scoring:
            night.scores[name] = scorer(asked)
        costs[name].add(fitting, scoring, rows.height)
    return night


def _add_censored(
    night: Night,
    followed: pl.DataFrame,
    model: DisputeModel,
    later: Later | None,
    config: Config,
    costs: dict[str, ResourceUse],
) -> None:
    """The ways to learn from nights whose window is not over, with as many rounds as the model,
    uncalibrated."""
    recipe = replace(config.recipe, rounds=later.rounds if later else config.recipe.rounds)
    matrix = model.matrix(night.rows)
    night.scores["model_uncalibrated"] = predict_raw(model.booster, matrix, threads=recipe.threads)
    with watched() as fitting:
        hazard = fit_hazard(followed, FEATURE_NAMES, recipe, config.horizon_days)
    with watched() as scoring:
        night.scores["daily_hazard"] = hazard.predict(matrix, recipe.threads)
    costs["daily_hazard"].add(fitting, scoring, night.rows.height)
    with watched() as fitting:
        booster = fit_delay_weighted(followed, FEATURE_NAMES, recipe, config.horizon_days)
    with watched() as scoring:
        night.scores["delay_weights"] = predict_raw(booster, matrix, threads=recipe.threads)
    costs["delay_weights"].add(fitting, scoring, night.rows.height)


def _weights(tables: Tables, rows: pl.DataFrame, delivered_weight: float) -> pl.Series:
    """How many orders of the market a row stands for: delivered ones may have been thinned when the
    data was made."""
    delivered = tables["tracking"].filter(pl.col("status") == "Delivered")["order_id"].unique()
    return rows.select(
        pl.when(pl.col("order_id").is_in(delivered.implode())).then(delivered_weight).otherwise(1.0)
    ).to_series()


def _tabulate(
    folds: list[Night],
    told: Callable[[Night], dict[str, np.ndarray]],
    reference: str,
    config: Config,
) -> pl.DataFrame:
    names = [name for name in told(folds[-1]) if all(name in told(fold) for fold in folds)]
    rows = pl.concat(fold.rows for fold in folds)
    scores = {name: np.concatenate([told(fold)[name] for fold in folds]) for name in names}
    tables = []
    for stage, is_inside in {"all": pl.lit(True), **SLICES}.items():
        mask = rows.with_columns(inside=is_inside.fill_null(False))["inside"].to_numpy()
        of_stage = rows.filter(mask)
        if of_stage["label"].n_unique() < 2:
            continue
        own = {name: score[mask] for name, score in scores.items()}
        table = compare_scorers(
            of_stage, own, seed=config.seed, metrics=COMPARED_METRICS, reference=reference
        )
        error = {name: _calibration_error(of_stage, score) for name, score in own.items()}
        better = _nights_better(of_stage, own, reference)
        tables.append(
            table.with_columns(
                stage=pl.lit(stage),
                nights=pl.lit(of_stage["as_of_day"].n_unique()),
                nights_better=pl.Series(
                    [better.get((r["scorer"], r["metric"])) for r in table.iter_rows(named=True)]
                ),
                calibration_error=table["scorer"].replace_strict(error, return_dtype=pl.Float64),
            )
        )
    return pl.concat(tables).select("stage", pl.exclude("stage"))


def _calibration_error(rows: pl.DataFrame, score: np.ndarray) -> float | None:
    if score.min() < 0 or score.max() > 1:
        return None
    return expected_calibration_error(rows["label"].to_numpy(), score)


def _nights_better(
    rows: pl.DataFrame, scores: dict[str, np.ndarray], reference: str
) -> dict[tuple[str, str], int]:
    """On how many nights a scorer was better than the reference, by metric."""
    count: dict[tuple[str, str], int] = defaultdict(int)
    for night in rows["as_of_day"].unique():
        mask = (rows["as_of_day"] == night).to_numpy()
        found = compare_scorers(
            rows.filter(mask),
            {name: score[mask] for name, score in scores.items()},
            seed=0,
            resamples=0,
            metrics=COMPARED_METRICS,
            reference=reference,
        )
        for row in found.drop_nulls("gain").iter_rows(named=True):
            gain = -row["gain"] if row["metric"] == "log_loss" else row["gain"]
            count[row["scorer"], row["metric"]] += gain > 0
    return count


def _taken(costs: dict[str, ResourceUse]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "scorer": name,
                "train_seconds": cost.seconds,
                "rows_per_second": cost.scored / max(cost.scoring_seconds, 1e-9),
                "memory_mb": cost.megabytes,
            }
            for name, cost in costs.items()
        ]
    )


def say_comparison(result: pl.DataFrame) -> None:
    """A block a slice, for people; each scorer beside the model."""
    for stage in result["stage"].unique(maintain_order=True):
        rows = result.filter(pl.col("stage") == stage)
        say(f"{stage}: {rows['nights'][0]} nights")
        for name in rows["scorer"].unique(maintain_order=True):
            told = {
                r["metric"]: r for r in rows.filter(pl.col("scorer") == name).iter_rows(named=True)
            }
            say(f"  {name:<24} {_say_metrics(told)}")
    say("what each took over all nights")
    for row in (
        result.drop_nulls("train_seconds")
        .unique("scorer", maintain_order=True)
        .iter_rows(named=True)
    ):
        say(
            f"  {row['scorer']:<24} training {row['train_seconds']:.1f} s, "
            f"scoring {row['rows_per_second']:,.0f} rows/s, memory {row['memory_mb']:,.0f} MB"
        )


def _say_metrics(told: dict[str, dict]) -> str:
    texts = []
    for metric, short in (("auc", "AUC"), ("average_precision", "AP"), ("log_loss", "log loss")):
        row = told[metric]
        if row["value"] is None:
            continue
        gain = ""
        if row["gain"] is not None:
            gain = f" ({row['gain']:+.4f}: {row['gain_low']:+.4f} to {row['gain_high']:+.4f})"
        texts.append(f"{short} {row['value']:.4f}{gain}")
    return "  ".join(texts)
