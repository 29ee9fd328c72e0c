"""How a model is made: everything that training asks besides rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Small trees, strong regularisation: thousands of rows, but only as many independent cases as there
# are disputes. No class weights: re-weighting spoils probabilities.
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
# at the most: the later orders say how many are worth it
ROUNDS = 600


@dataclass(frozen=True)
class Recipe:
    """`rounds`: boosting rounds at the most. `calibration`: one of
    `models.learner.calibration.KINDS`, learnt on the latest `calibration_share` of the orders.
    `parameters`: LightGBM's, over the defaults above. The nights of an order share its fate, so a
    leaf is as large as the rows of `orders_in_leaf` orders.
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
        """LightGBM's parameters but for the leaf size, which follows the rows."""
        return {**PARAMETERS, **self.parameters, "seed": self.seed, "num_threads": self.threads}
