"""Learn what each action prevents from counts of expected and observed disputes.

The posterior of the Poisson model of `effect_terms` is close to a normal distribution, one for each
possible error of the assumptions, mixed by their evidence. Effects are judged to the end of the
order: a postponed dispute is not a prevented one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
import polars as pl
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array, diags_array
from scipy.special import logsumexp

from models.effects.assumed_shares import AssumedDelay, AssumedShare
from models.effects.effect_posterior import Component, EffectPosterior
from models.effects.effect_terms import CELL, UNKNOWN_LEVEL, EffectSettings, EffectTerms

# a likely error of the assumptions has more evidence than this part of all
LEAST_WEIGHT = 1e-3
# an expected count of 0 has no logarithm
LEAST_EXPECTED = 1e-9
MOST_STEPS, CONVERGED, MOST_EXPONENT = 100, 1e-10, 30.0
MOST_ROUNDS, SETTLED = 20, 1e-4
DEFAULTS = EffectSettings()


@dataclass(frozen=True)
class Evidence:
    """Observed counts, the log of what is expected before any deviation, and the terms that act."""

    observed: np.ndarray
    offset: np.ndarray
    terms: csr_array


@dataclass(frozen=True)
class NormalFit:
    """Mean, a root of the covariance, and the log evidence up to a constant of the counts."""

    mean: np.ndarray
    root: np.ndarray
    log_evidence: float


def learn_effects(
    counts: pl.DataFrame,
    priors: Mapping[tuple[str, str, str], AssumedShare],
    delays: Mapping[tuple[str, str], AssumedDelay] | None = None,
    modifiers: Sequence[str] = (),
    settings: EffectSettings = DEFAULTS,
) -> EffectPosterior:
    """The effect of every action on every stage and cause.

    Parameters
    ----------
    counts
        One row per cell: `action` ("nothing" for held-out orders), `stage, cause`, any further
        column as a modifier, `is_ended`, `expected` (sum over the orders of the probability times
        the share of the cause) and `observed` (disputes with that cause). An order is in one row
        per cause. While an order is open, both count its first days only and `is_ended` is false.
    priors
        (action, stage, cause) -> the assumed share, for every cell in which an action is possible.
    delays
        (action, cause) -> how much the first days overstate the action.
    modifiers
        The columns whose levels change what an action prevents; `helpful_modifiers` chooses them.
        All of them correct the calibration. A column `store` among them shares evidence between
        stores: each has a deviation from the effect that all stores have in common.

    Raises
    ------
    ValueError
        An expected or observed count is negative or unknown, or a cell has no assumed share.

    """
    known = set(CELL) | {"is_ended", "expected", "observed"}
    names = [name for name in counts.columns if name not in known]
    counts = summed(counts, names)
    levels = {name: sorted(counts[name].unique()) for name in names}
    terms = EffectTerms.of(priors, delays or {}, levels, modifiers, settings)
    evidence = evidence_of(counts, terms)
    errors = list(settings.assumption_errors)
    fits = [fit(evidence, terms.means(error), terms.spreads(error)) for error in errors]
    logs = np.array([each.log_evidence for each in fits])
    total = float(logsumexp(logs))
    weights = np.exp(logs - total)
    components = tuple(
        Component(float(weight), each.mean, each.root, terms.spreads(error))
        for weight, each, error in zip(weights, fits, errors, strict=True)
        if weight >= LEAST_WEIGHT
    )
    return EffectPosterior(terms, components, counts, total - log(len(errors)))


def summed(counts: pl.DataFrame, modifiers: Sequence[str]) -> pl.DataFrame:
    """One row per cell and levels of the modifiers, sorted, with the sums of its counts.

    The levels are text; an unknown level is "unknown".
    """
    wrong = counts.filter(
        pl.any_horizontal(
            pl.col("is_ended").is_null(),
            *(
                ~(pl.col(name).is_finite() & (pl.col(name) >= 0)).fill_null(False)
                for name in ("expected", "observed")
            ),
        )
    )
    if wrong.height:
        row = wrong.row(0, named=True)
        cell = ", ".join(str(row[name]) for name in CELL)
        raise ValueError(
            f"counts of ({cell}): expected {row['expected']}, observed {row['observed']}, is_ended "
            f"{row['is_ended']}; needed: numbers of at least 0, and true or false"
        )
    keys = [*CELL, *modifiers, "is_ended"]
    text = [pl.col(name).cast(pl.String).fill_null(UNKNOWN_LEVEL) for name in (*CELL, *modifiers)]
    rows = counts.with_columns(*text, pl.col("expected", "observed").cast(pl.Float64))
    return rows.group_by(keys).agg(pl.col("expected", "observed").sum()).sort(keys)


def evidence_of(counts: pl.DataFrame, terms: EffectTerms) -> Evidence:
    """The counts as arrays, next to the terms that act on them."""
    assumed, effects = terms.effects_of(counts)
    expected = np.maximum(counts["expected"].to_numpy(), LEAST_EXPECTED)
    matrix = csr_array(effects + terms.calibration_of(counts))
    return Evidence(counts["observed"].to_numpy(), np.log(expected) + assumed, matrix)


def fit(evidence: Evidence, means: np.ndarray, spreads: np.ndarray) -> NormalFit:
    """The normal distribution closest to the posterior, and the lower bound of its evidence.

    It differs from Laplace's in that rates are averaged over the distribution,
    exp(mean + variance / 2), so that cells with few disputes do not bias it (Gaussian variational
    approximation, exact in this form for Poisson counts). The terms are scaled to prior standard
    deviations, so one without a spread keeps its mean.
    """
    matrix = csr_array(evidence.terms @ diags_array(spreads))
    offset = evidence.offset + evidence.terms @ means
    scaled = Evidence(evidence.observed, offset, matrix)
    z, root, variance = np.zeros(len(means)), np.eye(len(means)), np.zeros(len(offset))
    for _ in range(MOST_ROUNDS):
        before = variance
        z, root = _mode(replace(scaled, offset=offset + variance / 2.0), z)
        variance = ((matrix @ root) ** 2).sum(axis=1)
        if np.abs(variance - before).max(initial=0.0) < SETTLED:
            break
    eta = offset + matrix @ z
    fitted = evidence.observed @ eta - np.exp(np.minimum(eta + variance / 2.0, MOST_EXPONENT)).sum()
    # root is triangular: its diagonal has the determinant
    divergence = (z @ z + (root**2).sum() - len(z)) / 2.0 - np.log(np.diag(root)).sum()
    return NormalFit(means + spreads * z, spreads[:, None] * root, float(fitted - divergence))


def _mode(scaled: Evidence, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mode by Newton's method, and a root of the inverse curvature there.

    The log posterior is concave; a step that does not raise it is halved.
    """
    matrix, z = scaled.terms, start

    def log_posterior(z: np.ndarray) -> float:
        eta = np.minimum(scaled.offset + matrix @ z, MOST_EXPONENT)
        return float(scaled.observed @ eta - np.exp(eta).sum() - z @ z / 2.0)

    def curvature(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rate = np.exp(np.minimum(scaled.offset + matrix @ z, MOST_EXPONENT))
        gradient = matrix.T @ (scaled.observed - rate) - z
        return gradient, (matrix.T @ (diags_array(rate) @ matrix)).toarray() + np.eye(len(z))

    value = log_posterior(z)
    for _ in range(MOST_STEPS):
        gradient, hessian = curvature(z)
        step = cho_solve(cho_factor(hessian), gradient)
        gain = gradient @ step
        while log_posterior(z + step) < value and gain > CONVERGED:
            step, gain = step / 2.0, gain / 2.0
        z = z + step
        value = log_posterior(z)
        if gain <= CONVERGED:
            break
    lower = np.linalg.cholesky(curvature(z)[1])
    return z, np.linalg.inv(lower).T
