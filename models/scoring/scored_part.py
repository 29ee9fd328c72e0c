"""What comes back from scoring the open orders of a night, or of a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import polars as pl

from models.monitoring.feature_sums import FeatureSums


@dataclass(frozen=True)
class ScoredPart:
    """The open orders of a night, or of a part of it, sorted by order_id.

    Attributes
    ----------
    scores : one row per open order: `order_id, as_of_day` and the scoring's `score_columns`
    considered : the orders that may get an action, with the same columns and the scoring's
        `more_columns`, which include the features
    queued : `order_id` and the scoring's `queue_columns` of other orders that may be in a queue
    best : `order_id, action, expected_value_usd`: the best action of each order that is not
        considered, if it has one; such an action is worth too little to be done
    sums : of the features and the probability, over all open orders

    """

    scores: pl.DataFrame
    considered: pl.DataFrame
    queued: pl.DataFrame
    best: pl.DataFrame
    sums: FeatureSums


@dataclass(frozen=True)
class DecidedRows:
    """Some of the open orders, scored by a worker.

    Attributes
    ----------
    rows : one row per order: the columns of `ScoredPart.scores` and `more_columns`; `action` and
        `expected_value_usd` of the best action (null without one), `buyer_id`; `is_worth_it`,
        whether the best action is worth enough to be done; and `may_be_queued`
    sums : as in `ScoredPart`, over these orders

    """

    rows: pl.DataFrame
    sums: FeatureSums


class Scoring(Protocol):
    """Scores orders wherever their features are built; it is sent to Spark's workers.

    The columns of the parts' frames; all are numbers (float64).
    """

    score_columns: ClassVar[tuple[str, ...]]
    more_columns: ClassVar[tuple[str, ...]]
    queue_columns: ClassVar[tuple[str, ...]]
    summed: ClassVar[tuple[str, ...]]

    def __call__(self, features: pl.DataFrame) -> ScoredPart:
        """Score all open orders, from `features.build.registry.build_features`."""
        ...

    def decide(self, features: pl.DataFrame, orders: pl.DataFrame) -> DecidedRows:
        """Score some of the open orders, and find the best action of each.

        `orders` has `order_id, buyer_id, store_id`.
        """
        ...
