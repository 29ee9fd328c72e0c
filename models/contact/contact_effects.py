"""Learn the share of disputes that a contact prevents from the hold-out.

For the contacted orders of a group, the model and the hold-out together give the number of disputes
that would have happened; the missing ones were prevented. The share prevented is the mean of a Beta
distribution: a prior of `strength` trials with the assumed share, plus the evidence, counted as the
number of trials that would determine the share as precisely as the two counts do. A share can be
below 0 where messages provoked more disputes than they prevented. The same weighted mean is used
then, and no more messages are sent there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

# lower limit of the share: messages double the number of disputes
WORST = -1.0
# the precision of the counts is computed for a share within these bounds
LEAST, MOST = 0.02, 0.98


@dataclass(frozen=True)
class Belief:
    """The share of disputes that a contact prevents, and how much of it is measured (0 to 1)."""

    share: float
    evidence: float


@dataclass(frozen=True)
class Counts:
    """Sum of the probabilities and number of disputes, of contacted and of held-out orders."""

    predicted_sent: float
    disputes_sent: float
    predicted_held: float
    disputes_held: float


def learn_beliefs(
    matured: pl.DataFrame, assumed: Mapping[tuple[str, str], float], strength: float
) -> dict[tuple[str, str], Belief]:
    """A `Belief` for each (stage, cause) of `assumed`, shrunk towards the result of all groups.

    `matured` has one row per order whose label window is over: `stage, cause, is_held, probability,
    label`. `strength` is the number of would-be disputes that weigh as much as the assumption.
    """
    if matured.is_empty():
        return {}
    all_counts = _count(matured)
    expected = sum(
        assumed[row["stage"], row["cause"]] * row["probability"]
        for row in matured.filter(~pl.col("is_held")).iter_rows(named=True)
        if (row["stage"], row["cause"]) in assumed
    )
    prior = expected / all_counts.predicted_sent if all_counts.predicted_sent else 0.0
    pooled = _learn(all_counts, prior, strength)
    # all groups together scale each group's assumption
    scale = pooled.share / prior if prior > 0 else 1.0
    beliefs = {}
    for (stage, cause), share in assumed.items():
        of_group = _count(matured.filter(pl.col("stage") == stage, pl.col("cause") == cause))
        own = _learn(of_group, share * scale, strength)
        evidence = pooled.evidence + (1.0 - pooled.evidence) * own.evidence
        beliefs[stage, cause] = Belief(own.share, evidence)
    return beliefs


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
    """The weighted mean of the prior and of the share in the counts.

    The hold-out corrects the model's probabilities, so that a miscalibrated model does not look
    like prevention. One dispute is added to observed and expected, so that a hold-out without
    disputes still counts.
    """
    if not counts.predicted_sent or not counts.predicted_held:
        return Belief(prior, 0.0)
    would_be_held = counts.disputes_held + 1.0
    would_be = would_be_held / (counts.predicted_held + 1.0) * counts.predicted_sent
    observed_share = float(np.clip(1.0 - counts.disputes_sent / would_be, WORST, 1.0))
    trials = _trials(min(max(prior, LEAST), MOST), would_be, would_be_held)
    weight = trials / (trials + strength)
    return Belief(prior + weight * (observed_share - prior), weight)


def _trials(share: float, would_be: float, held: float) -> float:
    """Trials with chance `share` that determine it as precisely as 1 - disputes / would-be.

    The would-be disputes rest on `held` held-out disputes. Both counts are Poisson, so the variance
    of that ratio is (1 - share)^2 x (1 / disputes + 1 / held) (delta method); that of a mean of n
    trials is share x (1 - share) / n. Few held-out disputes give few trials, however many orders
    were contacted.
    """
    variance = (1.0 - share) ** 2 * (1.0 / max(would_be * (1.0 - share), 1.0) + 1.0 / held)
    return share * (1.0 - share) / variance
