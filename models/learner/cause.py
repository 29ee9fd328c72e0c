"""Model of why an order would be disputed: not received, not as described, or other.

The causes have different remedies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import polars as pl

from features.asof import visible
from features.tables import CAUSES, Tables
from models.learner.booster_text import booster_from_text
from models.learner.matrix import to_matrix
from models.learner.training_config import Recipe

SHARES = dict.fromkeys((f"{cause}_share" for cause in CAUSES), pl.Float64)
# below FEWEST_ORDERS disputed orders only the shares per stage are estimated, shrunk towards the
# shares over all stages, which count as PRIOR_ORDERS orders
FEWEST_ORDERS, PRIOR_ORDERS = 200, 20.0
ROUNDS = 60
PARAMETERS = {
    "objective": "multiclass",
    "num_class": len(CAUSES),
    "num_leaves": 4,
    "learning_rate": 0.05,
}
ROWS_IN_LEAF = 40


@dataclass(frozen=True)
class CauseModel:
    """Shares of the causes, and a booster where there is enough data.

    `shares` has the shares by stage, and over all stages under "". `booster` is None if there were
    too few disputed orders.
    """

    shares: dict[str, list[float]]
    booster: lgb.Booster | None
    feature_names: tuple[str, ...]

    def predict(self, features: pl.DataFrame) -> np.ndarray:
        """(rows, causes) array: the chance of each of `CAUSES` if the order is disputed.

        Each row sums to 1.
        """
        if self.booster is not None:
            return np.asarray(
                self.booster.predict(to_matrix(features, self.feature_names), num_threads=1)
            )
        return np.array(
            [self.shares.get(stage, self.shares[""]) for stage in features["stage"]]
        ).reshape(-1, 3)

    def to_text(self) -> str:
        """The model as JSON; `cause_from_text` reads it back."""
        booster = None if self.booster is None else self.booster.model_to_string()
        return json.dumps(
            {"shares": self.shares, "booster": booster, "feature_names": list(self.feature_names)}
        )


def unknown_shares(height: int) -> pl.DataFrame:
    """`<cause>_share` columns of `height` nulls."""
    return pl.DataFrame({name: [None] * height for name in SHARES}, schema=SHARES)


def cause_from_text(text: str) -> CauseModel:
    """The inverse of `CauseModel.to_text`."""
    stored = json.loads(text)
    booster = booster_from_text(stored["booster"]) if stored["booster"] else None
    return CauseModel(stored["shares"], booster, tuple(stored["feature_names"]))


def add_cause(tables: Tables, rows: pl.DataFrame, data_end_day: int) -> pl.DataFrame:
    """The disputed rows of `rows` (`order_id, label`) whose cause is known, with `cause`.

    Only facts known at `data_end_day` are used. A dispute without a known cause is left out.
    """
    steps = tables.select("disputes", "order_id", "step", "cause", "known_at", "known_day")
    opened = visible(steps, data_end_day).filter(pl.col("step") == "opened")
    causes = opened.sort("order_id", "known_at").unique(
        "order_id", keep="first", maintain_order=True
    )
    disputed = rows.filter(pl.col("label") == 1)
    with_cause = disputed.join(
        causes.select("order_id", "cause"), on="order_id", how="left", maintain_order="left"
    )
    return with_cause.filter(pl.col("cause").is_in(CAUSES))


def fit_cause(
    disputed: pl.DataFrame, feature_names: list[str], recipe: Recipe
) -> CauseModel | None:
    """Fit on disputed order-nights (`order_id, as_of_day, stage, cause` and the features).

    Return None if there are no rows.
    """
    if disputed.is_empty():
        return None
    disputed = disputed.sort("as_of_day", "order_id")
    shares = _shares(disputed)
    booster = None
    if disputed["order_id"].n_unique() >= FEWEST_ORDERS:
        label = (
            disputed["cause"]
            .replace_strict({cause: number for number, cause in enumerate(CAUSES)})
            .to_numpy()
        )
        nights = disputed.height / disputed["order_id"].n_unique()
        data = lgb.Dataset(
            to_matrix(disputed, feature_names), label, feature_name=list(feature_names)
        )
        parameters = {
            **recipe.booster,
            **PARAMETERS,
            "min_data_in_leaf": int(ROWS_IN_LEAF * nights),
        }
        booster = lgb.train(parameters, data, ROUNDS)
    return CauseModel(shares, booster, tuple(feature_names))


def _shares(disputed: pl.DataFrame) -> dict[str, list[float]]:
    """Shares of the causes by stage, shrunk towards those of all stages by `PRIOR_ORDERS` orders.

    Each order counts once per stage.
    """
    orders = disputed.unique(["order_id", "stage"], maintain_order=True)
    over_all = np.array([(orders["cause"] == cause).sum() for cause in CAUSES]) + 1.0
    over_all = over_all / over_all.sum()
    shares = {"": over_all.tolist()}
    for stage in orders["stage"].unique().sort():
        stage_orders = orders.filter(pl.col("stage") == stage)
        counts = np.array([(stage_orders["cause"] == cause).sum() for cause in CAUSES])
        shares[stage] = (
            (counts + PRIOR_ORDERS * over_all) / (stage_orders.height + PRIOR_ORDERS)
        ).tolist()
    return shares
