"""What a rate will be on the next day of assessment: its distribution, from where the open orders
stand today.

Every order stands in a state. How often orders that stood there on past nights ended up in the
numerator and in the denominator, as counted as many days later, says how many of today's will: the
open orders' hazards and expected closings, summed. How far such forecasts of past nights missed
says how wide the distribution is. Only facts known on the night are used: a past night teaches once
as many days have passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.clock import in_days
from features.indicators.indicator_rules import Rate
from features.indicators.measured_rates import membership
from features.indicators.order_outcomes import order_outcomes
from features.spine import DEFAULT_WINDOW, DisputeWindow
from features.tables import Tables
from models.indicators.forecast_states import LONGEST_LIFE_DAYS, order_states, recent_tables

NIGHTS, NIGHTS_APART = 13, 14
LEAST_NIGHTS = 4
# what is added to a state's own orders: so many of its kind (the first letter) that count the same
# now
PRIOR_ORDERS = 5.0
DRAWS = 4000
SAFE = 0.10
RateOn = Callable[[int], Rate]


@dataclass(frozen=True)
class Forecast:
    """The rate on `assessed_day`: `numerators` and `denominators` are draws from its distribution;
    `expected` has one row per order that may still enter the numerator, with its chance."""

    rate: Rate
    kind: str
    assessed_day: int
    numerators: np.ndarray
    denominators: np.ndarray
    expected: pl.DataFrame
    count_nights: int

    @property
    def rates(self) -> np.ndarray:
        return self.numerators / np.maximum(self.denominators, 1.0)

    def quantile(self, share: float) -> float:
        return float(np.quantile(self.rates, share, method="inverted_cdf"))

    def breach_probability(self, limit: float, prevented: int = 0) -> float:
        """The chance to pass the limit if so many of the expected disputes were prevented or
        withdrawn."""
        rates = np.maximum(self.numerators - prevented, 0.0) / np.maximum(self.denominators, 1.0)
        over = rates >= limit if self.rate.is_breach_at_limit else rates > limit
        return float(over.mean())

    def needed_prevented(self, limit: float) -> int | None:
        """The fewest prevented or withdrawn that leave at most a chance of `SAFE`; None: not even
        all would."""
        most = int(self.numerators.max(initial=0))
        return next((k for k in range(most + 1) if self.breach_probability(limit, k) <= SAFE), None)


@dataclass(frozen=True)
class _Night:
    """A night that teaches: per state, how many orders stood in it and how many counted later; the
    orders placed after it, per order placed in as many days before it."""

    counts: pl.DataFrame
    placed_before: int
    new: Mapping[str, int]


def forecast_rate(
    tables: Tables,
    as_of_day: int,
    assessed_day: int,
    rate_on_day: RateOn,
    kind: str,
    *,
    seed: int,
    window: DisputeWindow = DEFAULT_WINDOW,
) -> Forecast | None:
    """The distribution of a rate (`kind`: `counted` or `netted`) on `assessed_day`, standing at
    `as_of_day`.

    None where fewer than `LEAST_NIGHTS` past nights can teach. `rate_on_day` gives the rate as
    assessed on a day.
    """
    ahead = assessed_day - as_of_day
    first_day = _first_day(tables)
    # each with as many days of the store before it as it looks ahead, twice
    usable = 0 if first_day is None else (as_of_day - 3 * ahead - first_day) // NIGHTS_APART + 1
    if ahead <= 0 or usable < LEAST_NIGHTS:
        return None
    past = [as_of_day - ahead - NIGHTS_APART * n for n in range(min(usable, NIGHTS))]
    recent = recent_tables(tables, min(past) - LONGEST_LIFE_DAYS)
    nights = [
        _look_back(recent, night, ahead, rate_on_day(night + ahead), kind, window) for night in past
    ]
    today = _standing(recent, as_of_day, rate_on_day(assessed_day), kind, window)
    spread = {name: _overdispersion(nights, past, ahead, name) for name in ("above", "below")}
    chances = _chances(nights)
    # in a fixed order: sums of fractions depend on it in the last bit
    orders = (
        today.join(chances, on=["state", "is_above", "is_below"], how="left")
        .sort("order_id")
        .with_columns(
            above=pl.col("above_share").fill_null(pl.col("is_above").cast(pl.Float64)),
            below=pl.col("below_share").fill_null(pl.col("is_below").cast(pl.Float64)),
        )
    )
    placed = _placed(today, as_of_day, ahead)
    rng = np.random.default_rng([seed, as_of_day, assessed_day])
    drawn = {}
    for name in ("above", "below"):
        new = placed * _new_share(nights, name)
        chance = orders[name].to_numpy()
        drawn[name] = _draw(
            rng, chance.sum() + new, spread[name] * ((chance * (1 - chance)).sum() + new)
        )
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


def _first_day(tables: Tables) -> int | None:
    days = tables["orders"]["occurred_day"]
    return int(days.to_numpy().min()) if len(days) else None


def _standing(
    tables: Tables, day: int, rate: Rate, kind: str, window: DisputeWindow
) -> pl.DataFrame:
    """One row per order: its state, and whether it would count on the day of assessment if nothing
    more happened."""
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


def _look_back(
    tables: Tables, night: int, ahead: int, rate: Rate, kind: str, window: DisputeWindow
) -> _Night:
    """What became, `ahead` days later, of the orders that stood in each state on a past night."""
    then = _standing(tables, night, rate, kind, window)
    member = membership(rate, rate.windows[0])
    later = order_outcomes(tables, night + ahead, window).select(
        "order_id", "ordered_day", above=member[kind], below=member["denominator"]
    )
    both = then.join(later.drop("ordered_day"), on="order_id", how="left")
    counts = both.group_by("state", "is_above", "is_below").agg(
        pl.len().alias("count"), pl.col("above", "below").sum()
    )
    # the late news of an order placed before, and those placed after
    new = later.join(then.select("order_id"), on="order_id", how="anti")
    new = new.filter(in_days(pl.col("ordered_day"), night, night + ahead))
    return _Night(
        counts,
        _placed(then, night, ahead),
        {name: int(new[name].sum()) for name in ("above", "below")},
    )


def _placed(standing: pl.DataFrame, day: int, days: int) -> int:
    return standing.filter(in_days(pl.col("ordered_day"), day - days, day)).height


def _chances(nights: Sequence[_Night]) -> pl.DataFrame:
    """One row per state and what it counts for now: the shares that count later, drawn towards
    those of its kind that count the same now."""
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


def _new_share(nights: Sequence[_Night], name: str) -> float:
    return sum(night.new[name] for night in nights) / max(
        sum(night.placed_before for night in nights), 1
    )


def _overdispersion(nights: Sequence[_Night], days: Sequence[int], ahead: int, name: str) -> float:
    """How many times wider than by chance alone: squared misses of past nights over the variance
    expected, each night foretold by those that do not overlap it. At least 1."""
    ratios = []
    for night, day in zip(nights, days, strict=True):
        others = [n for n, d in zip(nights, days, strict=True) if abs(d - day) >= ahead]
        if not others:
            continue
        key = ["state", "is_above", "is_below"]
        told = night.counts.join(_chances(others), on=key, how="left").sort(key)
        now = pl.col(f"is_{name}").cast(pl.Float64)
        chance, count = pl.col(f"{name}_share").fill_null(now), pl.col("count")
        mean, variance = told.select(
            mean=(chance * count).sum(), variance=(chance * (1 - chance) * count).sum()
        ).row(0)
        new = night.placed_before * _new_share(others, name)
        actual = night.counts[name].sum() + night.new[name]
        ratios.append((actual - mean - new) ** 2 / max(variance + new, 1.0))
    return max(1.0, float(np.mean(ratios))) if ratios else 1.0


def _draw(rng: np.random.Generator, mean: float, variance: float) -> np.ndarray:
    """Whole numbers with this mean and variance, skewed as counts are (gamma, rounded)."""
    if mean <= 0 or variance <= 0:
        return np.full(DRAWS, float(max(round(mean), 0)))
    return np.rint(rng.gamma(mean * mean / variance, variance / mean, DRAWS))


def drivers(forecast: Forecast, groups: pl.DataFrame, count: int = 10) -> pl.DataFrame:
    """Which groups (`order_id, value`) bring the most: `value, count_orders, expected`, the
    expected additions to the numerator, and `excess`, how many more than the store's mean for as
    many orders; most first."""
    told = forecast.expected.join(groups, on="order_id", how="inner")
    mean = float(forecast.expected["chance"].mean() or 0.0)  # type: ignore[arg-type]
    return (
        told.sort("order_id")
        .group_by("value", maintain_order=True)
        .agg(count_orders=pl.len(), expected=pl.col("chance").sum())
        .with_columns(excess=pl.col("expected") - mean * pl.col("count_orders"))
        .sort("expected", "value", descending=[True, False])
        .head(count)
    )
