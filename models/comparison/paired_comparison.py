"""Is one scorer better than another? Metrics with intervals; the nights of an order share its
fate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from models.comparison.weighted_metrics import weighted_metrics

PAIRED_METRICS = ("auc", "average_precision")
RESAMPLES, LEVEL = 200, 0.90


def compare_scorers(
    rows: pl.DataFrame,
    scores: Mapping[str, np.ndarray],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    metrics: tuple[str, ...] = PAIRED_METRICS,
    reference: str | None = None,
) -> pl.DataFrame:
    """One row per scorer and metric: `scorer, metric, value, low, high`, and beside the `reference`
    (None: the scorer before it) `gain, gain_low, gain_high`, null for the reference itself.

    `rows` has `order_id`, `label` and, if rows stand for more than themselves, `weight`; `scores`
    one number a row. Intervals hold 90 %: a bootstrap of whole orders (Field & Welsh 2007), the
    same draws for all scorers, so that a gain's interval is that of the paired difference. A gain
    in log loss is negative when it is better.
    """
    label = rows["label"].to_numpy()
    weights = draw_weights(rows, seed, resamples)
    drawn = {
        name: weighted_metrics(label, np.asarray(score, float), weights)
        for name, score in scores.items()
    }
    found, before = [], reference
    for name in scores:
        for metric in metrics:
            mine = drawn[name][metric]
            low, high = interval(mine[1:])
            row = {"scorer": name, "metric": metric, "value": mine[0], "low": low, "high": high}
            if before and before != name:
                gain = mine - drawn[before][metric]
                gain_low, gain_high = interval(gain[1:])
                row |= {"gain": gain[0], "gain_low": gain_low, "gain_high": gain_high}
            found.append(row)
        before = reference or name
    texts, numbers = ("scorer", "metric"), ("value", "low", "high", "gain", "gain_low", "gain_high")
    table = pl.DataFrame(
        found, schema={n: pl.String for n in texts} | {n: pl.Float64 for n in numbers}
    )
    return table.with_columns(pl.col(numbers).fill_nan(None))


def draw_weights(rows: pl.DataFrame, seed: int, resamples: int) -> np.ndarray:
    """(1 + resamples) x rows: the rows' own weights, then those of each bootstrap draw of whole
    orders."""
    order = rows["order_id"].rank("dense").to_numpy().astype(np.int64) - 1
    own = rows["weight"].to_numpy() if "weight" in rows.columns else np.ones(rows.height)
    rng = np.random.default_rng(seed)
    count = int(order.max()) + 1
    draws = [
        np.bincount(rng.integers(0, count, count), minlength=count)[order] for _ in range(resamples)
    ]
    return np.asarray(np.stack([own, *(own * draw for draw in draws)]))


def draw_totals(
    order_id: pl.Series, columns: list[np.ndarray], seed: int, resamples: int
) -> np.ndarray:
    """(1 + resamples) x columns: the sum of each column over all rows, then over each bootstrap
    draw of orders."""
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
    """The middle 90 % of what was drawn; draws without a value are left out."""
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(low), float(high)
