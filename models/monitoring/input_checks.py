"""Check whether tonight's data and scores look as usual.

Each data check returns a `Reading`: what was measured, the allowed range, and whether the value is
out of range.

A count is out of range only when two conditions hold. It is far from its usual value (a ratio, so
that small changes do not stop a large store), and it is further away than chance explains (the
spread of a Poisson count, so that a few rows do not stop a small store). Drift is an effect size,
not a test: with many rows every shift is statistically significant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.clock import in_days
from features.feature import Feature
from features.sentence import Sentence, sentence
from models.monitoring.feature_sums import FeatureSums

# a count this many Poisson standard deviations from the expected one is not due to chance
CHANCE = 4.0
# usual values come from this many earlier windows; below FEWEST rows per window nothing is judged,
# nor with fewer than LEAST_WINDOWS windows since the data began
WEEK, WEEKS, FEWEST, LEAST_WINDOWS = 7, 8, 20.0, 3
MONTH, MONTHS = 28, 6
# calendar features are meant to move, so drift ignores them
CALENDAR = "season_"

Moments = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Reading:
    """The result of one data check: a sentence, and whether the value is out of range.

    `gate` is the check's key in `[data_gates.actions]`.
    """

    gate: str
    is_out: bool
    says: Sentence


def row_counts(table: str, by_day: pl.DataFrame, newest_day: int, ratio: float) -> Reading | None:
    """Compare the rows of the last 7 days with the median of the 8 weeks before.

    Weeks before the table's first row do not count: the store, or its export, began then.
    `by_day` has the columns `known_day, count`. `newest_day` is the last day on which anything
    became known. Return None if there are too few rows, or whole weeks, to judge.
    """
    weeks = _windows(by_day, newest_day, WEEK, WEEKS)
    now, usual = weeks[0], _middle(weeks[1:])
    if len(weeks) <= LEAST_WINDOWS or usual < FEWEST:
        return None
    says = sentence(
        "check.row_counts",
        "{table}: {rows} row(s) in the last {days} day(s) (usually {low} to {high})",
        table=table,
        rows=f"{now:,.0f}",
        days=str(WEEK),
        low=f"{usual / ratio:,.0f}",
        high=f"{usual * ratio:,.0f}",
    )
    return Reading("row_counts", _is_far(now, usual, ratio), says)


def base_rate(
    disputes: pl.DataFrame, orders: pl.DataFrame, newest_day: int, ratio: float
) -> Reading | None:
    """Compare disputes per order placed in the last 28 days with the 6 such months before.

    `disputes` and `orders` have the columns `known_day, count`. Return None if fewer than `FEWEST`
    disputes are expected, or the orders and disputes on record do not go back three whole months.
    """
    opened, placed = (_windows(by_day, newest_day, MONTH, MONTHS) for by_day in (disputes, orders))
    if min(len(opened), len(placed)) <= LEAST_WINDOWS:
        return None
    rates = [o / p for o, p in zip(opened[1:], placed[1:], strict=False) if p]
    expected = _middle(rates) * placed[0]
    if not rates or expected < FEWEST:
        return None
    says = sentence(
        "check.base_rate",
        "{disputes} dispute(s) opened and {orders} order(s) placed in the last {days} day(s) "
        "(usually {low} to {high} disputes)",
        disputes=f"{opened[0]:,.0f}",
        orders=f"{placed[0]:,.0f}",
        days=str(MONTH),
        low=f"{expected / ratio:,.0f}",
        high=f"{expected * ratio:,.0f}",
    )
    return Reading("base_rate", _is_far(opened[0], expected, ratio), says)


def quarantine(quarantined: int, rows: int, limit: float) -> Reading:
    """Check that at most the share `limit` of the source rows is in quarantine."""
    share = quarantined / rows if rows else 0.0
    says = sentence(
        "check.quarantine",
        "{quarantined} of {rows} source rows ({share}) are in quarantine; the limit is {limit}",
        quarantined=f"{quarantined:,}",
        rows=f"{rows:,}",
        share=f"{share:.2%}",
        limit=f"{limit:.2%}",
    )
    return Reading("quarantine", share > limit, says)


def champion_age(age_days: int, limit_days: int) -> Reading:
    """Check that the champion is not too old, and was not trained after this night.

    `age_days` is the number of days from the champion's training date to this night. A negative age
    means that the champion was trained on a later date.
    """
    if age_days < 0:
        says = sentence(
            "check.champion_knows_outcome",
            "the champion was trained {days} day(s) after this night, so it has already seen the "
            "outcomes",
            days=str(-age_days),
        )
        return Reading("champion_knows_outcome", True, says)
    says = sentence(
        "check.champion_age",
        "the champion was trained {days} day(s) before this night; the limit is {limit} day(s)",
        days=str(age_days),
        limit=str(limit_days),
    )
    return Reading("champion_age", age_days > limit_days, says)


def learn_moments(
    rows: pl.DataFrame, feature_names: list[str], order: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each feature over the training rows.

    Features that never vary are left out. `order` fixes the order in which rows are added up, so
    that a sum of floats does not depend on the order of the frame.
    """
    column = pl.col(feature_names).gather(order)
    means, spreads = rows.select(column.mean()), rows.select(column.std())
    moments = {name: (means[name][0], spreads[name][0]) for name in feature_names}
    return {
        name: (mean, spread)
        for name, (mean, spread) in moments.items()
        if mean is not None and spread
    }


def drift(
    moments: Moments, night: FeatureSums, features: Mapping[str, Feature], size: float, share: float
) -> Reading:
    """Count the features whose mean moved by more than `size` standard deviations (Cohen's d).

    The reference is the champion's training data (`moments`). Calendar features are ignored. The
    check is out of range when more than `share` of the features moved that far.
    """
    names = [name for name in moments if name in features and not name.startswith(CALENDAR)]
    night_means = {name: night.mean(name) for name in names if night.height >= FEWEST}
    shifts = {
        name: (value - moments[name][0]) / moments[name][1]
        for name, value in night_means.items()
        if value is not None
    }
    moved = sorted(
        (name for name in shifts if abs(shifts[name]) > size), key=lambda name: -abs(shifts[name])
    )
    examples = "".join(f"; {name} by {shifts[name]:+.1f}" for name in moved[:3])
    says = sentence(
        "check.drift",
        "{moved} of {features} features moved by more than {size} standard deviations "
        "from the champion's training data; the limit is {limit}{examples}",
        moved=str(len(moved)),
        features=str(len(shifts)),
        size=f"{size:g}",
        limit=f"{share:.0%}",
        examples=examples,
    )
    return Reading("drift", len(moved) > share * len(shifts), says)


def mean_probability(
    sum_probability: float, count: int, usual_rate: float | None, source: str, ratio: float
) -> Reading:
    """Compare the night's mean probability with the rate at which past orders were disputed.

    `source` says where `usual_rate` comes from.
    """
    if usual_rate is None or not count or usual_rate * count < FEWEST:
        return Reading(
            "mean_probability",
            False,
            sentence(
                "check.mean_probability_unknown",
                "too few open orders or no matured outcomes to judge the mean probability",
            ),
        )
    mean = sum_probability / count
    says = sentence(
        "check.mean_probability",
        "the mean probability is {mean}; usually {low} to {high} ({source})",
        mean=f"{mean:.1%}",
        low=f"{usual_rate / ratio:.1%}",
        high=f"{usual_rate * ratio:.1%}",
        source=source,
    )
    return Reading("mean_probability", _is_far(sum_probability, usual_rate * count, ratio), says)


def _windows(by_day: pl.DataFrame, newest_day: int, length: int, count: int) -> list[float]:
    """Totals of windows of `length` days, the one that ends with `newest_day` first, then `count`
    earlier ones, as far as they lie wholly after the first row.
    """
    first = by_day.filter(pl.col("count") > 0)["known_day"].min()
    begun = 0 if first is None else (newest_day + 1 - length - int(first)) // length  # type: ignore[arg-type]
    count = max(0, min(count, begun))
    ends = [newest_day + 1 - length * back for back in range(count + 1)]
    totals = by_day.select(
        pl.col("count")
        .filter(in_days(pl.col("known_day"), end - length, end))
        .sum()
        .alias(str(back))
        for back, end in enumerate(ends)
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
