"""Is one scorer better than another? Ranking metrics with intervals; the nights of an order share its fate."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score, roc_auc_score

METRICS: dict[str, Callable[..., float]] = {"auc": roc_auc_score, "average_precision": average_precision_score}
RESAMPLES, LEVEL = 200, 0.90


def compare_scorers(
    rows: pl.DataFrame, scores: Mapping[str, np.ndarray], *, seed: int, resamples: int = RESAMPLES
) -> pl.DataFrame:
    """One row per scorer and metric: `scorer, metric, value, low, high`, and beside the scorer before it `gain,
    gain_low, gain_high` (null for the first).

    `rows` has `order_id` and `label`; `scores` one number a row. Intervals hold 90 %: a bootstrap of whole orders
    (Field & Welsh 2007), the same draws for all scorers, so that a gain's interval is that of the paired difference.
    """
    label = rows["label"].to_numpy()
    order = rows["order_id"].rank("dense").to_numpy().astype(np.int64) - 1
    rng = np.random.default_rng(seed)
    count = int(order.max()) + 1
    weights = [np.bincount(rng.integers(0, count, count), minlength=count)[order] for _ in range(resamples)]
    found, before = [], None
    for name, score in scores.items():
        drawn = {m: np.array([f(label, score, sample_weight=w) for w in weights]) for m, f in METRICS.items()}
        value = {metric: float(f(label, score)) for metric, f in METRICS.items()}
        for metric in METRICS:
            low, high = _interval(drawn[metric])
            row = {"scorer": name, "metric": metric, "value": value[metric], "low": low, "high": high}
            if before:
                gain_low, gain_high = _interval(drawn[metric] - before[1][metric])
                row |= {"gain": value[metric] - before[0][metric], "gain_low": gain_low, "gain_high": gain_high}
            found.append(row)
        before = value, drawn
    texts, numbers = ("scorer", "metric"), ("value", "low", "high", "gain", "gain_low", "gain_high")
    return pl.DataFrame(found, schema={n: pl.String for n in texts} | {n: pl.Float64 for n in numbers})


def _interval(drawn: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(low), float(high)
