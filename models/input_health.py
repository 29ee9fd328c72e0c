"""Do the inputs look as usual? Features against the nights before, feeds and carriers that fell silent, new values.

Counts of facts are judged like disputes (`models.health`). Drift is judged by its size in standard deviations of what
the champion learnt from, not by chance: on many rows every mean moves significantly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.clock import in_days
from models.data_gates import CALENDAR, Moments
from models.health import ACT, WATCH, Finding, level_of, log_evidence

# a feed may be so far below its usual days before it is called silent; a carrier below its usual share
FEED_TOLERANCE, SHARE_TOLERANCE = 3.0, 2.0
WEEK, WEEKS, USUAL_DAYS, TESTED_DAYS = 7, 8, 56, 21
# drift of the last nights against those before, in standard deviations; of the missing share, in points
LAST, FEWEST_BEFORE = 3, 14
DRIFT_WATCH, DRIFT_ACT, MISSING_WATCH, MISSING_ACT = 0.75, 1.5, 0.15, 0.35
# the weighted mean over all features
WHOLE_WATCH, WHOLE_ACT = 0.3, 0.6
NEW_DAYS, NEW_ORDERS_WATCH, NEW_ORDERS_ACT, NEW_SHARE_ACT = 14, 5, 20, 0.05


def feature_means(night: pl.DataFrame, names: list[str]) -> dict[str, list[float | None]]:
    """Mean and missing share of each feature over a night's rows."""
    if night.is_empty():
        return {}
    means, holes = night.select(pl.col(names).mean()), night.select(pl.col(names).is_null().mean())
    return {name: [means[name][0], holes[name][0]] for name in names}


def drift_findings(
    nights: list[Mapping[str, list[float | None]]], moments: Moments, importance: Mapping[str, float]
) -> list[Finding]:
    """`nights`: `feature_means` of each, the oldest first; `importance`: a feature's share of the model's gain.

    The middle of the last nights beside the middle of those before. A feature counts alone when it matters at least
    half as much as the mean one does.
    """
    if len(nights) < FEWEST_BEFORE + LAST:
        return []
    names = [n for n in moments if n in importance and not n.startswith(CALENDAR)]
    moved, emptied = {}, {}
    for name in names:
        old, new = _middles(nights, name, 0)
        moved[name] = (new - old) / moments[name][1] if np.isfinite([old, new]).all() else 0.0
        old, new = _middles(nights, name, 1)
        emptied[name] = new - old if np.isfinite([old, new]).all() else 0.0
    whole = sum(importance[n] * min(abs(moved[n]), 3.0) for n in names)
    said = f"features moved by {whole:.2f} standard deviations, weighted by importance"
    found = [_sized(whole, WHOLE_WATCH, WHOLE_ACT, "drift", said)]
    counted = [n for n in names if importance[n] >= 0.5 / max(len(importance), 1)]
    for name in sorted(counted, key=lambda n: -abs(moved[n]))[:3]:
        says = f"{name} moved by {moved[name]:+.1f} standard deviations"
        found.append(_sized(abs(moved[name]), DRIFT_WATCH, DRIFT_ACT, "drift", says))
    for name in sorted(counted, key=lambda n: -abs(emptied[n]))[:3]:
        says = f"{name} is missing {emptied[name]:+.0%} of the rows more than before"
        found.append(_sized(abs(emptied[name]), MISSING_WATCH, MISSING_ACT, "missing", says))
    return [finding for finding in found if finding is not None]


def _middles(nights: list[Mapping[str, list[float | None]]], name: str, place: int) -> tuple[float, float]:
    values = np.array([np.nan if (v := night.get(name, [None, None])[place]) is None else v for night in nights])
    parts = values[:-LAST], values[-LAST:]
    old, new = (float(np.median(p[np.isfinite(p)])) if np.isfinite(p).any() else np.nan for p in parts)
    return old, new


def _sized(size: float, watch: float, act: float, reading: str, says: str) -> Finding | None:
    if size < watch:
        return None
    return Finding(ACT if size >= act else WATCH, reading, says, "hold the list until the source is looked at")


def feed_finding(table: str, by_day: pl.DataFrame, newest_day: int) -> Finding | None:
    """The days up to `newest_day` beside the same weekdays of the eight weeks before. `by_day`: `known_day, count`."""
    counts = daily(by_day, newest_day, TESTED_DAYS + WEEK * WEEKS)
    expected = np.array([
        np.median(counts[place - WEEK * WEEKS : place : WEEK]) for place in range(WEEK * WEEKS, len(counts))
    ])  # fmt: skip
    observed = counts[WEEK * WEEKS :]
    level = level_of(log_evidence(observed, expected, FEED_TOLERANCE, is_rise=False))
    says = f"{table}: {observed[-WEEK:].sum():,.0f} facts in 7 days, {expected[-WEEK:].sum():,.0f} are usual"
    return _counted(level, "silent_feed", says, "hold the list until the feed is back")


def carrier_findings(kind: str, by_day: pl.DataFrame, newest_day: int) -> list[Finding]:
    """Each carrier's share of a day's facts beside its share of the weeks before: what all carriers share, such as
    sales and holidays, drops out. `by_day`: `carrier, known_day, count`."""
    span = TESTED_DAYS + USUAL_DAYS
    total, found = daily(by_day.group_by("known_day").agg(pl.col("count").sum()), newest_day, span), []
    usual = total[:USUAL_DAYS].sum()
    for name, part in sorted(by_day.drop_nulls("carrier").group_by("carrier"), key=lambda pair: str(pair[0])):
        counts = daily(part, newest_day, span)
        expected = total[USUAL_DAYS:] * (counts[:USUAL_DAYS].sum() / usual if usual else 0.0)
        level = level_of(log_evidence(counts[USUAL_DAYS:], expected, SHARE_TOLERANCE, is_rise=False))
        now, before = counts[-WEEK:].sum(), expected[-WEEK:].sum()
        says = f"carrier {name[0]}: {now:,.0f} {kind} in 7 days, {before:,.0f} are usual"
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


def new_value_findings(what: str, by_day: pl.DataFrame, as_of_day: int, since_day: int) -> list[Finding]:
    """Values of the last days' orders that no order from `since_day` on had before. `by_day`: `value, known_day`, a row
    per order."""
    start = as_of_day - NEW_DAYS
    before = by_day.filter(in_days(pl.col("known_day"), since_day, start))
    if before.is_empty():
        return []
    recent = by_day.filter(in_days(pl.col("known_day"), start, as_of_day)).drop_nulls("value")
    new = recent.filter(~pl.col("value").is_in(before["value"].unique().implode()))
    found = []
    for value, count in new.group_by("value").len().sort("len", "value", descending=[True, False]).iter_rows():
        if count >= NEW_ORDERS_WATCH:
            is_much = count >= NEW_ORDERS_ACT and count >= NEW_SHARE_ACT * recent.height
            says = f"{what} {value} is new: {count:,} of the {recent.height:,} orders of {NEW_DAYS} days"
            found.append(Finding(ACT if is_much else WATCH, "new_value", says, f"look at {what} {value}"))
    return found
