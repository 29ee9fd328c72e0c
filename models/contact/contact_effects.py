"""What a contact prevents, learnt from the hold-out: buyers who would have been written to and were
not.

Of a group's sent orders the model and the hold-out say how many disputes there would have been;
what is missing of them was prevented. The share prevented is the mean of a Beta: prior `strength`
trials with the assumed share, the evidence on top, as many trials as would tell the share as
exactly as the two counts do. A share may come out below 0, where messages provoked more than they
prevented: then the same weighted mean is used, and nothing more is sent there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

# the worst that is believed of a message: as many disputes more as there would have been
WORST = -1.0
# for how exactly the counts tell a share, one is taken to be in here
LEAST, MOST = 0.02, 0.98


@dataclass(frozen=True)
class Belief:
    """`share`: of the disputes that a contact prevents; `evidence`: how much of that figure is
    measured, 0 to 1."""

    share: float
    evidence: float


@dataclass(frozen=True)
class Counts:
    """Orders sent and held out: the sum of their probabilities, and the disputes that came."""

    predicted_sent: float
    came_sent: float
    predicted_held: float
    came_held: float


def learn_beliefs(
    matured: pl.DataFrame, assumed: Mapping[tuple[str, str], float], strength: float
) -> dict[tuple[str, str], Belief]:
    """A belief for each (stage, cause) of `assumed`, drawn towards what all of them together show.

    `matured`: one row per order whose label window is over: `stage, cause, is_held, probability,
    label`. `strength`: so many would-be disputes weigh as much as the assumption.
    """
    if matured.is_empty():
        return {}
    whole = _count(matured)
    expected = sum(
        assumed[row["stage"], row["cause"]] * row["probability"]
        for row in matured.filter(~pl.col("is_held")).iter_rows(named=True)
        if (row["stage"], row["cause"]) in assumed
    )
    prior = expected / whole.predicted_sent if whole.predicted_sent else 0.0
    pooled = _learn(whole, prior, strength)
    # what all groups together show scales each group's assumption
    scale = pooled.share / prior if prior > 0 else 1.0
    found = {}
    for (stage, cause), share in assumed.items():
        of_group = _count(matured.filter(pl.col("stage") == stage, pl.col("cause") == cause))
        own = _learn(of_group, share * scale, strength)
        evidence = pooled.evidence + (1.0 - pooled.evidence) * own.evidence
        found[stage, cause] = Belief(own.share, evidence)
    return found


def _count(rows: pl.DataFrame) -> Counts:
    held, sent = rows.filter(pl.col("is_held")), rows.filter(~pl.col("is_held"))
    return Counts(
        *(
            float(part[name].sum() or 0.0)
            for part in (sent, held)
            for name in ("probability", "label")
        )
    )


def _learn(counts: Counts, prior: float, strength: float) -> Belief:
    """The weighted mean of the prior and of what the counts show.

    The hold-out alone corrects the model's probabilities: what the model has wrong must not pass
    for prevention. One dispute is added on either side, so that a hold-out without any says
    something too.
    """
    if not counts.predicted_sent or not counts.predicted_held:
        return Belief(prior, 0.0)
    would_be_held = counts.came_held + 1.0
    would_be = would_be_held / (counts.predicted_held + 1.0) * counts.predicted_sent
    shown = float(np.clip(1.0 - counts.came_sent / would_be, WORST, 1.0))
    trials = _trials(min(max(prior, LEAST), MOST), would_be, would_be_held)
    weight = trials / (trials + strength)
    return Belief(prior + weight * (shown - prior), weight)


def _trials(share: float, would_be: float, held: float) -> float:
    """How many trials of chance `share` tell it as exactly as 1 - came / would-be does, would-be
    being told by `held`.

    Both counts are Poisson's, so the variance of that ratio is (1 - share)^2 x (1 / came + 1 /
    held) (delta method); that of a mean of n trials is share x (1 - share) / n. Few held-out
    disputes are few trials, however many were sent.
    """
    variance = (1.0 - share) ** 2 * (1.0 / max(would_be * (1.0 - share), 1.0) + 1.0 / held)
    return share * (1.0 - share) / variance
