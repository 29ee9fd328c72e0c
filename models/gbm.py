"""The dispute model: LightGBM, calibrated on later orders; stored as LightGBM text and JSON, never as a pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import lightgbm as lgb
import numpy as np
import polars as pl

from models.calibrate import Calibration, fit_calibration
from models.typical import Typical, fill_missing_lines, learn_typical

# Small trees, strong regularisation: thousands of rows, but only as many independent cases as there are disputes.
# No class weights: re-weighting spoils probabilities.
PARAMETERS = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.03,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
ROUNDS = 100
# The nights of an order share its fate, so a leaf is as large as this many orders' rows. Chosen, with the numbers
# above, on earlier nights than any we report: more leaves or rounds raised the log loss on real and simulated stores.
ORDERS_IN_LEAF, SMALLEST_LEAF = 10, 50


@dataclass(frozen=True)
class DisputeModel:
    """A booster, its calibration, and what was usual in its training rows.

    `feature_names` are the columns it reads, in order; besides them it reads `stage`.
    """

    booster: lgb.Booster
    calibration: Calibration
    feature_names: tuple[str, ...]
    typical: Typical

    def predict(self, features: pl.DataFrame) -> np.ndarray:
        """One calibrated probability in (0, 1) per row of `features`."""
        return self.calibration.apply(predict_raw(self.booster, self._matrix(features)))

    def contributions(self, features: pl.DataFrame) -> np.ndarray:
        """Rows x features: how much each feature raised the row's log odds (TreeSHAP, Lundberg et al. 2020)."""
        return predict_raw(self.booster, self._matrix(features), pred_contrib=True)[:, :-1]

    def _matrix(self, features: pl.DataFrame) -> np.ndarray:
        return fill_missing_lines(features, self.typical).select(self.feature_names).to_numpy()

    def to_text(self) -> tuple[str, str]:
        """The booster as LightGBM text and the rest as JSON."""
        rest = {
            "feature_names": list(self.feature_names),
            "calibration": asdict(self.calibration),
            "typical": self.typical,
        }
        return self.booster.model_to_string(), json.dumps(rest, indent=2)


def from_text(booster: str, rest: str) -> DisputeModel:
    """The inverse of `DisputeModel.to_text`."""
    settings = json.loads(rest)
    return DisputeModel(
        lgb.Booster(model_str=booster),
        Calibration(**settings["calibration"]),
        tuple(settings["feature_names"]),
        settings["typical"],
    )


def fit_model(
    rows: pl.DataFrame, feature_names: list[str], *, calibration_share: float, seed: int, threads: int
) -> DisputeModel:
    """Fit on labelled order-nights: columns `order_id, as_of_day, stage, label` and the features.

    The calibration is learnt on the latest `calibration_share` of the rows from a model fitted on the orders before
    them: no order is on both sides, since the nights of one order share its fate. The booster that ships is then
    refitted on all rows.
    """
    rows = rows.sort("as_of_day", "order_id")
    is_later = later_orders(rows, calibration_share)
    earlier, later = rows.filter(~is_later), rows.filter(is_later)
    if earlier["label"].n_unique() == 2 and later["label"].n_unique() == 2:
        draft = fit_booster(earlier, feature_names, seed=seed, threads=threads)
        calibration = fit_calibration(
            predict_raw(draft, later.select(feature_names).to_numpy(), threads=threads), later["label"].to_numpy()
        )
    else:
        calibration = Calibration()
    return DisputeModel(
        fit_booster(rows, feature_names, seed=seed, threads=threads),
        calibration,
        tuple(feature_names),
        learn_typical(rows, feature_names),
    )


def later_orders(rows: pl.DataFrame, share: float) -> pl.Series:
    """True for the rows of the orders seen last, about `share` of all rows."""
    seen = rows.group_by("order_id").agg(first_day=pl.col("as_of_day").min(), count=pl.len())
    seen = seen.sort("first_day", "order_id")
    later = seen.filter(pl.col("count").cum_sum() > (1 - share) * rows.height)["order_id"]
    return rows["order_id"].is_in(later.implode())


def predict_raw(
    booster: lgb.Booster, matrix: np.ndarray, *, threads: int = 1, pred_contrib: bool = False
) -> np.ndarray:
    """What the booster says of each row, uncalibrated.

    LightGBM has one thread count for the whole process, and a call that names none resets it to all cores: whatever
    another thread builds at that moment then overruns its buffers. So every call names its count, and models fitted
    side by side all name one.
    """
    return np.asarray(booster.predict(matrix, pred_contrib=pred_contrib, num_threads=threads))


def fit_booster(rows: pl.DataFrame, feature_names: list[str], *, seed: int, threads: int) -> lgb.Booster:
    data = lgb.Dataset(
        rows.select(feature_names).to_numpy(), rows["label"].to_numpy(), feature_name=list(feature_names)
    )
    smallest = max(SMALLEST_LEAF, ORDERS_IN_LEAF * rows.height // rows["order_id"].n_unique())
    parameters = {**PARAMETERS, "min_data_in_leaf": smallest, "seed": seed, "num_threads": threads}
    return lgb.train(parameters, data, num_boost_round=ROUNDS)
