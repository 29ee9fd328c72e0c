"""What the disputes that an open order may still have would cost: the money at stake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from features.tables import CAUSE_SHARES, CAUSES

# by cause, in USD: the chance of a dispute to the end of the order times what it costs
STAKES = tuple(f"stake_{cause}_usd" for cause in CAUSES)
MOST_PROBABLE = 0.95


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
        value = pl.col("order_value_usd").fill_null(0.0)
        return value * self.loss_shares.get(cause, 1.0) + self.fixed_usd + self.indicator_usd

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
    unknown, all causes count the same. `dispute_usd` is the mean cost of one dispute.
    """
    shares = {
        cause: pl.col(name).fill_nan(None).fill_null(1.0 / len(CAUSES))
        for cause, name in zip(CAUSES, CAUSE_SHARES, strict=True)
    }
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
