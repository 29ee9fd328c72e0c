"""What is known of the share of disputes that each action prevents, by stage and cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from scipy.special import ndtr

from features.tables import CAUSE_SHARES, CAUSES
from models.effects.effect_terms import UNKNOWN_LEVEL, EffectTerms

TAIL = 0.025
# bisection of a quantile: the interval and the number of halvings
REACH, HALVINGS = 40.0, 60


@dataclass(frozen=True)
class Component:
    """A normal distribution of the terms, its weight, and the prior spread of each term.

    The covariance is `root` times its transpose.
    """

    weight: float
    mean: np.ndarray
    root: np.ndarray
    prior_spread: np.ndarray


@dataclass(frozen=True)
class ShareEstimate:
    """A share of disputes prevented: its posterior mean and 95 % interval.

    `harm_chance` is the chance that it is below 0. `expected` is the number of disputes without the
    action that it rests on.
    """

    mean: float
    low: float
    high: float
    harm_chance: float
    expected: float = 0.0


@dataclass(frozen=True)
class EffectPosterior:
    """The posterior of all effects: a mixture of normal distributions on the log scale.

    `counts` are those it was learned from, one row per cell. `log_evidence` compares models of the
    same counts.
    """

    terms: EffectTerms
    components: tuple[Component, ...]
    counts: pl.DataFrame
    log_evidence: float

    def share(
        self, action: str, stage: str, cause: str, modifiers: Mapping[str, str] | None = None
    ) -> ShareEstimate:
        """The share that `action` prevents for this cause, to the end of the order."""
        names = {"action": action, "stage": stage, "cause": cause, **(modifiers or {})}
        return self.effect(pl.DataFrame([names]).with_columns(expected=pl.lit(1.0)))

    def effect(self, rows: pl.DataFrame) -> ShareEstimate:
        """The share that is prevented of the `expected` disputes of all rows together.

        `rows` has `action, stage, cause`, the modifiers and `expected`. The mean is exact. The
        interval takes the disputes left as log-normal with that mean and the spread of the linear
        part.
        """
        rows = rows.drop("is_ended", strict=False)
        offset, matrix = self.terms.effects_of(self.with_modifiers(rows))
        part = rows["expected"].to_numpy() / rows["expected"].sum()
        left, centres, spreads = 0.0, [], []
        for each in self.components:
            eta, deviation = _normal(offset, matrix, each)
            of_row = part * np.exp(eta + deviation**2 / 2.0)
            slope = matrix.T @ (of_row / of_row.sum())
            spread = float(np.linalg.norm(each.root.T @ slope))
            left += each.weight * float(of_row.sum())
            centres.append(np.log(of_row.sum()) - spread**2 / 2.0)
            spreads.append(spread)
        weights = np.array([each.weight for each in self.components])
        mixture = (weights / weights.sum(), np.array(centres), np.array(spreads))
        bounds = [1.0 - np.exp(_quantile(*mixture, tail)) for tail in (1.0 - TAIL, TAIL)]
        mean = 1.0 - left / weights.sum()
        # rounding can take the sum of the weights above 1
        harm_chance = max(1.0 - _below(*mixture, 0.0), 0.0)
        return ShareEstimate(mean, bounds[0], bounds[1], harm_chance, float(rows["expected"].sum()))

    def effect_of(self, action: str) -> ShareEstimate | None:
        """The share that `action` prevented of the disputes expected where it was used."""
        used = self.counts.filter(pl.col("action") == action, pl.col("expected") > 0)
        return None if used.is_empty() else self.effect(used)

    def shares(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add `prevented_share`, the posterior mean, and `evidence_share`, the part measured.

        `frame` has `action, stage`, the modifiers and, where known, the shares of the causes;
        without them all causes count the same. The order of the rows stays.
        """
        cells, number, parts = self._cells(frame)
        offset, matrix = self.terms.effects_of(cells)
        weight = sum(each.weight for each in self.components)
        left, evidence = np.zeros(cells.height), np.zeros(cells.height)
        for each in self.components:
            eta, deviation = _normal(offset, matrix, each)
            before = (matrix**2) @ (each.prior_spread**2)
            left += each.weight / weight * np.exp(eta + deviation**2 / 2.0)
            kept = np.divide(deviation**2, before, where=before > 0, out=np.zeros_like(before))
            evidence += each.weight / weight * np.clip(1.0 - kept, 0.0, 1.0)
        width = len(CAUSES)
        prevented = (parts * (1.0 - left.reshape(-1, width))[number]).sum(axis=1)
        measured = (parts * evidence.reshape(-1, width)[number]).sum(axis=1)
        return frame.with_columns(prevented_share=prevented, evidence_share=measured)

    def draw_shares(self, frame: pl.DataFrame, draws: int, seed: int) -> np.ndarray:
        """Draws from the posterior of the share, one row per row of `frame`, one column per draw.

        One draw is one state of the world, the same for all rows.
        """
        rng = np.random.default_rng(seed)
        cells, number, parts = self._cells(frame)
        offset, matrix = self.terms.effects_of(cells)
        weights = np.array([each.weight for each in self.components])
        component = rng.choice(len(weights), size=draws, p=weights / weights.sum())
        unit = rng.standard_normal((len(self.terms.index), draws))
        drawn = np.empty_like(unit)
        for k, each in enumerate(self.components):
            of_k = component == k
            drawn[:, of_k] = each.mean[:, None] + each.root @ unit[:, of_k]
        prevented = -np.expm1(offset[:, None] + matrix @ drawn).reshape(-1, len(CAUSES), draws)
        shares = np.zeros((frame.height, draws))
        for cause in range(len(CAUSES)):
            shares += parts[:, cause, None] * prevented[number, cause]
        return shares

    def _cells(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
        """The distinct cells of `frame`, each with every cause in turn.

        Also the number of the cell and the shares of the causes, of each row.
        """
        frame = self.with_modifiers(frame)
        keys = ["action", "stage", *self.terms.levels]
        distinct = frame.select(keys).unique(maintain_order=True).with_row_index("number")
        number = frame.select(keys).join(distinct, on=keys, how="left", maintain_order="left")
        causes = pl.DataFrame({"cause": CAUSES})
        cells = distinct.join(causes, how="cross", maintain_order="left_right")
        equal = np.full((frame.height, len(CAUSES)), 1.0 / len(CAUSES))
        if CAUSE_SHARES[0] in frame.columns:
            known = frame.select(CAUSE_SHARES).to_numpy().astype(np.float64)
            equal = np.where(np.isnan(known).any(axis=1, keepdims=True), equal, known)
        return cells, number["number"].to_numpy(), equal

    def with_modifiers(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with every modifier as text; one that they lack is unknown."""
        return rows.with_columns(
            (pl.col(m) if m in rows.columns else pl.lit(None))
            .cast(pl.String)
            .fill_null(UNKNOWN_LEVEL)
            .alias(m)
            for m in self.terms.levels
        )


def _normal(
    offset: np.ndarray, matrix: csr_array, component: Component
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of log(1 - share) of each row."""
    deviation = np.sqrt(((matrix @ component.root) ** 2).sum(axis=1))
    return offset + matrix @ component.mean, deviation


def _below(weights: np.ndarray, means: np.ndarray, spreads: np.ndarray, value: float) -> float:
    return float(weights @ ndtr((value - means) / np.maximum(spreads, 1e-12)))


def _quantile(weights: np.ndarray, means: np.ndarray, spreads: np.ndarray, tail: float) -> float:
    """The quantile of a mixture of normal distributions, by bisection."""
    low, high = means.min() - REACH * spreads.max(), means.max() + REACH * spreads.max()
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        is_below = _below(weights, means, spreads, middle) < tail
        low, high = (middle, high) if is_below else (low, middle)
    return float((low + high) / 2.0)
