"""Curves of a ranking: precision by recall, and lift by the share of a night's orders on the list.

The nights of an order share its outcome, so intervals resample whole orders.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
import polars as pl

from features.labels import is_measurable
from models.comparison.paired_comparison import RESAMPLES, draw_totals, interval

# each curve has so many points
POINTS = 50
_NUMBER = pl.Float64()
RECALL_CURVE = dict.fromkeys(("recall", "precision", "low", "high"), _NUMBER)
LIFT_CURVE = dict.fromkeys(("share", "lift", "low", "high", "recall"), _NUMBER)


def recall_curve(scored: pl.DataFrame, seed: int, resamples: int = RESAMPLES) -> pl.DataFrame:
    """Precision at each recall, over all rows of `scored` (`order_id, label, probability`).

    One row per recall 1/50, 2/50 .. 1: the `precision` of the most probable rows that hold this
    share of the disputed rows, with its 90 % interval `low`, `high`. Rows of equal probability
    enter together. No row if `scored` is not measurable.
    """
    if not is_measurable(scored):
        return pl.DataFrame(schema=RECALL_CURVE)
    ranked = scored.sort("probability", descending=True)
    label, score = ranked["label"].to_numpy(), ranked["probability"].to_numpy()
    hits = np.cumsum(label)
    recall = np.arange(1, POINTS + 1) / POINTS
    needed = np.maximum(np.ceil(recall * hits[-1] - 1e-9), 1)
    # the last row with the probability of the row that brings the needed dispute
    ends = np.searchsorted(-score, -score[np.searchsorted(hits, needed)], side="right")
    of_point = np.searchsorted(ends, np.arange(len(label)), side="right")
    count_hits, count_rows = _drawn(ranked["order_id"], label, of_point, seed, resamples)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = count_hits / count_rows
        recalled = count_hits / count_hits[:, -1:]
    # a draw has other recalls at the same probabilities
    at_recall = np.stack(
        [np.interp(recall, *each) for each in zip(recalled, precision, strict=True)]
    )
    bounds = np.array([interval(column) for column in at_recall[1:].T])
    curve = {"recall": recall, "precision": precision[0], "low": bounds[:, 0], "high": bounds[:, 1]}
    return pl.DataFrame(curve, schema=RECALL_CURVE)


def lift_curve(
    scored: pl.DataFrame, shares: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> pl.DataFrame:
    """Lift of lists of each length, over the nights of `scored` (`order_id, as_of_day, label,
    probability`).

    One row per share in `shares` (ascending, above 0 to 1): the list has this share of each
    night's orders, the most probable ones, and at least one. `lift`: how many times as often they
    were disputed as all orders, with its 90 % interval; `recall`: the share of the disputed rows
    on the list. No row if `scored` is not measurable.
    """
    if not is_measurable(scored):
        return pl.DataFrame(schema=LIFT_CURVE)
    ranked = scored.sort("as_of_day", "probability", "order_id", descending=[False, True, False])
    depth = ranked.select(pl.int_range(pl.len()).over("as_of_day") / pl.len().over("as_of_day"))
    of_point = np.searchsorted(shares, depth.to_series().to_numpy() + 1e-12, side="right")
    # the shorter list has the rows of all lower points
    label = ranked["label"].to_numpy()
    hits, rows = _drawn(ranked["order_id"], label, of_point, seed, resamples, len(shares) + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        lift = (hits / rows) / (hits[:, -1:] / rows[:, -1:])
        recall = hits / hits[:, -1:]
    bounds = np.array([interval(column) for column in lift[1:, : len(shares)].T])
    curve = {
        "share": shares,
        "lift": lift[0, : len(shares)],
        "low": bounds[:, 0],
        "high": bounds[:, 1],
        "recall": recall[0, : len(shares)],
    }
    return pl.DataFrame(curve, schema=LIFT_CURVE)


def _drawn(
    order_id: pl.Series,
    label: np.ndarray,
    of_point: np.ndarray,
    seed: int,
    resamples: int,
    points: int = POINTS,
) -> tuple[np.ndarray, np.ndarray]:
    """(1 + resamples, points) arrays: disputed rows and all rows up to each point of a curve.

    `of_point`: the first point of each row; rows after the last point have a higher number.
    """
    # one column at a time: a hundred of them would be the largest table of a backtest
    hits = (label * (of_point == point) for point in range(points))
    rows = ((of_point == point).astype(float) for point in range(points))
    totals = draw_totals(order_id, chain(hits, rows), seed, resamples)
    return np.cumsum(totals[:, :points], axis=1), np.cumsum(totals[:, points:], axis=1)
