"""Two ways to train on order-nights whose label window is not over yet.

They are compared with leaving such rows out.

Daily hazard: the window is cut into intervals, and a row is used in those that are over. The chance
over the whole window is one minus the product of the chances to stay undisputed (Singer & Willett
1993).

Delay-corrected weights: a row without a dispute so far counts as both outcomes, weighted by the
share of its stage's disputes that are still to come (after Chapelle 2014, with the delay by stage
instead of by row).

Both assume that every order's outcome becomes known.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import polars as pl

from features.asof import visible
from features.clock import in_label_window
from features.labels import LabelWindow
from features.tables import Tables
from models.learner.booster import SMALLEST_LEAF, predict_raw
from models.learner.matrix import to_matrix
from models.learner.training_config import Recipe

# days after as_of at which an interval ends; the last one ends at the horizon
INTERVAL_ENDS = (3, 7, 14, 21)


def follow(
    tables: Tables, rows: pl.DataFrame, window: LabelWindow, data_end_day: int
) -> pl.DataFrame:
    """Add how far each row's window has been followed, as known at `data_end_day`.

    `rows` has `order_id, as_of_day`. Added columns: `followed_days`, the days of the window that
    are over and reported (0 to the horizon), and `disputed_after_days`, null if not disputed so
    far. Rows that have not been followed for a day are left out.
    """
    opened = visible(tables["disputes"], data_end_day).filter(pl.col("step") == "opened")
    first = opened.group_by("order_id").agg(disputed_day=pl.col("occurred_day").min())
    followed = pl.lit(data_end_day - window.reporting_delay_days) - pl.col("as_of_day")
    within = in_label_window(pl.col("disputed_day"), pl.col("as_of_day"), window.horizon_days)
    after = pl.col("disputed_day") - pl.col("as_of_day")
    followed_rows = rows.join(first, on="order_id", how="left", maintain_order="left").with_columns(
        followed_days=followed.clip(0, window.horizon_days),
        disputed_after_days=pl.when(within).then(after),
    )
    return followed_rows.drop("disputed_day").filter(pl.col("followed_days") > 0)


class Hazard:
    """A booster for the chance of a dispute in an interval, given none before it."""

    def __init__(self, booster: lgb.Booster, intervals: int) -> None:
        self.booster, self.intervals = booster, intervals

    def predict(self, matrix: np.ndarray, threads: int) -> np.ndarray:
        """One chance per row, over the whole window."""
        stays = np.ones(len(matrix))
        for interval in range(self.intervals):
            inputs = np.column_stack([matrix, np.full(len(matrix), interval, np.float32)])
            stays *= 1.0 - predict_raw(self.booster, inputs, threads=threads)
        return 1.0 - stays


def fit_hazard(
    followed: pl.DataFrame, feature_names: list[str], recipe: Recipe, horizon: int
) -> Hazard:
    """Train `recipe.rounds` rounds, with one row per order-night and interval followed to its end.

    An order-night drops out after the interval in which it was disputed.
    """
    ends = [*(end for end in INTERVAL_ENDS if end < horizon), horizon]
    features = to_matrix(followed, feature_names)
    days = followed["followed_days"].to_numpy()
    after = followed["disputed_after_days"].cast(pl.Float64).fill_null(np.inf).to_numpy()
    matrices, labels = [], []
    for interval, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        # an interval that is not over is not used, not even if a dispute is known: disputes become
        # known sooner than their absence does
        is_used = (days >= end) & (after >= start)
        matrices.append(
            np.column_stack([features[is_used], np.full(is_used.sum(), interval, np.float32)])
        )
        labels.append(after[is_used] < end)
    nights = followed.height / followed["order_id"].n_unique()
    smallest = int(max(SMALLEST_LEAF, recipe.orders_in_leaf * nights * len(ends)))
    data = lgb.Dataset(np.concatenate(matrices), np.concatenate(labels).astype(float))
    booster = lgb.train({"min_data_in_leaf": smallest, **recipe.booster}, data, recipe.rounds)
    return Hazard(booster, len(ends))


def fit_delay_weighted(
    followed: pl.DataFrame, feature_names: list[str], recipe: Recipe, horizon: int
) -> lgb.Booster:
    """Train `recipe.rounds` rounds on matured rows and, with weights, on those still open."""
    weight = _still_to_come(followed, horizon)
    is_disputed = followed["disputed_after_days"].is_not_null().to_numpy()
    features = to_matrix(followed, feature_names)
    is_open = ~is_disputed & (weight > 0)
    matrix = np.concatenate([features, features[is_open]])
    label = np.concatenate([is_disputed, np.ones(is_open.sum())]).astype(float)
    weights = np.concatenate([np.where(is_disputed, 1.0, 1.0 - weight), weight[is_open]])
    nights = followed.height / followed["order_id"].n_unique()
    smallest = int(max(SMALLEST_LEAF, recipe.orders_in_leaf * nights))
    return lgb.train(
        {"min_data_in_leaf": smallest, **recipe.booster},
        lgb.Dataset(matrix, label, weight=weights),
        recipe.rounds,
    )


def _still_to_come(followed: pl.DataFrame, horizon: int) -> np.ndarray:
    """Per row not disputed so far: the chance, at its stage, of a dispute in the remaining days."""
    chance = np.zeros(followed.height)
    days = followed["followed_days"].to_numpy()
    after = followed["disputed_after_days"].cast(pl.Float64).fill_null(np.inf).to_numpy()
    for stage in followed["stage"].unique():
        at_stage = (followed["stage"] == stage).to_numpy()
        is_complete = at_stage & (days == horizon)
        if not is_complete.any():
            continue
        by_day = np.array([(after[is_complete] < day).mean() for day in range(horizon + 1)])
        later = (by_day[horizon] - by_day) / np.maximum(1.0 - by_day, 1e-9)
        chance[at_stage] = later[days[at_stage]]
    return np.where(days < horizon, chance, 0.0)
