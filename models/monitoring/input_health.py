"""Do the inputs look as usual? Features against the nights before, feeds and carriers that fell
silent, new values.

Counts of facts are judged like disputes (`models.monitoring.sequential_monitoring`). Drift is
judged by its size beside how far the same feature has moved before, not by chance: on many rows
every mean moves significantly, and with every season.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.clock import in_days
from models.monitoring.input_checks import CALENDAR, Moments
from models.monitoring.sequential_monitoring import (
    ACT,
    FEEDS,
    WATCH,
    Finding,
    level_of,
    log_evidence,
)

# a feed may be so far below its usual days before it is called silent; a carrier's scans and
# deliveries below their usual part of the other carriers'
FEED_TOLERANCE, SHARE_TOLERANCE = 3.0, {"scans": 2.0, "deliveries": 1.5}
# what one silent day may say: a feed has to be silent for five working days, longer than most
# holidays; a carrier beside the others for two
FEED_A_DAY, CARRIER_A_DAY = 3.0, 7.0
WEEK, WEEKS, USUAL_DAYS, TESTED_DAYS = 7, 8, 56, 21
# how far a night is from the one a week before, beside the furthest that any of up to 110 nights
# before was: so many times, and at least so many standard deviations (of a mean) or points (of a
# missing share)
LAG, PAST_SHIFTS, FEWEST_SHIFTS = 7, 110, 30
TIMES_WATCH, TIMES_ACT, LEAST_TIMES = 2.0, 3.0, 0.02
DRIFT_WATCH, DRIFT_ACT, MISSING_WATCH, MISSING_ACT = 0.3, 0.5, 0.1, 0.2
# the mean over all features, weighted by importance; a feature counts there with so many deviations
# at the most
WHOLE_WATCH, WHOLE_ACT, MOST_MOVED = 0.1, 0.2, 3.0
NEW_DAYS, NEW_ORDERS_WATCH, NEW_ORDERS_ACT, NEW_SHARE_ACT = 14, 5, 20, 0.05


def feature_means(night: pl.DataFrame, names: list[str]) -> dict[str, list[float | None]]:
    """Mean and missing share of each feature over a night's rows."""
    if night.is_empty():
        return {}
    means, holes = night.select(pl.col(names).mean()), night.select(pl.col(names).is_null().mean())
    return {name: [means[name][0], holes[name][0]] for name in names}


def drift_findings(
    nights: list[Mapping[str, list[float | None]]],
    moments: Moments,
    importance: Mapping[str, float],
) -> list[Finding]:
    """`nights`: `feature_means` of each, the oldest first; `importance`: a feature's share of the
    model's gain.

    The shift of the last night against the one a week before, beside the largest shift of the
    nights before: seasons, growth and sales have moved the features before, a price in another unit
    has not. A feature counts alone when it matters at least half as much as the mean one does.
    """
    if len(nights) < LAG + FEWEST_SHIFTS + LAG:
        return []
    names = [n for n in moments if n in importance and not n.startswith(CALENDAR)]
    spread = np.array([moments[n][1] or 1.0 for n in names])
    moved, emptied = (np.abs(_shifts(nights, names, place)) for place in (0, 1))
    moved, weights = moved / spread, np.array([importance[n] for n in names])
    whole = (np.minimum(moved, MOST_MOVED) * weights).sum(axis=1)
    said = (
        f"features moved by {whole[-1]:.2f} standard deviations in a week, weighted by importance"
    )
    found = [_sized(whole, WHOLE_WATCH, WHOLE_ACT, "drift", said)]
    counted = np.flatnonzero(weights >= 0.5 / max(len(importance), 1))
    for place in sorted(counted, key=lambda n: -_times(moved[:, n]))[:3]:
        says = f"{names[place]} moved by {moved[-1, place]:.1f} standard deviations in a week"
        found.append(_sized(moved[:, place], DRIFT_WATCH, DRIFT_ACT, "drift", says))
    for place in sorted(counted, key=lambda n: -_times(emptied[:, n]))[:3]:
        says = (
            f"the share of rows without {names[place]} moved by {emptied[-1, place]:.0%} in a week"
        )
        found.append(_sized(emptied[:, place], MISSING_WATCH, MISSING_ACT, "missing", says))
    return [finding for finding in found if finding is not None]


def _shifts(
    nights: list[Mapping[str, list[float | None]]], names: list[str], place: int
) -> np.ndarray:
    """(night, feature): against the night a week before; a mean that is not there has not moved."""
    values = np.array(
        [[night.get(name, [None, None])[place] for name in names] for night in nights],
        dtype=np.float64,
    )
    found: np.ndarray = np.nan_to_num(values[LAG:] - values[:-LAG], nan=0.0)
    return found


def _times(shifts: np.ndarray) -> float:
    """How many times the largest shift before the last one is; those that share a week with it are
    passed over."""
    before = shifts[:-1][-PAST_SHIFTS - LAG : -LAG]
    return float(shifts[-1] / max(before.max(), LEAST_TIMES))


def _sized(shifts: np.ndarray, watch: float, act: float, reading: str, says: str) -> Finding | None:
    size, times = float(shifts[-1]), _times(shifts)
    if size < watch or times < TIMES_WATCH:
        return None
    level = ACT if size >= act and times >= TIMES_ACT else WATCH
    says += f", {times:.1f} times as much as ever before"
    return Finding(level, reading, says, "hold the list until the source is looked at")


def feed_finding(table: str, by_day: pl.DataFrame, newest_day: int) -> Finding | None:
    """The days up to `newest_day` beside the same weekdays of the eight weeks before. `by_day`:
    `known_day, count`."""
    counts = daily(by_day, newest_day, TESTED_DAYS + WEEK * WEEKS)
    expected = np.array(
        [
            np.median(counts[place - WEEK * WEEKS : place : WEEK])
            for place in range(WEEK * WEEKS, len(counts))
        ]
    )
    observed = counts[WEEK * WEEKS :]
    evidence = log_evidence(
        observed, expected, FEED_TOLERANCE, is_rise=False, most_a_day=FEED_A_DAY
    )
    level = level_of(evidence, FEEDS)
    says = f"{table}: {observed[-WEEK:].sum():,.0f} facts in 7 days, {expected[-WEEK:].sum():,.0f} are usual"
    return _counted(level, "silent_feed", says, "hold the list until the feed is back")


def carrier_findings(kind: str, by_day: pl.DataFrame, newest_day: int) -> list[Finding]:
    """Each carrier's facts of a day (`kind`: scans or deliveries) beside those of all others, as
    they were in the weeks before: what all carriers share, such as sales and holidays, drops out.
    `by_day`: `carrier, known_day, count`.

    A carrier that has no others to be told by is told by its feed alone.
    """
    span = TESTED_DAYS + USUAL_DAYS
    total, found = (
        daily(by_day.group_by("known_day").agg(pl.col("count").sum()), newest_day, span),
        [],
    )
    for name, part in sorted(
        by_day.drop_nulls("carrier").group_by("carrier"), key=lambda pair: str(pair[0])
    ):
        counts = daily(part, newest_day, span)
        others = total - counts
        usual = others[:USUAL_DAYS].sum()
        expected = others[USUAL_DAYS:] * (counts[:USUAL_DAYS].sum() / usual if usual else 0.0)
        evidence = log_evidence(
            counts[USUAL_DAYS:],
            expected,
            SHARE_TOLERANCE[kind],
            is_rise=False,
            most_a_day=CARRIER_A_DAY,
        )
        level = level_of(evidence, FEEDS)
        now, before = counts[-WEEK:].sum(), expected[-WEEK:].sum()
        says = f"carrier {name[0]}: {now:,.0f} {kind} in 7 days, {before:,.0f} would be usual beside the others"
        found.append(_counted(level, "silent_carrier", says, f"look at carrier {name[0]}"))
    return [finding for finding in found if finding is not None]


def _counted(level: str, reading: str, says: str, propose: str) -> Finding | None:
    return Finding(level, reading, says, propose) if level in (WATCH, ACT) else None


def daily(by_day: pl.DataFrame, newest_day: int, span: int) -> np.ndarray:
    """Counts of the `span` days that end with `newest_day`."""
    first = newest_day + 1 - span
    told = by_day.filter(in_days(pl.col("known_day"), first, newest_day + 1))
    counts = np.zeros(span)
    np.add.at(counts, told["known_day"].to_numpy() - first, told["count"].to_numpy())
    return counts


def new_value_findings(
    what: str, by_day: pl.DataFrame, as_of_day: int, since_day: int
) -> list[Finding]:
    """Values of the last days' orders that no order from `since_day` on had before. `by_day`:
    `value, known_day`, a row per order."""
    start = as_of_day - NEW_DAYS
    before = by_day.filter(in_days(pl.col("known_day"), since_day, start))
    if before.is_empty():
        return []
    recent = by_day.filter(in_days(pl.col("known_day"), start, as_of_day)).drop_nulls("value")
    new = recent.filter(~pl.col("value").is_in(before["value"].unique().implode()))
    found = []
    for value, count in (
        new.group_by("value").len().sort("len", "value", descending=[True, False]).iter_rows()
    ):
        if count >= NEW_ORDERS_WATCH:
            is_much = count >= NEW_ORDERS_ACT and count >= NEW_SHARE_ACT * recent.height
            says = f"{what} {value} is new: {count:,} of the {recent.height:,} orders of {NEW_DAYS} days"
            found.append(
                Finding(ACT if is_much else WATCH, "new_value", says, f"look at {what} {value}")
            )
    return found
