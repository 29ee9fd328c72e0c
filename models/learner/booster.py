"""Train LightGBM boosters: binning, an early-stopped draft on the earlier orders, raw scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl

from features.build.registry import FEATURES, OPTIONAL_NAMES
from models.learner.matrix import to_matrix
from models.learner.training_config import Recipe
from models.pool.pooled_rows import WEIGHT

SMALLEST_LEAF = 50
# a draft stops after PATIENCE rounds without improvement; every model gets at least FEWEST_ROUNDS,
# even if few later orders suggest less
PATIENCE, FEWEST_ROUNDS = 50, 50
# a round uses at most this many rows: with millions of rows each round is slow, and another draw in
# the next round is just as useful
MOST_ROWS_A_ROUND = 1_000_000


@dataclass(frozen=True)
class Binned:
    """Labelled rows as LightGBM stores them, one byte per value.

    `order` lists the rows of the frame sorted by night and order. `matrix` (float32) and `data` use
    that order, whatever order the frame had.
    """

    feature_names: tuple[str, ...]
    order: np.ndarray
    matrix: np.ndarray
    data: lgb.Dataset


def bin_rows(rows: pl.DataFrame, feature_names: list[str], threads: int) -> Binned:
    """Bin the rows once, for the draft and the final model.

    The bins use the features of the later rows, never their labels. Features of optional columns
    that the store does not have are left out (`varying`). Rows of several stores have a column
    `weight`, which both trainings use.
    """
    feature_names = varying(rows, feature_names)
    order = rows.select(pl.arg_sort_by("as_of_day", "order_id")).to_series().to_numpy()
    matrix = to_matrix(rows, feature_names, order)
    weight = rows[WEIGHT].to_numpy()[order] if WEIGHT in rows.columns else None
    data = _dataset(matrix, rows["label"].to_numpy()[order], feature_names, threads, weight=weight)
    return Binned(tuple(feature_names), order, matrix, data.construct())


def varying(rows: pl.DataFrame, feature_names: list[str]) -> list[str]:
    """The features without those of optional columns (`OPTIONAL_NAMES`) that have one value in all
    `rows`, where null counts as a value.

    LightGBM draws the features of each tree from all columns, also from those that are always
    null. So a store without optional columns gets the same trees as if the features did not exist.
    If no feature would be left, all stay.
    """
    optional = [name for name in feature_names if name in OPTIONAL_NAMES]
    if rows.is_empty() or not optional:
        return feature_names
    low, high, missing = (
        rows.select(each).row(0)
        for each in (pl.col(optional).min(), pl.col(optional).max(), pl.col(optional).null_count())
    )
    facts = zip(optional, low, high, missing, strict=True)
    constant = {
        name for name, least, most, nulls in facts if least == most and nulls in (0, rows.height)
    }
    return [name for name in feature_names if name not in constant] or feature_names


@dataclass(frozen=True)
class Later:
    """Scores of the later orders by a booster trained on the earlier ones.

    `raw` holds the uncalibrated scores, `rows` their `order_id, as_of_day, stage, label`,
    `evidence` the number of orders per row, and `rounds` the best number of boosting rounds.
    """

    raw: np.ndarray
    rows: pl.DataFrame
    evidence: float
    rounds: int

    @property
    def label(self) -> np.ndarray:
        """0 or 1 per row."""
        return self.rows["label"].to_numpy()


def score_later(rows: pl.DataFrame, binned: Binned, recipe: Recipe) -> Later | None:
    """Train on the earlier orders and score the later ones; None if either side has only one class.

    The best number of rounds depends on how many disputes there are, so it is chosen on the later
    orders, like the calibration.
    """
    keys = rows.select("order_id", "as_of_day", "stage", "label")[binned.order]
    is_later = later_orders(keys, recipe.calibration_share)
    earlier, later = keys.filter(~is_later), keys.filter(is_later)
    if earlier["label"].n_unique() < 2 or later["label"].n_unique() < 2:
        return None
    early_rows, late_rows = np.flatnonzero(~is_later), np.flatnonzero(is_later)
    # arrays work as well, and need a tenth of the memory of the lists in the type annotation
    early, late = (binned.data.subset(subset) for subset in (early_rows, late_rows))  # type: ignore[arg-type]
    draft = lgb.train(
        parameters(recipe, earlier, binned.feature_names),
        early,
        recipe.rounds,
        valid_sets=[late],
        callbacks=[_stop()],
    )
    rounds = max(draft.best_iteration, FEWEST_ROUNDS)
    raw = predict_raw(draft, binned.matrix[late_rows], threads=recipe.threads, rounds=rounds)
    return Later(raw, later, later["order_id"].n_unique() / later.height, rounds)


def later_orders(rows: pl.DataFrame, share: float) -> pl.Series:
    """True for the rows of the orders seen last, about `share` of all rows."""
    seen = rows.group_by("order_id").agg(first_day=pl.col("as_of_day").min(), count=pl.len())
    seen = seen.sort("first_day", "order_id")
    later = seen.filter(pl.col("count").cum_sum() > (1 - share) * rows.height)["order_id"]
    return rows["order_id"].is_in(later.implode())


def predict_raw(
    booster: lgb.Booster,
    matrix: np.ndarray,
    *,
    threads: int = 1,
    rounds: int = -1,
    pred_contrib: bool = False,
) -> np.ndarray:
    """Uncalibrated scores of each row after `rounds` rounds (-1: the best round, or all).

    LightGBM has one thread count for the whole process. A call without a thread count resets it to
    all cores, and another thread that is training at that moment then overruns its buffers.
    Therefore every call passes a thread count, and models trained in parallel use one thread each.
    """
    return np.asarray(
        booster.predict(
            matrix, num_iteration=rounds, pred_contrib=pred_contrib, num_threads=threads
        )
    )


def fit_booster(
    rows: pl.DataFrame, feature_names: list[str], recipe: Recipe, later: pl.DataFrame | None = None
) -> lgb.Booster:
    """Train for `recipe.rounds` rounds.

    If `later` rows are given, stop when their log loss has not fallen for `PATIENCE` rounds.
    """
    data = _dataset(
        to_matrix(rows, feature_names), rows["label"].to_numpy(), feature_names, recipe.threads
    )
    fixed = parameters(recipe, rows, feature_names)
    if later is None:
        return lgb.train(fixed, data, recipe.rounds)
    later_label = later["label"].to_numpy()
    valid = _dataset(
        to_matrix(later, feature_names), later_label, feature_names, recipe.threads, data
    )
    return lgb.train(fixed, data, recipe.rounds, valid_sets=[valid], callbacks=[_stop()])


def parameters(recipe: Recipe, rows: pl.DataFrame, feature_names: Sequence[str]) -> dict[str, Any]:
    """LightGBM's parameters, including those that depend on the number of rows and orders, and the
    direction of each feature (`Feature.direction`), which the recipe may override."""
    fixed = recipe.booster
    leaf_rows = max(
        SMALLEST_LEAF, recipe.orders_in_leaf * rows.height // rows["order_id"].n_unique()
    )
    bagging_fraction = min(fixed["bagging_fraction"], MOST_ROWS_A_ROUND / max(rows.height, 1))
    return {
        "min_data_in_leaf": leaf_rows,
        "monotone_constraints": directions(feature_names),
        **fixed,
        "bagging_fraction": bagging_fraction,
    }


def directions(feature_names: Sequence[str]) -> list[int]:
    """1, -1 or 0 for each feature: how the risk may move with it; 0 for one that is not known."""
    return [FEATURES[name].direction if name in FEATURES else 0 for name in feature_names]


def _stop() -> Callable[..., Any]:
    return lgb.early_stopping(PATIENCE, verbose=False)


def _dataset(
    matrix: np.ndarray,
    label: np.ndarray,
    feature_names: list[str],
    threads: int,
    reference: lgb.Dataset | None = None,
    weight: np.ndarray | None = None,
) -> lgb.Dataset:
    # boosters on these bins have different leaf sizes, so LightGBM must not drop features for the
    # leaf size in advance
    fixed = {"feature_pre_filter": False, "verbosity": -1, "num_threads": threads}
    names = list(feature_names)
    return lgb.Dataset(matrix, label, reference, weight, feature_name=names, params=fixed)
