"""A night's scores by rules alone, while a store has too few disputes to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from features.asof import visible
from features.clock import day_number
from models.reasons.risk_rules import ASSUMED_ORDERS, SignModel, assumed_rate
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles

VERSION = "rules"
# orders placed so long ago are over, whatever became of them: promised within 60 days at the most,
# then the time in which a dispute may be opened
OVER_DAYS = 120


@dataclass(frozen=True)
class ByRules:
    """What a night needs of a model. `trained_as_of`: the night itself, whose facts say how often
    its orders are disputed. `run_id`: the same where the same would be said."""

    model: SignModel
    run_id: str
    trained_as_of: str
    says: str
    version: str = VERSION


def score_by_rules(files: TableFiles, config: Config, as_of: date) -> ByRules:
    """The rules with the dispute rate that the store is known to have on `as_of`."""
    day = day_number(as_of)
    over = visible(files.read_all_of("orders"), day).filter(
        pl.col("occurred_at") < _long_ago(as_of)
    )["order_id"]
    opened = visible(files.read_all_of("disputes"), day).filter(step="opened")["order_id"].unique()
    disputed = int(opened.is_in(over.implode()).sum())
    rate = assumed_rate(config.assumed_dispute_rate, over.len(), disputed)
    source = f"{disputed:,} of {over.len():,} orders that are over are known to have been"
    return ByRules(
        SignModel(rate),
        f"{VERSION} at {rate:.8f}",
        as_of.isoformat(),
        f"This list is made by rules alone: fewer than {config.min_training_disputes} disputed orders have matured, "
        f"too few to learn from. {rate:.1%} of the orders are taken to be disputed ({source}; "
        f"{config.assumed_dispute_rate:.1%} is assumed, with the weight of {ASSUMED_ORDERS} orders), more often where "
        "a parcel is late or silent or its buyer asks. The order of the list is worth more than its chances. A model "
        "is made by itself once there are enough.",
    )


def _long_ago(as_of: date) -> pl.Expr:
    return pl.lit(as_of - timedelta(days=OVER_DAYS)).cast(pl.Datetime("us", "UTC"))
