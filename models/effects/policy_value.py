"""What another policy would have cost, from the logs of randomised actions.

The estimate is doubly robust (Dudik et al. 2011): the model's predicted cost of the actions that
the policy would take, corrected by what the model missed on the decisions where the logged action
is one that the policy might take. It is right if the propensities or the predicted costs are. The
correction is self-normalised, so that a few heavy weights do not dominate it, and the interval is
of sums per buyer, because the orders of a buyer are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import stdtrit

# the effective number of decisions below which nothing is measured
LEAST_EFFECTIVE = 20.0
TOLERANCE = 1e-6
DECISION = "decision_id"


@dataclass(frozen=True)
class PolicyValue:
    """Cost per decision of the policy and of what was done, USD to the end of the order.

    `saved_usd` is the saving per decision by the policy, with its 95 % interval. The bounds are
    None if fewer than 20 decisions, by weight, resemble the policy. `effective_count` is that
    number: (sum of weights)^2 / sum of squares. `unsupported_share` is the part of the policy's
    actions that were never tried on such decisions: there the estimate is the model's.
    """

    decisions: int
    cost_usd: float
    logged_cost_usd: float
    saved_usd: float
    saved_low_usd: float | None
    saved_high_usd: float | None
    effective_count: float
    unsupported_share: float


def value_of_policy(logs: pl.DataFrame, policy: pl.Expr) -> PolicyValue | None:
    """What the policy saves compared with what was done, or None without logs.

    Parameters
    ----------
    logs
        One row per candidate of each decision: `decision_id` (an order on a night), `buyer_id`,
        `action`, `propensity` (the logged chance), `is_taken`, `predicted_cost_usd` (the model's
        forecast, to the end of the order, with the cost of the action) and, in the rows taken,
        `cost_usd` (what it came to). Only ended orders.
    policy
        The chance with which the policy takes each candidate; it sums to 1 over a decision.

    Raises
    ------
    ValueError
        A decision has not exactly one action taken, with a chance above 0 and a cost; or its
        propensities, or the policy's chances, do not sum to 1.

    """
    if logs.is_empty():
        return None
    decisions = _per_decision(logs.with_columns(chance=policy.cast(pl.Float64)))
    weight = decisions["chance_taken"].to_numpy() / decisions["propensity_taken"].to_numpy()
    predicted, supported, cost, missed = (
        decisions[name].to_numpy() for name in ("predicted", "supported", "cost_usd", "missed")
    )
    effective = float(weight.sum() ** 2 / max((weight**2).sum(), TOLERANCE))
    mean_weight = max(float(weight.mean()), TOLERANCE)
    mean_missed = float((weight * missed).mean()) / mean_weight
    # each decision's part in the estimate: the prediction, and the correction by its weight
    value = predicted + supported * mean_missed
    influence = value + float(supported.mean()) / mean_weight * weight * (missed - mean_missed)
    saved = cost - influence
    bounds: tuple[float | None, float | None] = (None, None)
    if effective >= LEAST_EFFECTIVE:
        half = _half_width(saved, decisions["buyer_id"], weight)
        bounds = (float(saved.mean()) - half, float(saved.mean()) + half)
    return PolicyValue(
        decisions.height,
        float(value.mean()),
        float(cost.mean()),
        float(saved.mean()),
        *bounds,
        effective,
        1.0 - float(supported.mean()),
    )


def _per_decision(logs: pl.DataFrame) -> pl.DataFrame:
    """One row per decision, after the checks that `value_of_policy` names.

    `predicted` is the model's cost of the policy, `supported` the chance that the policy takes an
    action that the logs might have, `missed` the cost less the prediction of the action taken.
    """
    chance, propensity = pl.col("chance"), pl.col("propensity")
    taken = pl.col("is_taken")
    decisions = logs.group_by(DECISION).agg(
        pl.col("buyer_id").first(),
        pl.col("cost_usd").filter(taken).first(),
        taken_count=taken.sum(),
        chance_sum=chance.sum(),
        propensity_sum=propensity.sum(),
        least=pl.min_horizontal(chance.min(), propensity.min()),
        predicted=(chance * pl.col("predicted_cost_usd")).sum(),
        supported=chance.filter(propensity > 0).sum(),
        chance_taken=chance.filter(taken).first(),
        propensity_taken=propensity.filter(taken).first(),
        missed=(pl.col("cost_usd") - pl.col("predicted_cost_usd")).filter(taken).first(),
    )
    is_sound = pl.all_horizontal(
        pl.col("taken_count") == 1,
        (pl.col("chance_sum") - 1.0).abs() < TOLERANCE,
        (pl.col("propensity_sum") - 1.0).abs() < TOLERANCE,
        pl.col("least") >= 0,
        pl.col("propensity_taken") > 0,
        pl.col("missed").is_finite(),
        pl.col("predicted").is_finite(),
    ).fill_null(False)
    wrong = decisions.filter(~is_sound).sort(DECISION)
    if wrong.height:
        row = wrong.row(0, named=True)
        raise ValueError(
            f"{wrong.height} of {decisions.height} decisions cannot be valued, first "
            f"{row[DECISION]}: {row['taken_count']} actions taken, propensities sum to "
            f"{row['propensity_sum']}, the policy's chances to {row['chance_sum']}, cost less "
            f"prediction {row['missed']}; needed: one action, sums of 1, known costs"
        )
    return decisions.sort(DECISION)


def _half_width(saved: np.ndarray, buyer: pl.Series, weight: np.ndarray) -> float:
    """Half of the 95 % interval of the mean saving, from sums per buyer.

    With few effective buyers the t distribution makes it wider.
    """
    number = buyer.rank("dense").to_numpy().astype(np.int64) - 1
    deviation = np.bincount(number, saved - saved.mean())
    weights = np.bincount(number, weight)
    effective = weights.sum() ** 2 / (weights**2).sum()
    freedom = max(min(float(effective), float(len(deviation))) - 1.0, 1.0)
    count = len(deviation)
    spread = np.sqrt((deviation**2).sum() * count / max(count - 1, 1)) / len(saved)
    return float(stdtrit(freedom, 0.975) * spread)
