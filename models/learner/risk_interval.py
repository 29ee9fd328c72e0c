"""The interval around a risk: how far the share of disputes in a group of similar orders lies from
the risk that the model gave them.

The model's calibration gives the risk; the interval never moves it. Its width comes from orders
that the model had not seen: they are put into groups of one stage, similar risk and similar time,
and the disputes of each group are compared with the expected number. What chance explains is taken
off; the rest is the model's error, as a normal distribution of shifts in log odds (a random-effects
model, DerSimonian & Laird 1986, with the exact binomial likelihood instead of their moments).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import expit, logit
from scipy.stats import halfcauchy, norm

# the share of groups whose rate lies in the interval of their risks
LEVEL = 0.90
# groups: each stage is cut into so many parts by time, and each of these in two by risk
TIMES, RISKS = 4, 2
# before any order is seen, the error is as likely below as above this (an odds ratio of 1.6)
PRIOR_SCALE = 0.5
_ERRORS = np.linspace(0.02, 2.0, 100)
_SHIFTS = np.linspace(-4.0, 4.0, 401)
# a group's risks are pooled into so many parts, so that the time does not grow with the orders
_POOLED = 20
_LEAST = 1e-6


@dataclass(frozen=True)
class RiskInterval:
    """The 90 % interval of every risk: `shift` to either side, in log odds."""

    shift: float

    def around(self, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The lower and upper bound of each probability, both in (0, 1)."""
        odds = logit(np.clip(probability, _LEAST, 1.0 - _LEAST))
        return np.asarray(expit(odds - self.shift)), np.asarray(expit(odds + self.shift))


def learn_interval(rows: pl.DataFrame, probability: np.ndarray) -> RiskInterval:
    """The interval that the outcomes of unseen orders support.

    `rows` has `order_id, as_of_day, stage, label`, of orders that the model was not trained on;
    `probability` holds its calibrated risk of each. With few disputes the interval stays as wide as
    the prior; it narrows as the groups show that the risks are right.
    """
    groups = _groups(rows.with_columns(probability=pl.Series(probability)))
    weight = _posterior(groups, _repeats(rows, probability))
    return RiskInterval(_quantile(weight))


def _groups(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per group and part of its risks: `group, count, disputes, risk` (the mean)."""

    def part(name: str, parts: int, *within: str) -> pl.Expr:
        rank = pl.col(name).rank("ordinal").over(*within)
        return (rank - 1) * parts // pl.len().over(*within)

    keys = ["stage", "time", "similar"]
    by_time = rows.with_columns(time=part("as_of_day", TIMES, "stage"))
    by_risk = by_time.with_columns(similar=part("probability", RISKS, "stage", "time"))
    pooled = by_risk.with_columns(pooled=part("probability", _POOLED, *keys))
    return (
        pooled.group_by(*keys, "pooled")
        .agg(
            count=pl.len(),
            disputes=pl.col("label").cast(pl.Float64).sum(),
            risk=pl.mean("probability"),
        )
        .with_columns(group=pl.struct(keys).rank("dense") - 1)
    )


def _repeats(rows: pl.DataFrame, probability: np.ndarray) -> float:
    """How many rows say as much as one independent order, at least 1: the nights of an order share
    its outcome (the design effect, Kish 1965)."""
    error = rows.select("order_id", error=pl.col("label") - pl.Series(probability))
    of_orders = error.group_by("order_id").agg(pl.col("error").sum())["error"]
    chance = float((probability * (1.0 - probability)).sum())
    return max(1.0, float((of_orders**2).sum()) / max(chance, _LEAST))


def _posterior(groups: pl.DataFrame, repeats: float) -> np.ndarray:
    """The weight of each of `_ERRORS`, the standard deviations of the shifts; sums to 1."""
    odds = logit(np.clip(groups["risk"].to_numpy(), _LEAST, 1.0 - _LEAST))
    group, count = groups["group"].to_numpy(), groups["count"].to_numpy() / repeats
    disputes = np.bincount(group, weights=groups["disputes"].to_numpy() / repeats)

    def in_groups(values: np.ndarray) -> np.ndarray:
        """(groups, shifts): the sums of the parts."""
        total = np.zeros((len(disputes), values.shape[1]))
        np.add.at(total, group, values)
        return total

    shifted = in_groups(count[:, None] * expit(odds[:, None] + _SHIFTS[None, :]))
    whole = np.bincount(group, weights=count)[:, None]
    log_chance = disputes[:, None] * np.log(shifted / whole) + (
        whole - disputes[:, None]
    ) * np.log1p(-shifted / whole)
    chance = np.exp(log_chance - log_chance.max(axis=1, keepdims=True))
    density = norm.pdf(_SHIFTS[None, :] / _ERRORS[:, None])
    of_group = np.log(chance @ (density / density.sum(axis=1, keepdims=True)).T).T
    total = of_group.sum(axis=1) + halfcauchy.logpdf(_ERRORS, scale=PRIOR_SCALE)
    weight = np.exp(total - total.max())
    return np.asarray(weight / weight.sum())


def _quantile(weight: np.ndarray) -> float:
    """The size that a new group's shift stays below with `LEVEL`, over all errors."""
    shifts = np.linspace(0.0, 5.0, 2_001)
    within = (2.0 * norm.cdf(shifts[:, None] / _ERRORS[None, :]) - 1.0) @ weight
    return float(shifts[np.searchsorted(within, LEVEL)])
