"""What became of past orders in each state, for the forecast of the indicators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.clock import in_days
from features.indicators.indicator_rules import Rate
from features.indicators.measured_rates import membership
from features.indicators.order_outcomes import order_outcomes
from features.spine import DisputeWindow
from features.tables import Tables
from models.indicators.forecast_states import order_states

# shares of a state are shrunk towards those of its kind (the first letter) among orders that count
# the same now; these count as this many orders
PRIOR_ORDERS = 5.0


@dataclass(frozen=True)
class PastNight:
    """What became of the orders of one past night.

    `counts` holds, per state, the orders in it and how many of them counted later. `new` holds how
    many orders placed after the night counted; `placed_before` is the number of orders placed in as
    many days before it.
    """

    counts: pl.DataFrame
    placed_before: int
    new: Mapping[str, int]


def current_states(
    tables: Tables, day: int, rate: Rate, kind: str, window: DisputeWindow
) -> pl.DataFrame:
    """One row per order: its state, and whether it would count if nothing more happened to it."""
    member = membership(rate, rate.windows[0])
    states = order_states(tables, day, window)
    return states.select(
        "order_id",
        "lane",
        "ordered_day",
        "state",
        is_above=member[kind],
        is_below=member["denominator"],
    ).filter((pl.col("state") != "z") | pl.col("is_above") | pl.col("is_below"))


def look_back(
    tables: Tables, night: int, ahead: int, rate: Rate, kind: str, window: DisputeWindow
) -> PastNight:
    """What became, `ahead` days later, of the orders in each state on a past night."""
    then = current_states(tables, night, rate, kind, window)
    member = membership(rate, rate.windows[0])
    later = order_outcomes(tables, night + ahead, window).select(
        "order_id", "ordered_day", above=member[kind], below=member["denominator"]
    )
    both = then.join(later.drop("ordered_day"), on="order_id", how="left")
    counts = both.group_by("state", "is_above", "is_below").agg(
        pl.len().alias("count"), pl.col("above", "below").sum()
    )
    # orders placed after the night, not orders placed before it that became known late
    new = later.join(then.select("order_id"), on="order_id", how="anti")
    new = new.filter(in_days(pl.col("ordered_day"), night, night + ahead))
    return PastNight(
        counts,
        orders_placed(then, night, ahead),
        {name: int(new[name].sum()) for name in ("above", "below")},
    )


def add_up_nights(parts: Sequence[PastNight]) -> PastNight:
    """What became of all orders on a past night, from what became of the orders of each part."""
    key = ["state", "is_above", "is_below"]
    return PastNight(
        pl.concat([part.counts for part in parts]).group_by(key).sum(),
        sum(part.placed_before for part in parts),
        {name: sum(part.new[name] for part in parts) for name in ("above", "below")},
    )


def orders_placed(states: pl.DataFrame, day: int, days: int) -> int:
    """The number of orders placed in the `days` days before `day`."""
    return states.filter(in_days(pl.col("ordered_day"), day - days, day)).height


def state_chances(nights: Sequence[PastNight]) -> pl.DataFrame:
    """Shares that count later, one row per state and whether it counts now.

    Each share is shrunk towards that of its kind among orders that count the same now.
    """
    key = ["kind", "is_above", "is_below"]
    counts = (
        pl.concat([night.counts for night in nights])
        .group_by("state", "is_above", "is_below")
        .sum()
    )
    counts = counts.with_columns(kind=pl.col("state").str.head(1))
    parent = (
        counts.group_by(key)
        .agg(pl.col("count", "above", "below").sum())
        .select(
            *key,
            above_parent=pl.col("above") / pl.col("count"),
            below_parent=pl.col("below") / pl.col("count"),
        )
    )
    return counts.join(parent, on=key).select(
        "state",
        "is_above",
        "is_below",
        above_share=(pl.col("above") + PRIOR_ORDERS * pl.col("above_parent"))
        / (pl.col("count") + PRIOR_ORDERS),
        below_share=(pl.col("below") + PRIOR_ORDERS * pl.col("below_parent"))
        / (pl.col("count") + PRIOR_ORDERS),
    )


def new_share(nights: Sequence[PastNight], name: str) -> float:
    """Orders placed after a night that counted later, per order placed before it."""
    return sum(night.new[name] for night in nights) / max(
        sum(night.placed_before for night in nights), 1
    )


def overdispersion(
    nights: Sequence[PastNight], days: Sequence[int], ahead: int, name: str
) -> float:
    """Ratio of the squared misses of past nights to the variance expected by chance, at least 1.

    Each night is forecast from nights that do not overlap it.
    """
    ratios = []
    for night, day in zip(nights, days, strict=True):
        others = [n for n, d in zip(nights, days, strict=True) if abs(d - day) >= ahead]
        if not others:
            continue
        key = ["state", "is_above", "is_below"]
        chances = night.counts.join(state_chances(others), on=key, how="left").sort(key)
        now = pl.col(f"is_{name}").cast(pl.Float64)
        chance, count = pl.col(f"{name}_share").fill_null(now), pl.col("count")
        mean, variance = chances.select(
            mean=(chance * count).sum(), variance=(chance * (1 - chance) * count).sum()
        ).row(0)
        new = night.placed_before * new_share(others, name)
        actual = night.counts[name].sum() + night.new[name]
        ratios.append((actual - mean - new) ** 2 / max(variance + new, 1.0))
    return max(1.0, float(np.mean(ratios))) if ratios else 1.0
