"""Two ways to learn from order-nights whose window is not over, to be compared with leaving them
out.

Daily hazard: the window is cut into stretches; a row teaches those that are over, and the chance
over the whole window is one minus the product of staying undisputed (Singer & Willett 1993).
Delay-corrected weights: a row not disputed so far counts as both outcomes, the dispute by the share
of its stage's disputes that come later still (in the manner of Chapelle 2014, with the delay by
stage instead of by row). Both need every order's outcome to become known.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import polars as pl

from features.asof import visible
from features.clock import in_label_window
from features.labels import LabelWindow
from features.tables import Tables
from models.learner.gbm import SMALLEST_LEAF, predict_raw
from models.learner.matrix import to_matrix
from models.learner.training_config import Recipe

# days from as_of at which a stretch ends; the last is the horizon's
STRETCHES = (3, 7, 14, 21)


def follow(
    tables: Tables, rows: pl.DataFrame, window: LabelWindow, data_end_day: int
) -> pl.DataFrame:
    """`rows` (`order_id, as_of_day`) with `followed_days`, how many days of the window are over and
    reported standing at `data_end_day`, 0..horizon, and `disputed_after_days`, null: not disputed
    so far. Rows not followed are left out.
    """
    opened = visible(tables["disputes"], data_end_day).filter(pl.col("step") == "opened")
    first = opened.group_by("order_id").agg(disputed_day=pl.col("occurred_day").min())
    followed = pl.lit(data_end_day - window.reporting_delay_days) - pl.col("as_of_day")
    within = in_label_window(pl.col("disputed_day"), pl.col("as_of_day"), window.horizon_days)
    after = pl.col("disputed_day") - pl.col("as_of_day")
    found = rows.join(first, on="order_id", how="left", maintain_order="left").with_columns(
        followed_days=followed.clip(0, window.horizon_days),
        disputed_after_days=pl.when(within).then(after),
    )
    return found.drop("disputed_day").filter(pl.col("followed_days") > 0)


class Hazard:
    """A booster of the chance to be disputed in a stretch, if not before."""

    def __init__(self, booster: lgb.Booster, stretches: int) -> None:
        self.booster, self.stretches = booster, stretches

    def predict(self, matrix: np.ndarray, threads: int) -> np.ndarray:
        """The chance over the whole window, one a row."""
        stays = np.ones(len(matrix))
        for place in range(self.stretches):
            asked = np.column_stack([matrix, np.full(len(matrix), place, np.float32)])
            stays *= 1.0 - predict_raw(self.booster, asked, threads=threads)
        return 1.0 - stays


def fit_hazard(
    followed: pl.DataFrame, feature_names: list[str], recipe: Recipe, horizon: int
) -> Hazard:
    """`recipe.rounds` rounds on one row per order-night and stretch it was followed through
    undisputed until then."""
    ends = [*(end for end in STRETCHES if end < horizon), horizon]
    features = to_matrix(followed, feature_names)
    days = followed["followed_days"].to_numpy()
    after = followed["disputed_after_days"].cast(pl.Float64).fill_null(np.inf).to_numpy()
    matrices, labels = [], []
    for place, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        # a stretch that is not over teaches nothing, not even a dispute: disputes show sooner than
        # none does
        taught = (days >= end) & (after >= start)
        matrices.append(
            np.column_stack([features[taught], np.full(taught.sum(), place, np.float32)])
        )
        labels.append(after[taught] < end)
    nights = followed.height / followed["order_id"].n_unique()
    smallest = int(max(SMALLEST_LEAF, recipe.orders_in_leaf * nights * len(ends)))
    data = lgb.Dataset(np.concatenate(matrices), np.concatenate(labels).astype(float))
    booster = lgb.train({"min_data_in_leaf": smallest, **recipe.booster}, data, recipe.rounds)
    return Hazard(booster, len(ends))


def fit_delay_weighted(
    followed: pl.DataFrame, feature_names: list[str], recipe: Recipe, horizon: int
) -> lgb.Booster:
    """`recipe.rounds` rounds on matured rows and, weighted, on those that are not."""
    weight = _still_to_come(followed, horizon)
    is_disputed = followed["disputed_after_days"].is_not_null().to_numpy()
    features = to_matrix(followed, feature_names)
    open_still = ~is_disputed & (weight > 0)
    matrix = np.concatenate([features, features[open_still]])
    label = np.concatenate([is_disputed, np.ones(open_still.sum())]).astype(float)
    weights = np.concatenate([np.where(is_disputed, 1.0, 1.0 - weight), weight[open_still]])
    nights = followed.height / followed["order_id"].n_unique()
    smallest = int(max(SMALLEST_LEAF, recipe.orders_in_leaf * nights))
    return lgb.train(
        {"min_data_in_leaf": smallest, **recipe.booster},
        lgb.Dataset(matrix, label, weight=weights),
        recipe.rounds,
    )


def _still_to_come(followed: pl.DataFrame, horizon: int) -> np.ndarray:
    """Per row not disputed so far: the chance, at its stage, of a dispute in the days not followed
    yet."""
    chance = np.zeros(followed.height)
    days = followed["followed_days"].to_numpy()
    after = followed["disputed_after_days"].cast(pl.Float64).fill_null(np.inf).to_numpy()
    for stage in followed["stage"].unique():
        here = (followed["stage"] == stage).to_numpy()
        whole = here & (days == horizon)
        if not whole.any():
            continue
        by_day = np.array([(after[whole] < day).mean() for day in range(horizon + 1)])
        later = (by_day[horizon] - by_day) / np.maximum(1.0 - by_day, 1e-9)
        chance[here] = later[days[here]]
    return np.where(days < horizon, chance, 0.0)
