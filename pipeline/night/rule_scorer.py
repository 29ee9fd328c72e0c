"""Scores a night with fixed rules, while a store has too few disputes to train a model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from features.asof import visible
from features.clock import day_number, is_earlier
from models.reasons.risk_rules import ASSUMED_ORDERS, SignModel, assumed_rate
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles

VERSION = "rules"
# An order this old has ended, whatever happened to it: delivery is promised within 60 days at the
# most, and then comes the time in which the buyer may open a dispute.
ENDED_AFTER_DAYS = 120


@dataclass(frozen=True)
class RuleScorer:
    """What a night needs from a model, provided by fixed rules.

    `trained_as_of` is the night itself, whose facts give the dispute rate. `run_id` is the same
    whenever the probabilities would be the same. `warning` is shown above the list.
    """

    model: SignModel
    run_id: str
    trained_as_of: str
    warning: str
    version: str = VERSION


def score_by_rules(files: TableFiles, config: Config, as_of: date) -> RuleScorer:
    """The rules, with the store's dispute rate as known on `as_of`."""
    count_ended, count_disputed = count_ended_orders(files, day_number(as_of))
    evidence = (
        f"({count_disputed:,} of the {count_ended:,} orders that have ended since the first "
        f"disputed order were; the assumed rate of {config.assumed_dispute_rate:.1%} counts as "
        f"{ASSUMED_ORDERS} more orders)"
        if count_ended
        else "(assumed_dispute_rate in config.toml: no order since the first disputed one has "
        "ended, so the store's own rate is not known yet)"
    )
    rate = assumed_rate(config.assumed_dispute_rate, count_ended, count_disputed)
    return RuleScorer(
        SignModel(rate),
        f"{VERSION} at {rate:.8f}",
        as_of.isoformat(),
        f"This list uses fixed rules: there are fewer than {config.min_training_disputes} disputed "
        "orders with a final outcome, too few to train a model. The rules assume that "
        f"{rate:.1%} of the orders are disputed {evidence}, and more where a parcel is late or "
        "silent or the buyer has asked about it. Trust the order of the list more than its "
        "probabilities. The program trains a model as soon as there are enough disputes.",
    )


_PLACED = ("order_id", "occurred_at", "occurred_day", "known_day")
_STEPS = ("order_id", "step", "known_day")


def count_ended_orders(files: TableFiles, as_of_day: int) -> tuple[int, int]:
    """Number of orders that have ended by `as_of_day`, and how many of them were disputed.

    Only orders placed since the earliest disputed one count: the store may not have recorded the
    disputes of older ones, and counting them as undisputed would contradict its measured rate.
    An order has ended when it was placed more than `ENDED_AFTER_DAYS` days before, counted in days
    of the store's zone.
    """
    is_ended = is_earlier(pl.col("occurred_day"), pl.lit(as_of_day - ENDED_AFTER_DAYS))
    orders = visible(files.read_all_of("orders", _PLACED), as_of_day)
    disputes = visible(files.read_all_of("disputes", _STEPS), as_of_day)
    disputed = disputes.filter(step="opened")["order_id"].unique()
    since = orders.filter(pl.col("order_id").is_in(disputed.implode()))["occurred_at"].min()
    if since is None:
        return 0, 0
    is_recorded = ~is_earlier(pl.col("occurred_at"), pl.lit(since))
    ended = orders.filter(is_ended, is_recorded)["order_id"]
    return ended.len(), int(disputed.is_in(ended.implode()).sum())
