"""Whether tonight's data and scores look as usual: a reading per gate, with what was found and what
is allowed.

A count is out of its range only when it is both far from usual (a ratio, so that large stores are
not stopped by small changes) and further than chance explains (a Poisson count's spread, so that
small stores are not stopped by few rows). An effect size says how far a feature moved: on many rows
every feature moves significantly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.clock import in_days
from features.feature import Feature

# spreads of a Poisson count that chance does not reach
CHANCE = 4.0
# weeks that say what is usual; with fewer rows in the usual one nothing is judged
WEEK, WEEKS, FEWEST = 7, 8, 20.0
MONTH, MONTHS = 28, 6
# these move with the calendar and are meant to
CALENDAR = "season_"

Moments = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Reading:
    """What a gate found, in words, and whether it is out of its range."""

    gate: str
    is_out: bool
    says: str


def row_counts(table: str, by_day: pl.DataFrame, newest_day: int, ratio: float) -> Reading | None:
    """The facts of the last seven days beside the middle of the eight weeks before; None: too few
    to judge.

    `by_day`: `known_day, count`. `newest_day`: the last day on which anything became known.
    """
    weeks = _windows(by_day, newest_day, WEEK, WEEKS)
    now, usual = weeks[0], _middle(weeks[1:])
    if usual < FEWEST:
        return None
    says = f"{table}: {now:,.0f} rows in the last {WEEK} days; {usual / ratio:,.0f} to {usual * ratio:,.0f} are usual"
    return Reading("row_counts", _is_far(now, usual, ratio), says)


def base_rate(
    disputes: pl.DataFrame, orders: pl.DataFrame, newest_day: int, ratio: float
) -> Reading | None:
    """Disputes opened in the last 28 days per order placed in them, beside the six such months
    before."""
    opened, placed = (_windows(by_day, newest_day, MONTH, MONTHS) for by_day in (disputes, orders))
    rates = [o / p for o, p in zip(opened[1:], placed[1:], strict=True) if p]
    expected = _middle(rates) * placed[0]
    if not rates or expected < FEWEST:
        return None
    says = (
        f"{opened[0]:,.0f} disputes opened in the last {MONTH} days, with {placed[0]:,.0f} orders placed; "
        f"{expected / ratio:,.0f} to {expected * ratio:,.0f} are usual"
    )
    return Reading("base_rate", _is_far(opened[0], expected, ratio), says)


def quarantine(quarantined: int, rows: int, limit: float) -> Reading:
    share = quarantined / rows if rows else 0.0
    says = f"{quarantined:,} of {rows:,} source rows ({share:.2%}) are in quarantine; at most {limit:.2%} may be"
    return Reading("quarantine", share > limit, says)


def champion_age(age_days: int, limit_days: int) -> Reading:
    """`age_days`: from the day the champion was trained as of to the night; negative: it was
    trained later."""
    if age_days < 0:
        says = f"the champion was trained as of {-age_days} days after this night: it knows the outcome"
        return Reading("champion_knows_outcome", True, says)
    says = f"the champion was trained {age_days} days before this night; at most {limit_days} are allowed"
    return Reading("champion_age", age_days > limit_days, says)


def learn_moments(
    rows: pl.DataFrame, feature_names: list[str], order: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each feature over the rows learnt from; those that never vary
    are left out.

    `order`: the rows in an order of their own, so that a sum of floats is the same in whatever
    order they came.
    """
    column = pl.col(feature_names).gather(order)
    means, spreads = rows.select(column.mean()), rows.select(column.std())
    found = {name: (means[name][0], spreads[name][0]) for name in feature_names}
    return {
        name: (mean, spread)
        for name, (mean, spread) in found.items()
        if mean is not None and spread
    }


def drift(
    moments: Moments,
    night: pl.DataFrame,
    features: Mapping[str, Feature],
    size: float,
    share: float,
) -> Reading:
    """How many features moved by more than `size` standard deviations (Cohen's d) from what the
    champion learnt from.

    Those of the calendar are left out. `share`: of the features that may have moved so far.
    """
    names = [name for name in moments if name in features and not name.startswith(CALENDAR)]
    now = night.select(pl.col(names).mean()).row(0, named=True) if night.height >= FEWEST else {}
    moved = {
        name: (value - moments[name][0]) / moments[name][1]
        for name, value in now.items()
        if value is not None
    }
    far = sorted(
        (name for name in moved if abs(moved[name]) > size), key=lambda name: -abs(moved[name])
    )
    worst = "".join(f"; {name} by {moved[name]:+.1f}" for name in far[:3])
    says = (
        f"{len(far)} of {len(moved)} features moved by more than {size:g} standard deviations from what the champion "
        f"learnt from; at most {share:.0%} may{worst}"
    )
    return Reading("drift", len(far) > share * len(moved), says)


def mean_probability(
    sum_probability: float, count: int, usual_rate: float | None, source: str, ratio: float
) -> Reading:
    """The night's mean probability beside the rate at which orders were disputed. `source`: where
    that is from."""
    if usual_rate is None or not count or usual_rate * count < FEWEST:
        return Reading(
            "mean_probability",
            False,
            "too few open orders, or nothing matured, to judge the mean by",
        )
    mean = sum_probability / count
    says = f"the mean probability is {mean:.1%}; {usual_rate / ratio:.1%} to {usual_rate * ratio:.1%} are usual ({source})"
    return Reading("mean_probability", _is_far(sum_probability, usual_rate * count, ratio), says)


def _windows(by_day: pl.DataFrame, newest_day: int, length: int, count: int) -> list[float]:
    """Totals of the windows of `length` days that end with the newest day, the last one first."""
    ends = [newest_day + 1 - length * place for place in range(count + 1)]
    totals = by_day.select(
        pl.col("count")
        .filter(in_days(pl.col("known_day"), end - length, end))
        .sum()
        .alias(str(place))
        for place, end in enumerate(ends)
    )
    return [float(total) for total in totals.row(0)]


def _middle(values: list[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    if not ordered:
        return 0.0
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _is_far(now: float, usual: float, ratio: float) -> bool:
    is_beyond = not usual / ratio <= now <= usual * ratio
    return is_beyond and abs(now - usual) > CHANCE * math.sqrt(usual)
