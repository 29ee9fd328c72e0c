"""Other learners on the same rows and features: baselines, and challengers that might be better.

Each fitter takes features (rows x columns, NaN for unknown), labels (0 or 1, with both present) and
a `Budget`. It returns a function from features to one uncalibrated probability per row. Settings
are the learner's defaults, except for a fixed seed and for regularisation that keeps it from
memorising a few hundred disputes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


@dataclass(frozen=True)
class Budget:
    """What a fitter may use.

    `seconds` is the training time of our own model on the same rows; only a learner that searches
    by itself uses it.
    """

    seed: int
    threads: int
    seconds: float


Scorer = Callable[[np.ndarray], np.ndarray]
Fitter = Callable[[np.ndarray, np.ndarray, Budget], Scorer]
# scaled values are clipped at this many standard deviations; larger ones come from outliers or
# missing values
FARTHEST = 5.0


def fit_logistic_regression(features: np.ndarray, label: np.ndarray, budget: Budget) -> Scorer:
    """Regularised logistic regression on scaled features."""
    return _fit(
        _scaled(LogisticRegression(C=0.01, max_iter=300, random_state=budget.seed)), features, label
    )


def fit_mlp(features: np.ndarray, label: np.ndarray, budget: Budget) -> Scorer:
    """A small neural network, stopped when its loss on a tenth of the rows no longer improves."""
    net = MLPClassifier(
        (32,), alpha=1.0, early_stopping=True, n_iter_no_change=3, random_state=budget.seed
    )
    return _fit(_scaled(net), features, label)


def fit_hist_gradient_boosting(features: np.ndarray, label: np.ndarray, budget: Budget) -> Scorer:
    """scikit-learn's histogram gradient boosting."""
    return _fit(
        HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_leaf_nodes=15,
            min_samples_leaf=200,
            l2_regularization=10.0,
            early_stopping=False,
            random_state=budget.seed,
        ),
        features,
        label,
    )


def fit_xgboost(features: np.ndarray, label: np.ndarray, budget: Budget) -> Scorer:
    """XGBoost with shallow trees."""
    from xgboost import XGBClassifier

    return _fit(
        XGBClassifier(
            n_estimators=150,
            learning_rate=0.05,
            max_depth=4,
            min_child_weight=10.0,
            subsample=0.8,
            colsample_bytree=0.6,
            reg_lambda=10.0,
            n_jobs=budget.threads,
            random_state=budget.seed,
        ),
        features,
        label,
    )


def fit_catboost(features: np.ndarray, label: np.ndarray, budget: Budget) -> Scorer:
    """CatBoost with shallow trees."""
    from catboost import CatBoostClassifier

    return _fit(
        CatBoostClassifier(
            iterations=200,
            learning_rate=0.05,
            depth=5,
            l2_leaf_reg=10.0,
            thread_count=budget.threads,
            random_seed=budget.seed,
            verbose=False,
            allow_writing_files=False,
        ),
        features,
        label,
    )


def fit_flaml(features: np.ndarray, label: np.ndarray, budget: Budget) -> Scorer:
    """FLAML: a search over learners and settings for as long as our own model trained."""
    with warnings.catch_warnings():
        # it imports PySpark if installed, which then warns about pandas 3 features that are not
        # used here
        warnings.simplefilter("ignore")
        from flaml import AutoML

        search = AutoML()
        search.fit(
            features,
            label,
            task="classification",
            metric="log_loss",
            time_budget=max(budget.seconds, 1.0),
            estimator_list=["lgbm", "rf", "extra_tree"],
            split_type="time",
            n_jobs=budget.threads,
            seed=budget.seed,
            verbose=0,
            log_file_name="",
            mlflow_logging=False,
        )
    return lambda rows: np.asarray(search.predict_proba(rows)[:, 1])


BASELINES: dict[str, Fitter] = {"logistic_regression": fit_logistic_regression}
# each fitter with the package it needs
_CHALLENGERS: dict[str, tuple[Fitter, str]] = {
    "hist_gradient_boosting": (fit_hist_gradient_boosting, "sklearn"),
    "mlp": (fit_mlp, "sklearn"),
    "xgboost": (fit_xgboost, "xgboost"),
    "catboost": (fit_catboost, "catboost"),
    "flaml": (fit_flaml, "flaml"),
}


def installed_challengers() -> dict[str, Fitter]:
    """The challengers whose packages are installed."""
    return {name: fitter for name, (fitter, package) in _CHALLENGERS.items() if find_spec(package)}


def missing_challengers() -> list[str]:
    """The names of the challengers whose packages are not installed."""
    return [name for name, (_, package) in _CHALLENGERS.items() if not find_spec(package)]


def _scaled(learner: Any) -> Any:
    """Prepare features for learners that need complete numbers on one scale.

    A missing value becomes the column's median and gets an indicator column.
    """
    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
        FunctionTransformer(_clip),
        learner,
    )


def _clip(columns: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(columns, -FARTHEST, FARTHEST))


def _fit(learner: Any, features: np.ndarray, label: np.ndarray) -> Scorer:
    """Fit without empty columns, which scikit-learn's histogram boosting cannot bin."""
    is_known = np.isfinite(features).any(axis=0)
    learner.fit(features[:, is_known], label)
    return lambda rows: np.asarray(learner.predict_proba(rows[:, is_known])[:, 1])
