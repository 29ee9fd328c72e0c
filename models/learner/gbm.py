"""The dispute model: LightGBM, calibrated on the later orders.

It is stored as LightGBM text and JSON, never as a pickle.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, replace

import lightgbm as lgb
import numpy as np
import polars as pl

from models.learner.booster import Binned, Later, bin_rows, parameters, predict_raw, score_later
from models.learner.booster_text import booster_from_text
from models.learner.calibration import Calibration, Curve, fit_calibration, from_numbers, to_numbers
from models.learner.cause import SHARES, CauseModel, cause_from_text, unknown_shares
from models.learner.matrix import to_matrix
from models.learner.risk_interval import RiskInterval, learn_interval
from models.learner.stage_medians import Typical, fill_missing_lines, learn_typical
from models.learner.training_config import Recipe
from models.learner.weight_of_evidence import Evidence, learn_evidence
from models.monitoring.input_checks import Moments, learn_moments
from models.pool.pooled_rows import PooledStore

# a calibration is checked on each of so many parts of the orders, fitted on the others
CALIBRATION_PARTS = 5


@dataclass(frozen=True)
class DisputeModel:
    """A booster, its calibration, and statistics of its training rows.

    `feature_names` are the columns it reads, in order, in addition to `stage`. `interval` is laid
    around each probability; None if there was too little data to learn it. `cause` predicts the
    cause of a dispute; None if no causes were recorded. `moments` holds the mean and standard
    deviation of each feature over the training rows, and `learnt_rate` the share of them that was
    disputed. `evidence` holds the weight of evidence of each feature's values, for the reasons.
    `pool` lists the stores whose rows a pooled model was trained on; it is empty for a store's own
    model.
    """

    booster: lgb.Booster
    calibration: Calibration
    interval: RiskInterval | None
    feature_names: tuple[str, ...]
    typical: Typical
    cause: CauseModel | None = None
    moments: Moments = field(default_factory=dict)
    learnt_rate: float | None = None
    evidence: Evidence = field(default_factory=dict)
    pool: tuple[PooledStore, ...] = ()

    def predict(self, features: pl.DataFrame) -> np.ndarray:
        """One calibrated probability in (0, 1) per row of `features`."""
        return self.calibration.apply(predict_raw(self.booster, self.matrix(features)))

    def predict_with_bounds(self, features: pl.DataFrame) -> pl.DataFrame:
        """`probability, probability_low, probability_high` per row.

        The bounds hold the share of disputes among similar orders, 9 times in 10. Without an
        `interval` they are 0 and 1: nothing is known.
        """
        probability = self.predict(features)
        low, high = np.zeros_like(probability), np.ones_like(probability)
        if self.interval is not None:
            low, high = self.interval.around(probability)
        return pl.DataFrame(
            {"probability": probability, "probability_low": low, "probability_high": high}
        )

    def predict_cause(self, features: pl.DataFrame) -> pl.DataFrame:
        """`<cause>_share` per row: the chance of each cause given a dispute.

        Null if no causes were recorded.
        """
        if self.cause is None:
            return unknown_shares(features.height)
        return pl.DataFrame(
            self.cause.predict(fill_missing_lines(features, self.typical)), schema=SHARES
        )

    def contributions(self, features: pl.DataFrame) -> np.ndarray:
        """(rows, features) array: how much each feature raised the row's log odds.

        Source: TreeSHAP (Lundberg et al. 2020).
        """
        return predict_raw(self.booster, self.matrix(features), pred_contrib=True)[:, :-1]

    def matrix(self, features: pl.DataFrame) -> np.ndarray:
        """The matrix that the booster reads."""
        return to_matrix(fill_missing_lines(features, self.typical), self.feature_names)

    def to_text(self) -> tuple[str, str]:
        """The booster as LightGBM text and the rest as JSON.

        The text does not depend on the number of threads: LightGBM notes it, but it changes no
        tree.
        """
        rest = {
            "feature_names": list(self.feature_names),
            "calibration": to_numbers(self.calibration),
            "interval_shift": self.interval.shift if self.interval else None,
            "typical": self.typical,
            "cause": self.cause.to_text() if self.cause else None,
            "moments": self.moments,
            "learnt_rate": self.learnt_rate,
            "evidence": self.evidence,
            # a store's own model is stored as before there were pooled ones
            **({"pool": [asdict(store) for store in self.pool]} if self.pool else {}),
        }
        text = re.sub(r"\[num_threads: \d+\]", "[num_threads: 1]", self.booster.model_to_string())
        return text, json.dumps(rest, indent=2)


def from_text(booster: str, rest: str) -> DisputeModel:
    """The inverse of `DisputeModel.to_text`."""
    settings = json.loads(rest)
    # models of earlier versions have `bounds` instead, which contradicted the probability: no
    # interval until they are trained again
    shift = settings.get("interval_shift")
    return DisputeModel(
        booster_from_text(booster),
        from_numbers(settings["calibration"]),
        None if shift is None else RiskInterval(float(shift)),
        tuple(settings["feature_names"]),
        settings["typical"],
        cause_from_text(settings["cause"]) if settings["cause"] else None,
        # models of earlier versions of this program lack the following
        {name: (mean, spread) for name, (mean, spread) in settings.get("moments", {}).items()},
        settings.get("learnt_rate"),
        settings.get("evidence", {}),
        tuple(PooledStore(**store) for store in settings.get("pool", ())),
    )


def fit_model(rows: pl.DataFrame, feature_names: list[str], recipe: Recipe) -> DisputeModel:
    """Fit on labelled order-nights: columns `order_id, as_of_day, stage, label` and the features.

    The calibration is fitted on the latest `calibration_share` of the rows, with scores from a
    draft trained on the orders before them. No order is on both sides, because the nights of one
    order share its outcome. The final booster is then trained on all rows.
    """
    binned = bin_rows(rows, feature_names, recipe.threads)
    return finish_model(rows, binned, recipe, score_later(rows, binned, recipe))


def finish_model(
    rows: pl.DataFrame, binned: Binned, recipe: Recipe, later: Later | None
) -> DisputeModel:
    """The model of all rows, calibrated on the draft's scores of the later ones."""
    calibration: Calibration = Curve()
    interval = None
    if later is not None:
        calibration = fit_calibration(recipe.calibration, later.raw, later.label, later.evidence)
        interval = learn_interval(later.rows, calibrate_unseen(later, recipe.calibration))
        recipe = replace(recipe, rounds=later.rounds)
    names = list(binned.feature_names)
    return DisputeModel(
        lgb.train(parameters(recipe, rows, names), binned.data, recipe.rounds),
        calibration,
        interval,
        binned.feature_names,
        learn_typical(rows, names),
        moments=learn_moments(rows, names, binned.order),
        learnt_rate=int(rows["label"].sum()) / rows.height,
        evidence=learn_evidence(rows, names, binned.order),
    )


def calibrate_unseen(later: Later, kind: str) -> np.ndarray:
    """The calibrated risk of each later row by a calibration that was not fitted on its order.

    The orders are cut into parts, and each part is calibrated with the others; with only one
    outcome in the others its scores stay as they are.
    """
    if kind == "none":
        return later.raw
    part = later.rows["order_id"].rank("dense").to_numpy() % CALIBRATION_PARTS
    probability = later.raw.copy()
    for number in range(CALIBRATION_PARTS):
        own, others = part == number, part != number
        if len(np.unique(later.label[others])) == 2:
            fitted = fit_calibration(kind, later.raw[others], later.label[others], later.evidence)
            probability[own] = fitted.apply(later.raw[own])
    return probability
