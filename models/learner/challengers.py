"""Other learners on the same rows and features: what a model must beat, and what might beat it.

Each fitter takes features (rows x columns, NaN: unknown), labels (0 or 1, both there) and a
`Budget`, and returns a function from features to one probability a row, as the learner gives it.
Settings are the learner's own defaults but for what keeps it from learning some hundred disputes by
heart, and for a fixed seed.
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
    """`seconds`: what our model took on the same rows; only a learner that searches by itself asks
    for it."""

    seed: int
    threads: int
    seconds: float


Scorer = Callable[[np.ndarray], np.ndarray]
Fitter = Callable[[np.ndarray, np.ndarray, Budget], Scorer]
# columns a standard deviation from usual by more than this come from an outlier or a hole
FARTHEST = 5.0


def fit_logistic_regression(features: np.ndarray, label: np.ndarray, budget: Budget) -> Scorer:
    return _fit(
        _scaled(LogisticRegression(C=0.01, max_iter=300, random_state=budget.seed)), features, label
    )


def fit_mlp(features: np.ndarray, label: np.ndarray, budget: Budget) -> Scorer:
    """A small net, stopped when a tenth of the rows put aside is no longer learnt better."""
    net = MLPClassifier(
        (32,), alpha=1.0, early_stopping=True, n_iter_no_change=3, random_state=budget.seed
    )
    return _fit(_scaled(net), features, label)


def fit_hist_gradient_boosting(features: np.ndarray, label: np.ndarray, budget: Budget) -> Scorer:
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
    """Searches learners and their settings by itself for as long as our model trained."""
    with warnings.catch_warnings():
        # it imports PySpark where there is one, which warns under pandas 3 of what is not used here
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
# with the package that each needs
_CHALLENGERS: dict[str, tuple[Fitter, str]] = {
    "hist_gradient_boosting": (fit_hist_gradient_boosting, "sklearn"),
    "mlp": (fit_mlp, "sklearn"),
    "xgboost": (fit_xgboost, "xgboost"),
    "catboost": (fit_catboost, "catboost"),
    "flaml": (fit_flaml, "flaml"),
}


def installed_challengers() -> dict[str, Fitter]:
    return {name: fitter for name, (fitter, package) in _CHALLENGERS.items() if find_spec(package)}


def missing_challengers() -> list[str]:
    return [name for name, (_, package) in _CHALLENGERS.items() if not find_spec(package)]


def _scaled(learner: Any) -> Any:
    """For learners that need every number there and on one scale; a hole gets the median and a mark
    of its own."""
    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
        FunctionTransformer(_hold),
        learner,
    )


def _hold(columns: np.ndarray) -> np.ndarray:
    return np.clip(columns, -FARTHEST, FARTHEST)


def _fit(learner: Any, features: np.ndarray, label: np.ndarray) -> Scorer:
    """Without the columns that hold nothing: scikit-learn's histogram boosting cannot bin them."""
    is_known = np.isfinite(features).any(axis=0)
    learner.fit(features[:, is_known], label)
    return lambda rows: np.asarray(learner.predict_proba(rows[:, is_known])[:, 1])
