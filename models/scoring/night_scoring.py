"""Score open orders where their features are: in this process, or in a worker of a cluster.

A model travels as text: LightGBM's own and JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import polars as pl

from features.build.registry import FEATURE_NAMES
from features.tables import CAUSE_SHARES
from models.actions.action_options import STORE, action_options, may_have_option
from models.actions.action_rules import ActionRules
from models.actions.action_stakes import STAKES, DisputeCost, add_stakes
from models.actions.actions import Action
from models.contact.queues import QUEUE_FEATURES, may_be_queued
from models.effects.effect_posterior import EffectPosterior
from models.learner.gbm import DisputeModel, from_text
from models.monitoring.feature_sums import sum_features
from models.reasons.risk_rules import SignModel, has_sign
from models.scoring.scored_part import DecidedRows, ScoredPart

Model = DisputeModel | SignModel
_BEST = ("order_id", "action", "expected_value_usd")
_BOUNDS = ("probability", "probability_low", "probability_high")


@dataclass(frozen=True)
class NightScoring:
    """Everything that decides an order's score, its best action and whether it may be queued."""

    model: Model
    cost: DisputeCost
    actions: Sequence[Action]
    posterior: EffectPosterior
    rules: ActionRules
    least_worth_usd: float

    score_columns: ClassVar[tuple[str, ...]] = (
        *_BOUNDS,
        *CAUSE_SHARES,
        "end_probability",
        "stake_usd",
    )
    more_columns: ClassVar[tuple[str, ...]] = (*FEATURE_NAMES, *STAKES, "dispute_usd")
    queue_columns: ClassVar[tuple[str, ...]] = QUEUE_FEATURES
    summed: ClassVar[tuple[str, ...]] = (*FEATURE_NAMES, "probability")

    def __call__(self, features: pl.DataFrame) -> ScoredPart:
        """Score all open orders, from `features.build.registry.build_features`."""
        scored = score_orders(self.model, features, self.cost)
        has_option = may_have_option(self.actions, self.rules, self.least_worth_usd)
        keys = ("order_id", "as_of_day", "stage", *self.score_columns)
        considered = scored.filter(has_option)
        queued = scored.filter(~has_option & may_be_queued())
        return ScoredPart(
            scored.select(keys),
            considered.select(*keys, *self.more_columns),
            queued.select("order_id", *self.queue_columns),
            _no_best(),
            sum_features(scored, self.summed),
        )

    def decide(self, features: pl.DataFrame, orders: pl.DataFrame) -> DecidedRows:
        """Score some of the open orders, and find the best action of each.

        `orders` has `order_id, buyer_id, store_id`.
        """
        scored = score_orders(self.model, features, self.cost)
        about = orders.select("order_id", "buyer_id", pl.col("store_id").alias(STORE))
        rows = scored.join(about, on="order_id", how="left", maintain_order="left")
        options = action_options(
            # no value depends on the language
            rows.filter(self.may_act).with_columns(message_language=pl.lit(None, pl.String)),
            self.actions,
            self.posterior,
            self.rules,
            self.least_worth_usd,
        )
        rows = rows.join(best_options(options), on="order_id", how="left", maintain_order="left")
        is_worth_it = (pl.col("expected_value_usd") >= self.least_worth_usd).fill_null(False)
        flagged = rows.with_columns(is_worth_it=is_worth_it, may_be_queued=may_be_queued())
        return DecidedRows(flagged.drop(STORE), sum_features(scored, self.summed))

    @property
    def may_act(self) -> pl.Expr:
        """Whether an order may get an action: with fixed rules, a high order value alone is no
        reason to write to a buyer."""
        return has_sign() if isinstance(self.model, SignModel) else pl.lit(True)

    def __reduce__(self) -> tuple[Callable[..., NightScoring], tuple[Any, ...]]:
        """Travel with the model as text, so that no object of a library is pickled."""
        text = self.model.rate if isinstance(self.model, SignModel) else self.model.to_text()
        rest = (self.cost, self.actions, self.posterior, self.rules, self.least_worth_usd)
        return _received, (text, *rest)


def score_orders(model: Model, features: pl.DataFrame, cost: DisputeCost) -> pl.DataFrame:
    """`features` with the probability and its bounds, the shares of the causes and the stakes."""
    if features.is_empty():
        empty = {name: pl.lit(0.0) for name in (*_BOUNDS, *CAUSE_SHARES)}
        return add_stakes(features.with_columns(**empty), cost)
    probabilities = model.predict_with_bounds(features)
    causes = model.predict_cause(features)
    return add_stakes(pl.concat([features, probabilities, causes], how="horizontal"), cost)


def _received(
    text: float | tuple[str, str],
    cost: DisputeCost,
    actions: Sequence[Action],
    posterior: EffectPosterior,
    rules: ActionRules,
    least_worth_usd: float,
) -> NightScoring:
    model = SignModel(text) if isinstance(text, float) else _read_model(text)
    return NightScoring(model, cost, actions, posterior, rules, least_worth_usd)


def best_options(options: pl.DataFrame) -> pl.DataFrame:
    """`order_id, action, expected_value_usd`: the best of the `action_options` of each order."""
    ordered = options.sort("value_usd", "action", descending=[True, False])
    best = ordered.unique("order_id", keep="first", maintain_order=True)
    return best.select("order_id", "action", expected_value_usd="value_usd")


def _no_best() -> pl.DataFrame:
    return pl.DataFrame(schema=dict(zip(_BEST, (pl.String, pl.String, pl.Float64), strict=True)))


@lru_cache(maxsize=1)
def _read_model(text: tuple[str, str]) -> DisputeModel:
    """A worker keeps the model for its next task."""
    return from_text(*text)
