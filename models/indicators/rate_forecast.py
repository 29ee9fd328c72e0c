"""Forecast the distribution of a rate on the next day of assessment from today's open orders.

Every order is in a state. Of the orders in that state on past nights, the shares that entered the
numerator and the denominator within the same number of days give the chances of today's orders;
their sums are the expected rate. The width of the distribution comes from how far such forecasts of
past nights missed. Only facts known on the night are used, so a past night can be used only when
that number of days has passed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.indicators.indicator_rules import Rate
from features.spine import DEFAULT_WINDOW, DisputeWindow
from features.tables import Tables
from models.indicators.forecast_states import LONGEST_LIFE_DAYS, recent_tables
from models.indicators.past_state_outcomes import (
    PastNight,
    add_up_nights,
    current_states,
    look_back,
    new_share,
    orders_placed,
    overdispersion,
    state_chances,
)

NIGHTS, NIGHTS_APART = 13, 14
LEAST_NIGHTS = 4
DRAWS = 4000
SAFE = 0.10
RateOn = Callable[[int], Rate]


@dataclass(frozen=True)
class Forecast:
    """Draws of a rate on `assessed_day`.

    `numerators` and `denominators` have one value per draw. `expected` has one row per order that
    may still enter the numerator, with its chance.
    """

    rate: Rate
    kind: str
    assessed_day: int
    numerators: np.ndarray
    denominators: np.ndarray
    expected: pl.DataFrame
    count_nights: int

    @property
    def rates(self) -> np.ndarray:
        return np.asarray(self.numerators / np.maximum(self.denominators, 1.0))

    def quantile(self, share: float) -> float:
        return float(np.quantile(self.rates, share, method="inverted_cdf"))

    def breach_probability(self, limit: float, prevented: int = 0) -> float:
        """The chance of a breach of `limit` if `prevented` of the expected disputes go away.

        A dispute goes away when it is prevented or withdrawn. A rate with fewer orders than the
        policy judges is no breach.
        """
        left = np.maximum(self.numerators - prevented, 0.0)
        rates = left / np.maximum(self.denominators, 1.0)
        over = rates >= limit if self.rate.is_breach_at_limit else rates > limit
        judged = (left >= self.rate.least_numerator) & (
            self.denominators >= self.rate.least_denominator
        )
        return float((over & judged).mean())

    def needed_prevented(self, limit: float) -> int | None:
        """The fewest disputes to prevent so that the chance of a breach is at most `SAFE`.

        Withdrawn disputes count as prevented. Return None if not even preventing all would be
        enough.
        """
        most = int(self.numerators.max(initial=0))
        return next((k for k in range(most + 1) if self.breach_probability(limit, k) <= SAFE), None)


@dataclass(frozen=True)
class StoreParts:
    """The orders of a store in parts, for stores that do not fit into memory.

    `first_day`: the day of the store's first order; None without orders. `read` yields the tables
    of each part, in the order of the order ids.
    """

    first_day: int | None
    read: Callable[[], Iterable[Tables]]


def forecast_rate(
    store: Tables | StoreParts,
    as_of_day: int,
    assessed_day: int,
    rate_on_day: RateOn,
    kind: str,
    *,
    seed: int,
    window: DisputeWindow = DEFAULT_WINDOW,
) -> Forecast | None:
    """Forecast a rate on `assessed_day` from facts known at `as_of_day`.

    `kind` is "counted" or "netted". `rate_on_day` returns the rate as assessed on a given day.
    Return None if fewer than `LEAST_NIGHTS` past nights can be used.
    """
    ahead = assessed_day - as_of_day
    parts = _whole(store) if isinstance(store, Tables) else store
    first_day = parts.first_day
    # a past night needs its outcome `ahead` days later and two more spans of `ahead` days before it
    usable = 0 if first_day is None else (as_of_day - 3 * ahead - first_day) // NIGHTS_APART + 1
    if ahead <= 0 or usable < LEAST_NIGHTS:
        return None
    past = [as_of_day - ahead - NIGHTS_APART * n for n in range(min(usable, NIGHTS))]
    looked, states = list[list[PastNight]](), list[pl.DataFrame]()
    for tables in parts.read():
        recent = recent_tables(tables, min(past) - LONGEST_LIFE_DAYS)
        looked.append(
            [look_back(recent, n, ahead, rate_on_day(n + ahead), kind, window) for n in past]
        )
        states.append(current_states(recent, as_of_day, rate_on_day(assessed_day), kind, window))
    nights = [add_up_nights(of_parts) for of_parts in zip(*looked, strict=True)]
    today = pl.concat(states)
    spread = {name: overdispersion(nights, past, ahead, name) for name in ("above", "below")}
    orders = _add_chances(today, nights)
    rng = np.random.default_rng([seed, as_of_day, assessed_day])
    placed = orders_placed(today, as_of_day, ahead)
    drawn = {}
    for name in ("above", "below"):
        new = placed * new_share(nights, name)
        drawn[name] = _draw_count(rng, orders[name].to_numpy(), new, spread[name])
    expected = orders.filter(~pl.col("is_above") & (pl.col("above") > 0)).select(
        "order_id", "lane", chance="above"
    )
    return Forecast(
        rate_on_day(assessed_day),
        kind,
        assessed_day,
        drawn["above"],
        np.maximum(drawn["below"], drawn["above"]),
        expected,
        len(nights),
    )


def _whole(tables: Tables) -> StoreParts:
    days = tables["orders"]["occurred_day"]
    return StoreParts(int(days.to_numpy().min()) if len(days) else None, lambda: [tables])


def _add_chances(today: pl.DataFrame, nights: Sequence[PastNight]) -> pl.DataFrame:
    """Add each order's chance to count in the numerator (`above`) and denominator (`below`)."""
    chances = state_chances(nights)
    # in a fixed order, because the last bit of a floating-point sum depends on it
    return (
        today.join(chances, on=["state", "is_above", "is_below"], how="left")
        .sort("order_id")
        .with_columns(
            above=pl.col("above_share").fill_null(pl.col("is_above").cast(pl.Float64)),
            below=pl.col("below_share").fill_null(pl.col("is_below").cast(pl.Float64)),
        )
    )


def _draw_count(
    rng: np.random.Generator, chance: np.ndarray, new: float, spread: float
) -> np.ndarray:
    """Draws of how many orders count: today's by their chances, and `new` expected ones.

    `spread` multiplies the variance expected by chance.
    """
    return _draw(rng, chance.sum() + new, spread * ((chance * (1 - chance)).sum() + new))


def _draw(rng: np.random.Generator, mean: float, variance: float) -> np.ndarray:
    """Whole numbers with this mean and variance, skewed like counts (a rounded gamma)."""
    if mean <= 0 or variance <= 0:
        return np.full(DRAWS, float(max(round(mean), 0)))
    return np.rint(rng.gamma(mean * mean / variance, variance / mean, DRAWS))


def drivers(forecast: Forecast, groups: pl.DataFrame, count: int = 10) -> pl.DataFrame:
    """The groups (`order_id, value`) that add most to the numerator, the largest first.

    Columns: `value, count_orders, expected` (expected additions to the numerator) and `excess` (how
    many more than the store's mean for as many orders).
    """
    expected = forecast.expected.join(groups, on="order_id", how="inner")
    mean = float(forecast.expected["chance"].mean() or 0.0)  # type: ignore[arg-type]
    return (
        expected.sort("order_id")
        .group_by("value", maintain_order=True)
        .agg(count_orders=pl.len(), expected=pl.col("chance").sum())
        .with_columns(excess=pl.col("expected") - mean * pl.col("count_orders"))
        .sort("expected", "value", descending=[True, False])
        .head(count)
    )
