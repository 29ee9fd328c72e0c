"""Check whether the model is still right, with alarms that may be checked every night.

Each stream (all orders, a stage, a lane or a category) has `observed` and `expected` disputes per
night; `expected` is the sum of the probabilities. The evidence against "the rate is at most
`tolerance` times the expected one" is a product of likelihood ratios of a Poisson count. For
independent orders with any probabilities its mean is at most 1 under that hypothesis, because 1 + p
(k - 1) <= exp(p (k - 1)). The night of a change is unknown, so the products from every starting
night are added up: an e-detector (Shin, Ramdas & Rinaldo 2024, "E-detectors", with the recursion of
Shiryaev and Roberts). Its mean after n nights is at most n. By the maximal inequality it reaches n
/ alpha within n nights with probability at most alpha, however often it is checked. Streams, sides
and kinds share alpha (Bonferroni, by families).

Orders are assumed to be independent given their probabilities. An event that hits many orders at
once makes counts vary more than that; the tolerance allows for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from features.sentence import Sentence, sentence

FINE, WATCH, ACT = "fine", "watch", "act"

LEVELS = (FINE, WATCH, ACT)

# one false "act" in 20 seasons without a change; a season has 90 nights and each looks back 90
# nights
SEASON_ALPHA, SEASON_NIGHTS, LOOKBACK_NIGHTS = 0.05, 90, 90

# per family of streams: its share of alpha, and the least number of streams that share it. The
# whole store gets half, because it is the first thing a seller asks about
WHOLE, FEEDS, GROUPS = (0.5, 4), (0.2, 50), (0.1, 200)

# the shares of alpha of all suppliers and of all products; each divides its share by its orders
SUPPLIERS, PRODUCTS = 0.1, 0.1

# a "watch" may be wrong once a season
WATCH_ALPHA = 1.0

RISES, FALLS = (1.25, 1.6, 2.5, 5.0), (0.8, 0.6, 0.3, 0.05)

RETRAIN = sentence("propose.retrain", "retrain")


@dataclass(frozen=True)
class Finding:
    """Something to check. `says` describes it; `propose` says what to do about it."""

    level: str
    reading: str
    says: Sentence
    propose: Sentence


def look_at(what: str) -> Sentence:
    """The proposal to look at something."""
    return sentence("propose.look_at", "look at {what}", what=what)


def threshold(alpha: float, family: tuple[float, float]) -> float:
    """Log evidence that a stream without a change reaches in a season with its share of alpha."""
    share, streams = family
    return float(np.log((SEASON_NIGHTS + LOOKBACK_NIGHTS) * streams / (alpha * share)))


def log_evidence(
    observed: np.ndarray,
    expected: np.ndarray,
    tolerance: float,
    *,
    is_rise: bool,
    most_a_day: float = np.inf,
) -> float:
    """Log of the e-detector after the last night, averaged over several sizes of change.

    The hypothesis is a rate of at most `tolerance` times the expected one (`is_rise`), or of at
    least the expected one divided by `tolerance`. `most_a_day` caps the log evidence of a single
    day; a capped ratio is still valid evidence, only weaker.
    """
    bound = expected * tolerance if is_rise else expected / tolerance
    evidence = []
    for times in RISES if is_rise else FALLS:
        gains = np.minimum(observed * np.log(times) - (times - 1.0) * bound, most_a_day)
        # sum of the products from every starting night
        evidence.append(logsumexp(np.cumsum(gains[::-1])) if len(gains) else -np.inf)
    return float(logsumexp(evidence) - np.log(len(evidence)))


def level_of(evidence: float, family: tuple[float, float]) -> str:
    """`ACT`, `WATCH` or `FINE` for this log evidence."""
    levels = ((SEASON_ALPHA, ACT), (WATCH_ALPHA, WATCH))
    return next((level for alpha, level in levels if evidence >= threshold(alpha, family)), FINE)


def worst(findings: Sequence[Finding]) -> str:
    """The most severe level of `findings`; `FINE` if there are none."""
    return max((finding.level for finding in findings), key=LEVELS.index, default=FINE)
