"""tune: search booster settings on forward folds and use them only if they beat the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import optuna
import polars as pl
from sklearn.metrics import log_loss

from features.build.registry import FEATURE_NAMES
from features.clock import day_number
from features.labels import LEAST_DISPUTED, is_measurable
from features.tables import Tables
from models.learner.booster import fit_booster, predict_raw
from models.learner.forward_folds import forward_folds, train_and_test
from models.learner.matrix import to_matrix
from models.learner.training_rows import learnable
from pipeline.registry.logged_runs import log_search
from pipeline.settings.config import TUNED, Booster, Config
from pipeline.settings.errors import Refused
from pipeline.training.fitting import training_dataset
from pipeline.training.walk_forward import matured_by
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace, write_whole

FOLDS = 5
# a gain must be this many times its standard error over the folds; otherwise the luckiest of many
# trials would win
SURE = 2.0


@dataclass(frozen=True)
class TuningFold:
    """One forward fold with its labelled rows."""

    train: pl.DataFrame
    test: pl.DataFrame


def tune(
    workspace: Workspace, config: Config, progress: Progress, *, as_of: date, minutes: float
) -> bool:
    """Write `tuned.toml` if the best settings beat the defaults; return whether they did.

    Settings are compared by log loss on forward folds of the nights that had matured by `as_of`.
    Raises `Refused` if fewer than two folds have enough disputes.
    """
    with progress.piece("features") as notes:
        folds = _folds(workspace.open_tables(), config, day_number(as_of))
        notes.append(
            f"{len(folds)} forward folds, the last with {folds[-1].train.height:,} training "
            "order-nights"
        )
    tried: dict[int, list[float]] = {}

    def objective(trial: optuna.Trial) -> float:
        tried[trial.number] = [_loss(fold, config, _suggest(trial)) for fold in folds]
        return float(np.mean(tried[trial.number]))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=config.seed))
    study.enqueue_trial(Booster().model_dump())
    with progress.piece("search") as notes:
        study.optimize(objective, timeout=60.0 * minutes)
        gains = np.array(tried[0]) - np.array(tried[study.best_trial.number])
        gain, error = gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))
        is_better = bool(gain > SURE * error and gain > 0)
        notes.append(
            f"{len(tried)} settings; log loss {np.mean(tried[0]):.5f} with the defaults, "
            f"{study.best_value:.5f} with the best (gain {gain:.5f}, standard error {error:.5f})"
        )
    metrics = {
        "default_log_loss": float(np.mean(tried[0])),
        "best_log_loss": study.best_value,
        "settings": len(tried),
    }
    log_search(workspace, study.best_params | {"tuned_as_of": as_of, "is_used": is_better}, metrics)
    if is_better:
        lines = [f"{name} = {value!r}" for name, value in study.best_params.items()]
        write_whole(workspace.folder / TUNED, "\n".join(["[booster]", *lines, ""]))
        say(f"`make train` uses the best settings from now on: {workspace.folder / TUNED}")
    else:
        say("The best settings are no better than chance: the settings do not change")
    return is_better


def _folds(tables: Tables, config: Config, day: int) -> list[TuningFold]:
    last = matured_by(day, config)
    dataset = training_dataset(tables, config, last)
    usable_folds = []
    if dataset.height:
        first = int(dataset["as_of_day"].min())  # type: ignore[arg-type]
        for fold in forward_folds(first, last, FOLDS, config.label_window):
            train, test = train_and_test(tables, dataset, config.label_window, fold, day)
            train, test = learnable(train).sort("as_of_day", "order_id"), learnable(test)
            if _disputed(train) >= config.min_training_disputes and test["label"].n_unique() == 2:
                usable_folds.append(TuningFold(train, test))
    tested = [fold.test.select("order_id", "label") for fold in usable_folds]
    if len(usable_folds) < 2 or not is_measurable(pl.concat(tested)):
        raise Refused(
            f"fewer than two of {FOLDS} forward folds have {config.min_training_disputes} matured "
            "disputes for training and both outcomes for testing, or their tests have fewer than "
            f"{LEAST_DISPUTED} disputed orders, so settings cannot be compared. "
            "Use a later AS_OF or more history."
        )
    return usable_folds


def _disputed(rows: pl.DataFrame) -> int:
    return rows.filter(pl.col("label") == 1)["order_id"].n_unique()


def _suggest(trial: optuna.Trial) -> Booster:
    return Booster(
        num_leaves=trial.suggest_int("num_leaves", 3, 32, log=True),
        learning_rate=trial.suggest_float("learning_rate", 0.015, 0.1, log=True),
        feature_fraction=trial.suggest_float("feature_fraction", 0.1, 1.0),
        lambda_l2=trial.suggest_float("lambda_l2", 0.1, 300.0, log=True),
        orders_in_leaf=trial.suggest_int("orders_in_leaf", 3, 100, log=True),
    )


def _loss(fold: TuningFold, config: Config, booster: Booster) -> float:
    """Log loss on the fold's later nights.

    The number of rounds is the best one for these nights. This is optimistic, but for every setting
    alike.
    """
    recipe = config.model_copy(update={"booster": booster}).recipe
    model = fit_booster(fold.train, FEATURE_NAMES, recipe, fold.test)
    raw = predict_raw(model, to_matrix(fold.test, FEATURE_NAMES), threads=recipe.threads)
    return float(log_loss(fold.test["label"], raw))
