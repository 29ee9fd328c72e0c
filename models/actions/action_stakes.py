"""What the disputes that an open order may still have would cost: the money at stake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from features.tables import CAUSE_SHARES, CAUSES
from models.actions.actions import ORDER_VALUE

# by cause, in USD: the chance of a dispute to the end of the order times what it costs
STAKES = tuple(f"stake_{cause}_usd" for cause in CAUSES)
MOST_PROBABLE = 0.95
# Shares of the causes (as in CAUSES) where they are not known, such as while fixed rules make the
# list: an assumption. No platform publishes them by stage; over all disputes about 45 % are "not
# received" on postal lanes. Before delivery hardly anything else can be.
NOT_DELIVERED = (0.80, 0.12, 0.08)
ASSUMED_CAUSES = {
    "before_shipment": NOT_DELIVERED,
    "dispatch": NOT_DELIVERED,
    "in_transit": NOT_DELIVERED,
    "delivered": (0.25, 0.65, 0.10),
    "unknown": (0.45, 0.45, 0.10),
}


@dataclass(frozen=True)
class DisputeCost:
    """What a dispute costs the store.

    Attributes
    ----------
    fixed_usd : fees and work of one dispute
    loss_shares : by cause, the share of the order value that is lost; a cause without one loses it
        all
    end_ratios : by stage, disputes to the end of the order per dispute within the horizon; 1
        without one
    indicator_usd : what one dispute does to the store's grade

    """

    fixed_usd: float
    loss_shares: Mapping[str, float] = field(default_factory=dict)
    end_ratios: Mapping[str, float] = field(default_factory=dict)
    indicator_usd: float = 0.0

    def of_cause(self, cause: str) -> pl.Expr:
        """USD of a dispute with this cause, from `order_value_usd`; 0 for an unknown value."""
        return ORDER_VALUE * self.loss_shares.get(cause, 1.0) + self.fixed_usd + self.indicator_usd

    @property
    def end_probability(self) -> pl.Expr:
        """The chance of a dispute to the end of the order, from `probability` and `stage`."""
        ratio = pl.col("stage").replace_strict(
            dict(self.end_ratios), default=1.0, return_dtype=pl.Float64
        )
        return (pl.col("probability") * ratio).clip(upper_bound=MOST_PROBABLE)


def add_stakes(scored: pl.DataFrame, cost: DisputeCost) -> pl.DataFrame:
    """Add `end_probability`, `STAKES`, their sum `stake_usd` and `dispute_usd`.

    `scored` has `stage, probability, order_value_usd` and the shares of the causes; where these are
    unknown, those of `ASSUMED_CAUSES`. `dispute_usd` is the mean cost of one dispute.
    """
    shares = cause_shares()
    stakes = {
        name: pl.col("end_probability") * shares[cause] * cost.of_cause(cause)
        for name, cause in zip(STAKES, CAUSES, strict=True)
    }
    mean = pl.sum_horizontal(shares[cause] * cost.of_cause(cause) for cause in CAUSES)
    return (
        scored.with_columns(end_probability=cost.end_probability)
        .with_columns(dispute_usd=mean, **stakes)
        .with_columns(stake_usd=pl.sum_horizontal(STAKES))
    )


def cause_shares() -> dict[str, pl.Expr]:
    """cause -> its share of the disputes of an order: as forecast, or assumed by `stage`."""
    return {
        cause: pl.coalesce(pl.col(name).fill_nan(None), _assumed(position))
        for position, (cause, name) in enumerate(zip(CAUSES, CAUSE_SHARES, strict=True))
    }


def _assumed(position: int) -> pl.Expr:
    shares = {stage: parts[position] for stage, parts in ASSUMED_CAUSES.items()}
    return pl.col("stage").replace_strict(shares, return_dtype=pl.Float64)
