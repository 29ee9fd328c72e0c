"""Intervals of an effect from counts of buyers alone, for groups with few disputes."""

from __future__ import annotations

import numpy as np

from models.contact.uplift import Z95, Effect, Sums


def at_least_the_counts(effect: Effect, sums: Sums, per: float = 1.0) -> Effect:
    """The effect with an interval that is at least as wide as that of the counts alone.

    The spread of the buyers shows nothing where hardly anyone disputed: without a dispute in either
    arm it gives an interval of no width. The counts of buyers give one for any number of disputes:
    each arm's share has its Wilson interval, and the two are combined (Newcombe 1998, method 10).
    `per` divides the difference of the arms, for an effect on another scale.
    """
    low, high = count_bounds(sums)
    return Effect(
        effect.estimate, min(effect.low, low / per), max(effect.high, high / per), effect.reduction
    )


def count_bounds(sums: Sums) -> tuple[float, float]:
    """The 95 % interval of the difference between the shares of buyers with a dispute."""
    shares, lows, highs = [], [], []
    for arm in (~sums.held, sums.held):
        count, hits = int(arm.sum()), int((sums.outcome[arm] > 0).sum())
        share, spread = hits / count, Z95**2 / count
        centre = (share + spread / 2.0) / (1.0 + spread)
        half = Z95 * np.sqrt(share * (1.0 - share) / count + spread / (4.0 * count))
        half = float(half / (1.0 + spread))
        shares.append(share)
        lows.append(max(centre - half, 0.0))
        highs.append(min(centre + half, 1.0))
    gap = shares[0] - shares[1]
    below = float(np.hypot(shares[0] - lows[0], highs[1] - shares[1]))
    above = float(np.hypot(highs[0] - shares[0], shares[1] - lows[1]))
    return gap - below, gap + above
