"""A new store's first months: fixed rules, its own model, a pooled model, and pooled with own rows.

    python tests/bench/cold_start.py POOL NEW OUT.csv

POOL and NEW are folders of simulated, loaded workspaces of different seeds; those of NEW start
later. A model of a month is trained on what had matured by its first day, in all stores, and scores
the nights of the next 30 days. `true_*` are metrics against the true risk of a sample of the rows:
the AUC and average precision that outcomes drawn from it would give on average, and the log loss
beyond that of the true risk itself. Two other store effects are measured as well: an offset of the
booster, and a shift of the log odds that is learned from the store's own outcomes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl
from scipy.optimize import brentq
from scipy.special import expit, logit

from features.build.registry import FEATURE_NAMES
from features.clock import day_number
from features.labels import disputed_orders
from features.spine import build_spine
from models.learner.booster import bin_rows, parameters
from models.learner.calibration import Curve
from models.learner.gbm import DisputeModel, fit_model
from models.learner.matrix import to_matrix
from models.learner.training_config import Recipe
from models.learner.training_rows import label_rows, learnable
from models.pool.pooled_rows import pooled_stores, stack_rows
from models.reasons.risk_rules import SignModel, assumed_rate
from pipeline.engines.engine import build_features
from pipeline.night.rule_scorer import count_ended_orders
from pipeline.settings.config import load_config
from pipeline.simulation.true_risk import read_world, true_risk
from pipeline.training.fitting import training_dataset
from pipeline.training.walk_forward import matured_by, newest_day
from pipeline.workspace.workspace import Workspace
from tests.bench.true_measures import measure

DAYS = {0: 0, 1: 30, 3: 91, 6: 182}
EVERY, SCORED_DAYS = 4, 32
MOST_TRUE = 2500
# the assumption that a store is like the others counts as this many disputed orders
ASSUMED_DISPUTES = 10.0
# a fixed number, the usual result of early stopping in the other models
OFFSET_ROUNDS = 250


class Store:
    """A workspace with its sampled order-nights; `level` is its dispute rate as of the night."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.config = Workspace(folder), load_config(folder)
        self.name, self.tables = folder.name, self.workspace.read_tables()
        self.files, self.end = self.workspace.table_files(), newest_day(self.tables)
        last = matured_by(self.end, self.config)
        self.dataset = self._with_level(training_dataset(self.tables, self.config, last))

    @property
    def recipe(self) -> Recipe:
        return replace(self.config.recipe, threads=1)

    def matured(self, day: int) -> pl.DataFrame:
        """The rows to train on as of `day`."""
        rows = learnable(label_rows(self.tables, self.dataset, self.config.label_window, day))
        # a later night would have seen the future
        assert rows.is_empty() or rows["as_of_day"].max() <= matured_by(day, self.config)
        return rows

    def nights(self, first: int) -> pl.DataFrame:
        """The labelled rows of the nights of a month, by night and order."""
        days = list(range(first + EVERY, first + SCORED_DAYS, EVERY))
        spine = build_spine(self.tables, days, self.config.dispute_window)
        rows = build_features(self.tables, spine, self.config)
        labelled = label_rows(self.tables, rows, self.config.label_window, self.end)
        return self._with_level(learnable(labelled)).sort("as_of_day", "order_id")

    def _with_level(self, rows: pl.DataFrame) -> pl.DataFrame:
        assumed = self.config.assumed_dispute_rate
        levels = {
            day: assumed_rate(assumed, *count_ended_orders(self.files, day))
            for day in rows["as_of_day"].unique().to_list()
        }
        column = pl.col("as_of_day").replace_strict(levels, return_dtype=pl.Float64)
        return rows.with_columns(level=column)


def pooled(rows_by_store: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return stack_rows(rows_by_store, pooled_stores(rows_by_store))


def level_shift(probability: np.ndarray, rows: pl.DataFrame) -> float:
    """The shift of the log odds that fits the store's own outcomes, shrunk to none. The nights of
    an order count as one case."""
    raw, label = logit(probability), rows["label"].to_numpy()
    orders_a_row = rows["order_id"].n_unique() / rows.height

    def slope(shift: float) -> float:
        missing = orders_a_row * float((label - expit(raw + shift)).sum())
        return missing - ASSUMED_DISPUTES * shift

    return float(brentq(slope, -5.0, 5.0))


def offset_scores(rows: pl.DataFrame, test: pl.DataFrame, recipe: Recipe) -> np.ndarray:
    """A booster that starts from the store's level instead of the mean of all rows."""
    level, rate = logit(rows["level"].to_numpy()), rows["label"].to_numpy().mean()
    move = brentq(lambda d: expit(level + d).mean() - rate, -5.0, 5.0)
    binned = bin_rows(rows, FEATURE_NAMES, recipe.threads)
    binned.data.set_init_score((level + move)[binned.order])
    booster = lgb.train(parameters(recipe, rows, binned.feature_names), binned.data, OFFSET_ROUNDS)
    matrix = to_matrix(test, binned.feature_names)
    raw = np.asarray(booster.predict(matrix, raw_score=True, num_threads=1))
    return np.asarray(expit(raw + logit(test["level"].to_numpy()) + move))


def month_scores(
    store: Store, others: dict[str, pl.DataFrame], pool: DisputeModel, day: int, test: pl.DataFrame
) -> tuple[dict[str, np.ndarray], int]:
    """One probability per row of `test` and scorer, and the store's own matured disputes."""
    own, recipe = store.matured(day), store.recipe
    count = disputed_orders(own)
    scores = {"pooled": pool.predict(test)}
    scores["pooled, offset"] = offset_scores(pooled(others), test, recipe)
    scores["rules"] = np.concatenate(
        [
            SignModel(rows["level"][0]).predict_with_bounds(rows)["probability"].to_numpy()
            for rows in test.partition_by("as_of_day", maintain_order=True)
        ]
    )
    if own.height:
        both = fit_model(pooled(others | {"own": own}), FEATURE_NAMES, recipe)
        scores["pooled + own"] = both.predict(test)
        for name, model in (("pooled", pool), ("pooled + own", both)):
            shift = level_shift(model.predict(own), own)
            at_level = replace(model, calibration=Curve(c=shift))
            scores[f"{name}, shift"] = at_level.predict(test)
    if count >= store.config.min_training_disputes:
        scores["own"] = fit_model(own, FEATURE_NAMES, recipe).predict(test)
    return scores, count


def main() -> None:
    pool_folder, new_folder, out = (Path(text) for text in sys.argv[1:4])
    pool, new = (
        [Store(path) for path in sorted(folder.iterdir()) if (path / "tables").exists()]
        for folder in (pool_folder, new_folder)
    )

    @cache
    def pool_of(day: int) -> tuple[dict[str, pl.DataFrame], DisputeModel]:
        rows = {store.name: store.matured(day) for store in pool}
        return rows, fit_model(pooled(rows), FEATURE_NAMES, pool[0].recipe)

    lines = []
    for month, days in DAYS.items():
        for store in new:
            day = day_number(read_world(store.workspace).first_day) + days
            test = store.nights(day)
            scores, count = month_scores(store, *pool_of(day), day, test)
            step = -(-test.height // MOST_TRUE)
            picked = test.gather_every(step)
            truth = true_risk(store.workspace, picked, store.config.horizon_days)["true_risk"]
            key = {"month": month, "store": store.name, "own_disputes": count, "rows": test.height}
            lines += [
                {**key, "scorer": name}
                | measure(score, test["label"].to_numpy(), truth.to_numpy(), step)
                for name, score in scores.items()
            ]
        pl.DataFrame(lines).write_csv(out)


if __name__ == "__main__":
    main()
