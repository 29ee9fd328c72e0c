"""Variants of the model on several simulated stores, judged by the true risk instead of outcomes.

    python tests/bench/judged_by_truth.py WORKSPACE WORKSPACE... [VARIANT,VARIANT...]

Each workspace is a simulated and loaded store with its own seed. A model is trained on what had
matured on day `CUT` of the store and scores the nights `AHEAD` days later. The scores are judged by
the true risk of these order-nights: there is no noise of outcomes in the test, only in the
training, so stores are what an interval must be taken over. Prints, for each variant, the means
over the stores with 90 % t intervals of the paired difference from the first variant: excess log
loss over the knowable risk (1e-5), and average precision as a share of the knowable one's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import t

from features.build.registry import FEATURE_NAMES
from features.clock import day_number
from features.spine import build_spine
from features.stage import STAGES
from models.comparison.weighted_metrics import excess_log_loss, weighted_metrics
from models.learner.booster import varying
from models.learner.challengers import BASELINES, Budget, installed_challengers
from models.learner.gbm import fit_model
from models.learner.matrix import to_matrix
from models.learner.training_config import Recipe
from models.learner.training_rows import label_rows, learnable
from pipeline.engines.engine import build_features
from pipeline.settings.config import load_config
from pipeline.simulation.true_risk import knowable, read_world, true_risk
from pipeline.training.fitting import training_dataset
from pipeline.training.walk_forward import matured_by, newest_day
from pipeline.workspace.progress import say
from pipeline.workspace.workspace import Workspace

CUT, AHEAD = 470, (0, 25, 50)
# the true risk takes milliseconds per row
EVERY_NTH = 2
SLICES = ("all", *STAGES)
Fit = Callable[[pl.DataFrame, pl.DataFrame, Recipe], np.ndarray]


def as_shipped(train: pl.DataFrame, test: pl.DataFrame, recipe: Recipe) -> np.ndarray:
    return fit_model(train, FEATURE_NAMES, recipe).predict(test)


def without_directions(train: pl.DataFrame, test: pl.DataFrame, recipe: Recipe) -> np.ndarray:
    """The model without the directions of features (`Feature.direction`)."""
    free = {"monotone_constraints": [0] * len(varying(train, FEATURE_NAMES))}
    return fit_model(train, FEATURE_NAMES, replace(recipe, parameters=free)).predict(test)


def calibrated(kind: str) -> Fit:
    return lambda train, test, recipe: as_shipped(train, test, replace(recipe, calibration=kind))


def other_learner(name: str) -> Fit:
    def fit(train: pl.DataFrame, test: pl.DataFrame, recipe: Recipe) -> np.ndarray:
        learner = (BASELINES | installed_challengers())[name]
        budget = Budget(recipe.seed, recipe.threads, 10.0)
        scorer = learner(to_matrix(train, FEATURE_NAMES), train["label"].to_numpy(), budget)
        return scorer(to_matrix(test, FEATURE_NAMES))

    return fit


VARIANTS: dict[str, Fit] = {
    "model": as_shipped,
    "without directions": without_directions,
    **{kind: calibrated(kind) for kind in ("platt", "isotonic", "beta", "venn_abers")},
    **{name: other_learner(name) for name in BASELINES | installed_challengers()},
}


def rows_of(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, Recipe]:
    """The training rows of a store, and its forward order-nights with their risks."""
    workspace, config = Workspace(folder), load_config(folder)
    tables = workspace.read_tables()
    cut = day_number(read_world(workspace).first_day) + CUT
    dataset = training_dataset(tables, config, matured_by(cut, config))
    train = learnable(label_rows(tables, dataset, config.label_window, cut))
    spine = build_spine(tables, [cut + days for days in AHEAD], config.dispute_window)
    features = build_features(tables, spine, config)
    labelled = label_rows(tables, features, config.label_window, newest_day(tables))
    test = learnable(labelled).sort("as_of_day", "order_id").gather_every(EVERY_NTH)
    risk = true_risk(workspace, test, config.horizon_days)
    test = pl.concat([test, risk], how="horizontal")
    test = test.with_columns(knowable(workspace, test, config.horizon_days))
    return train, test, replace(config.recipe, threads=1)


def measure(test: pl.DataFrame, score: np.ndarray) -> dict[str, float]:
    """The share of the knowable average precision by stage, and how well the level is met."""
    risk, known = (test[name].to_numpy() for name in ("true_risk", "knowable_risk"))
    result = {}
    for stage in SLICES:
        inside = np.ones(len(risk), bool) if stage == "all" else (test["stage"] == stage).to_numpy()
        ones = np.ones((1, int(inside.sum())))
        own, limit = (
            weighted_metrics(risk[inside], each[inside], ones)["average_precision"][0]
            for each in (score, known)
        )
        result[f"share_{stage}"] = float(own / limit)
    by_score = np.array_split(np.argsort(score), 10)
    gaps = [abs(score[part].mean() - known[part].mean()) * len(part) for part in by_score]
    return result | {
        "excess": 1e5 * float(excess_log_loss(known, score, np.ones((1, len(risk))))[0]),
        "error": float(sum(gaps) / len(risk)),
        "top_said": float(score[by_score[-1]].mean()),
        "top_true": float(known[by_score[-1]].mean()),
    }


def over_stores(values: list[float]) -> str:
    """The mean over the stores with its 90 % t interval."""
    mean = float(np.mean(values))
    half = float(t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return f"{mean:+.4g} ({mean - half:+.4g} to {mean + half:+.4g})"


def main(folders: list[Path], names: list[str]) -> None:
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for folder in folders:
        train, test, recipe = rows_of(folder)
        for name in names:
            measured[name].append(measure(test, VARIANTS[name](train, test, recipe)))
    for name, of_store in measured.items():
        means = {key: np.mean([each[key] for each in of_store]) for key in of_store[0]}
        say(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in means.items()))
        for key in ("excess", "share_all") if name != names[0] else ():
            pairs = zip(of_store, measured[names[0]], strict=True)
            say(f"  {key} {over_stores([own[key] - first[key] for own, first in pairs])}")


if __name__ == "__main__":
    paths = [Path(text) for text in sys.argv[1:] if Path(text).is_dir()]
    chosen = [text for text in sys.argv[1:] if not Path(text).is_dir()]
    main(paths, chosen[0].split(",") if chosen else list(VARIANTS))
