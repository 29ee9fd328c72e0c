"""Compare scorers on the same rows, with intervals.

The nights of an order share its outcome, so intervals resample whole orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from features.labels import is_measurable
from models.comparison.weighted_metrics import excess_log_loss, weighted_metrics

PAIRED_METRICS = ("auc", "average_precision")
RESAMPLES, LEVEL = 200, 0.90
# the column with the true risk of a simulated order-night, and the metrics that need it: what the
# outcomes drawn from it would give on average, and the log loss above that of the true risk
RISK = "true_risk"
RISK_METRICS = ("true_auc", "true_average_precision", "excess_log_loss")


def compare_scorers(
    rows: pl.DataFrame,
    scores: Mapping[str, np.ndarray],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    metrics: tuple[str, ...] = PAIRED_METRICS,
    reference: str | None = None,
) -> pl.DataFrame:
    """One row per scorer and metric, with its interval and its gain over another scorer.

    Columns: `scorer, metric, value, low, high`, and `gain, gain_low, gain_high` relative to
    `reference` (None: the scorer before it); the reference's own gain is null. `rows` has
    `order_id`, `label` and, if rows stand for more than one order-night, `weight`. `scores` holds
    one number per row. Intervals cover 90 %: a bootstrap of whole orders (Field & Welsh 2007) with
    the same draws for all scorers, so that the interval of a gain is that of the paired difference.
    A negative gain in log loss is an improvement. `metrics` may name `RISK_METRICS` if `rows` has
    `true_risk`. All numbers are null for rows that are not measurable (`metrics.is_measurable`).
    """
    if not is_measurable(rows):
        names = [(name, metric) for name in scores for metric in metrics]
        return _table([{"scorer": name, "metric": metric} for name, metric in names])
    label = rows["label"].to_numpy()
    weights = draw_weights(rows, seed, resamples)
    risk = rows[RISK].to_numpy() if set(metrics) & set(RISK_METRICS) else None
    drawn = {
        name: drawn_metrics(label, np.asarray(score, float), weights, risk)
        for name, score in scores.items()
    }
    records: list[dict[str, Any]] = []
    baseline = reference
    for name in scores:
        for metric in metrics:
            values = drawn[name][metric]
            low, high = interval(values[1:])
            row = {"scorer": name, "metric": metric, "value": values[0], "low": low, "high": high}
            if baseline and baseline != name:
                gain = values - drawn[baseline][metric]
                gain_low, gain_high = interval(gain[1:])
                row |= {"gain": gain[0], "gain_low": gain_low, "gain_high": gain_high}
            records.append(row)
        baseline = reference or name
    return _table(records)


def drawn_metrics(
    label: np.ndarray, score: np.ndarray, weights: np.ndarray, risk: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """`weighted_metrics` of one scorer, and `RISK_METRICS` if the true `risk` of each row is
    known."""
    metrics = weighted_metrics(label, score, weights)
    if risk is None:
        return metrics
    expected = weighted_metrics(risk, score, weights)
    true = {f"true_{name}": expected[name] for name in PAIRED_METRICS}
    return metrics | true | {"excess_log_loss": excess_log_loss(risk, score, weights)}


def _table(records: list[dict[str, Any]]) -> pl.DataFrame:
    texts, numbers = ("scorer", "metric"), ("value", "low", "high", "gain", "gain_low", "gain_high")
    table = pl.DataFrame(
        records, schema={n: pl.String for n in texts} | {n: pl.Float64 for n in numbers}
    )
    return table.with_columns(pl.col(numbers).fill_nan(None))


def draw_weights(rows: pl.DataFrame, seed: int, resamples: int) -> np.ndarray:
    """(1 + resamples, rows) array of weights.

    The first row holds the rows' own weights, the others those of each bootstrap draw of whole
    orders.
    """
    order = rows["order_id"].rank("dense").to_numpy().astype(np.int64) - 1
    own = rows["weight"].to_numpy() if "weight" in rows.columns else np.ones(rows.height)
    rng = np.random.default_rng(seed)
    count = int(order.max()) + 1
    draws = [
        np.bincount(rng.integers(0, count, count), minlength=count)[order] for _ in range(resamples)
    ]
    return np.asarray(np.stack([own, *(own * draw for draw in draws)]))


def draw_totals(
    order_id: pl.Series, columns: Iterable[np.ndarray], seed: int, resamples: int
) -> np.ndarray:
    """(1 + resamples, columns) array of column sums.

    The first row sums over all rows, the others over each bootstrap draw of orders.
    """
    order = order_id.rank("dense").to_numpy().astype(np.int64) - 1
    count = int(order.max()) + 1
    of_order = np.stack(
        [np.bincount(order, weights=column, minlength=count) for column in columns], axis=1
    )
    rng = np.random.default_rng(seed)
    draws = [
        np.bincount(rng.integers(0, count, count), minlength=count) @ of_order
        for _ in range(resamples)
    ]
    return np.asarray(np.stack([of_order.sum(axis=0), *draws]))


def interval(drawn: np.ndarray) -> tuple[float, float]:
    """The middle 90 % of the draws; draws without a value are left out."""
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(low), float(high)
