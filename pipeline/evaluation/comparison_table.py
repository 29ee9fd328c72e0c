"""The tables and the terminal text of `make compare`: each scorer against a reference, by stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from features.labels import is_measurable
from features.tables import Tables
from models.comparison.metrics import expected_calibration_error
from models.comparison.paired_comparison import RISK, RISK_METRICS, compare_scorers
from pipeline.evaluation.backtest import SLICES, TOO_FEW
from pipeline.settings.config import Config
from pipeline.workspace.progress import counted, say
from pipeline.workspace.workspace import Workspace

COMPARED_METRICS = ("auc", "average_precision", "log_loss")
SHORT_NAMES = (("auc", "AUC"), ("average_precision", "AP"), ("log_loss", "log loss"))
TRUE_NAMES = (
    ("true_auc", "by true risk: AUC"),
    ("true_average_precision", "AP"),
    ("excess_log_loss", "log loss above the truth's"),
)
# metrics that are better when they are lower
LOSSES = ("log_loss", "excess_log_loss")


@dataclass
class Night:
    """One forward fold: the night's labelled rows, and the scores of each scorer for them."""

    rows: pl.DataFrame
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    calibrations: dict[str, np.ndarray] = field(default_factory=dict)


def declared_weight(workspace: Workspace, config: Config) -> float:
    """How many orders one delivered order stands for: as configured, or as its source says."""
    if config.delivered_weight is not None:
        return config.delivered_weight
    return float(workspace.read_ingest_facts().get("delivered_weight") or 1.0)


def order_weights(tables: Tables, rows: pl.DataFrame, delivered_weight: float) -> pl.Series:
    """`weight`: the number of market orders that each row represents.

    The source may hold only a sample of the delivered orders.
    """
    scans = tables.select("tracking", "order_id", "status")
    delivered = scans.filter(pl.col("status") == "Delivered")["order_id"].unique()
    is_delivered = pl.col("order_id").is_in(delivered.implode())
    weight = pl.when(is_delivered).then(delivered_weight).otherwise(1.0)
    return rows.select(weight=weight).to_series()


def comparison_table(
    folds: list[Night],
    scores_of: Callable[[Night], dict[str, np.ndarray]],
    reference: str,
    config: Config,
) -> pl.DataFrame:
    """One row per slice, scorer and metric: value, gain over `reference`, each with an interval.

    Rows with a `true_risk` are also measured against it (`RISK_METRICS`).
    `nights_better` counts the nights on which the scorer was better than the reference. A scorer
    that is missing on some night is left out, and so is a slice with only one outcome.
    """
    names = [name for name in scores_of(folds[-1]) if all(name in scores_of(f) for f in folds)]
    rows = pl.concat(fold.rows for fold in folds)
    scores = {name: np.concatenate([scores_of(fold)[name] for fold in folds]) for name in names}
    tables, slices = [], {"all": pl.lit(True), **SLICES}
    with counted("slice", len(slices), is_even=False) as slice_done:
        for stage, is_inside in slices.items():
            mask = rows.with_columns(inside=is_inside.fill_null(False))["inside"].to_numpy()
            slice_rows = rows.filter(mask)
            # one outcome only says nothing about any scorer
            if slice_rows["label"].n_unique() == 2:
                slice_scores = {name: score[mask] for name, score in scores.items()}
                table = _compare_slice(slice_rows, slice_scores, reference, config.seed)
                tables.append(table.select(pl.lit(stage).alias("stage"), pl.all()))
            slice_done()
    return pl.concat(tables)


def _compare_slice(
    rows: pl.DataFrame, scores: dict[str, np.ndarray], reference: str, seed: int
) -> pl.DataFrame:
    metrics = _metrics(rows)
    table = compare_scorers(rows, scores, seed=seed, metrics=metrics, reference=reference)
    errors = {name: _calibration_error(rows, score) for name, score in scores.items()}
    better = _nights_better(rows, scores, reference)
    return table.with_columns(
        nights=pl.lit(rows["as_of_day"].n_unique()),
        nights_better=pl.Series(
            [better.get((r["scorer"], r["metric"])) for r in table.iter_rows(named=True)]
        ),
        calibration_error=table["scorer"].replace_strict(errors, return_dtype=pl.Float64),
    )


def _metrics(rows: pl.DataFrame) -> tuple[str, ...]:
    return (*COMPARED_METRICS, *RISK_METRICS) if RISK in rows.columns else COMPARED_METRICS


def _calibration_error(rows: pl.DataFrame, score: np.ndarray) -> float | None:
    """None for a score that is not a probability, and for rows that are not measurable."""
    if score.min() < 0 or score.max() > 1 or not is_measurable(rows):
        return None
    return expected_calibration_error(rows["label"].to_numpy(), score)


def _nights_better(
    rows: pl.DataFrame, scores: dict[str, np.ndarray], reference: str
) -> dict[tuple[str, str], int]:
    """The number of nights on which a scorer was better than the reference, by metric."""
    count: dict[tuple[str, str], int] = defaultdict(int)
    for night in rows["as_of_day"].unique():
        mask = (rows["as_of_day"] == night).to_numpy()
        comparison = compare_scorers(
            rows.filter(mask),
            {name: score[mask] for name, score in scores.items()},
            seed=0,
            resamples=0,
            metrics=_metrics(rows),
            reference=reference,
        )
        for row in comparison.drop_nulls("gain").iter_rows(named=True):
            gain = -row["gain"] if row["metric"] in LOSSES else row["gain"]
            count[row["scorer"], row["metric"]] += gain > 0
    return count


def say_comparison(result: pl.DataFrame) -> None:
    """Print one block per slice with each scorer's gain over the model, then the resources used."""
    for stage in result["stage"].unique(maintain_order=True):
        rows = result.filter(pl.col("stage") == stage)
        say(f"{stage}: {rows['nights'][0]} nights")
        for name in rows["scorer"].unique(maintain_order=True):
            own = rows.filter(pl.col("scorer") == name)
            by_metric = {row["metric"]: row for row in own.iter_rows(named=True)}
            say(f"  {name:<24} {_metrics_text(by_metric)}")
    say("resources over all nights")
    used = result.drop_nulls("train_seconds").unique("scorer", maintain_order=True)
    for row in used.iter_rows(named=True):
        say(
            f"  {row['scorer']:<24} training {row['train_seconds']:.1f} s, "
            f"scoring {row['rows_per_second']:,.0f} rows/s, memory {row['memory_mb']:,.0f} MB"
        )


def _metrics_text(by_metric: Mapping[str, Mapping[str, Any]]) -> str:
    if all(by_metric[metric]["value"] is None for metric, _ in SHORT_NAMES):
        return TOO_FEW
    texts = []
    for metric, short in (*SHORT_NAMES, *TRUE_NAMES):
        if metric not in by_metric:
            continue
        row = by_metric[metric]
        if row["value"] is None:
            continue
        gain = ""
        if row["gain"] is not None:
            gain = f" ({row['gain']:+.4f}: {row['gain_low']:+.4f} to {row['gain_high']:+.4f})"
        digits = 5 if metric == "excess_log_loss" else 4
        texts.append(f"{short} {row['value']:.{digits}f}{gain}")
    return "  ".join(texts)
