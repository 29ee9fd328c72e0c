"""Settings of a training run: everything that training needs besides rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Small trees and strong regularisation: there are thousands of rows, but only as many independent
# cases as disputes. No class weights, because re-weighting distorts the probabilities.
PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.03,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
# an upper limit: the later orders decide how many rounds are used
ROUNDS = 600


@dataclass(frozen=True)
class Recipe:
    """How to train a model.

    `rounds` is the largest number of boosting rounds. `calibration` is one of
    `models.learner.calibration.KINDS`, fitted on the latest `calibration_share` of the orders.
    `parameters` overrides the LightGBM defaults above. A leaf needs as many rows as
    `orders_in_leaf` orders have, because the nights of an order share its outcome.
    """

    calibration: str
    calibration_share: float
    seed: int
    threads: int
    rounds: int = ROUNDS
    parameters: Mapping[str, Any] = field(default_factory=dict)
    orders_in_leaf: int = 10

    @property
    def booster(self) -> dict[str, Any]:
        """LightGBM's parameters except for the leaf size, which depends on the rows."""
        return {**PARAMETERS, **self.parameters, "seed": self.seed, "num_threads": self.threads}
