"""Rules of thumb that sellers use without a model. A model must do better than these."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from models.reasons.risk_rules import strength

_IS_WAITING = pl.col("stage") != "delivered"
# the higher the score, the sooner the order gets a message; 0 means that the rule does not apply
RULES: dict[str, pl.Expr] = {
    "past_promise": pl.when(_IS_WAITING).then(
        (-pl.col("logistics_days_to_promise")).clip(lower_bound=0.0)
    ),
    "stalled_scan": pl.when(_IS_WAITING).then(pl.col("logistics_days_since_news")),
    "oldest_first": pl.col("order_age_days"),
    "dearest_first": pl.col("order_value_usd"),
    "disputed_product": pl.col("product_dispute_share_365d"),
    "unanswered_question": pl.col("conversation_days_unanswered"),
    "strongest_sign": strength(),
}


def rule_scores(features: pl.DataFrame, rules: Iterable[str] = tuple(RULES)) -> pl.DataFrame:
    """One row per row of `features` (the output of `build_features`), one column per rule.

    Rows keep their order. Scores rank orders; they are not probabilities. A rule that does not
    apply to an order scores 0.
    """
    return features.select(RULES[name].fill_null(0.0).alias(name) for name in rules)
