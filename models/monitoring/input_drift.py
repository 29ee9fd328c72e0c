"""Find model inputs that moved more than they ever did: means and shares of missing values.

Drift is judged by its size relative to earlier shifts of the same feature, not by significance:
with many rows every mean moves significantly, and it also moves with the seasons.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from features.sentence import Sentence, sentence
from models.monitoring.feature_sums import FeatureSums
from models.monitoring.input_checks import CALENDAR, Moments
from models.monitoring.sequential_monitoring import ACT, WATCH, Finding

CHECK_SOURCE = sentence(
    "propose.check_source", "hold the list until someone has checked the source"
)

# shifts are against the night LAG days before; a shift is compared with the largest one of up to
# PAST_SHIFTS earlier nights. A finding needs a multiple of that largest shift (TIMES_) and a
# minimum size in standard deviations of the mean (DRIFT_) or in share of missing values (MISSING_)
LAG, PAST_SHIFTS, FEWEST_SHIFTS = 7, 110, 30

TIMES_WATCH, TIMES_ACT, LEAST_TIMES = 2.0, 3.0, 0.02

DRIFT_WATCH, DRIFT_ACT, MISSING_WATCH, MISSING_ACT = 0.3, 0.5, 0.1, 0.2

# the importance-weighted mean shift of all features; one feature adds at most MOST_MOVED deviations
WHOLE_WATCH, WHOLE_ACT, MOST_MOVED = 0.1, 0.2, 3.0


def feature_means(night: FeatureSums, names: list[str]) -> dict[str, list[float | None]]:
    """Mean and share of missing values of each feature over one night's rows."""
    return {name: [night.mean(name), night.missing(name)] for name in names if night.height}


def drift_findings(
    nights: list[Mapping[str, list[float | None]]],
    moments: Moments,
    importance: Mapping[str, float],
) -> list[Finding]:
    """Find features whose weekly shift is larger than any before.

    `nights` holds the `feature_means` of each night, the oldest first. `importance` is each
    feature's share of the model's gain.

    The last night's shift against the night a week before is compared with the largest earlier
    shift. Seasons, growth and sales have moved the features before; a price in another unit has
    not. A feature is reported on its own if its importance is at least half the mean importance.
    """
    if len(nights) < LAG + FEWEST_SHIFTS + LAG:
        return []
    names = [n for n in moments if n in importance and not n.startswith(CALENDAR)]
    spread = np.array([moments[n][1] or 1.0 for n in names])
    moved, emptied = (np.abs(_shifts(nights, names, which)) for which in (0, 1))
    moved, weights = moved / spread, np.array([importance[n] for n in names])
    whole = (np.minimum(moved, MOST_MOVED) * weights).sum(axis=1)
    summary = sentence(
        "finding.drift",
        "features moved by {size} standard deviations in a week (weighted by importance)",
        size=f"{whole[-1]:.2f}",
    )
    findings = [_sized(whole, WHOLE_WATCH, WHOLE_ACT, "drift", summary)]
    counted = np.flatnonzero(weights >= 0.5 / max(len(importance), 1))
    for number in sorted(counted, key=lambda n: -_times(moved[:, n]))[:3]:
        says = sentence(
            "finding.feature_drift",
            "{feature} moved by {size} standard deviations in a week",
            feature=names[number],
            size=f"{moved[-1, number]:.1f}",
        )
        findings.append(_sized(moved[:, number], DRIFT_WATCH, DRIFT_ACT, "drift", says))
    for number in sorted(counted, key=lambda n: -_times(emptied[:, n]))[:3]:
        says = sentence(
            "finding.missing",
            "the share of rows without {feature} changed by {change} in a week",
            feature=names[number],
            change=f"{emptied[-1, number]:.0%}",
        )
        findings.append(_sized(emptied[:, number], MISSING_WATCH, MISSING_ACT, "missing", says))
    return [finding for finding in findings if finding is not None]


def _shifts(
    nights: list[Mapping[str, list[float | None]]], names: list[str], which: int
) -> np.ndarray:
    """(nights, features) array: value of each night minus that of the night a week before.

    `which` is 0 for means and 1 for shares of missing values. A missing value counts as no shift.
    """
    values = np.array(
        [[night.get(name, [None, None])[which] for name in names] for night in nights],
        dtype=np.float64,
    )
    shifts: np.ndarray = np.nan_to_num(values[LAG:] - values[:-LAG], nan=0.0)
    return shifts


def _times(shifts: np.ndarray) -> float:
    """The last shift as a multiple of the largest one before.

    Shifts that overlap the last one's week are skipped.
    """
    past = shifts[:-1][-PAST_SHIFTS - LAG : -LAG]
    return float(shifts[-1] / max(past.max(), LEAST_TIMES))


def _sized(
    shifts: np.ndarray, watch: float, act: float, reading: str, shift: Sentence
) -> Finding | None:
    size, times = float(shifts[-1]), _times(shifts)
    if size < watch or times < TIMES_WATCH:
        return None
    level = ACT if size >= act and times >= TIMES_ACT else WATCH
    says = sentence(
        "finding.shift",
        "{shift}, {times} times the largest shift so far",
        shift=shift,
        times=f"{times:.1f}",
    )
    return Finding(level, reading, says, CHECK_SOURCE)
