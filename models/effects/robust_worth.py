"""What an action is worth when its effect is in doubt and the model's risk may be wrong.

Two errors make the best-looking action of many disappoint. The orders chosen for an action are
those whose risk the model overestimates, so the stake is corrected by what the same choice, held
out, has shown. And an effect learned from some dozens of disputes is partly chance, so an action
that costs money or time is valued by a low quantile of what it may save: it is done where the
evidence outweighs the doubt. A message that costs next to nothing is valued by the mean, because
little is lost while its effect is learned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from scipy.special import ndtri

from features.tables import CAUSES
from models.effects.effect_posterior import Component, EffectPosterior

# the modifier that says which action an order was chosen for, also if it was held out
MEANT = "meant"
# the quantile of the saving that a costly action is valued by
COSTLY_QUANTILE = 0.3
# a normal saving has its mean there
MEAN_QUANTILE = 0.5


@dataclass(frozen=True)
class SavedPart:
    """Per cell, the part of the stake of each cause that an action saves.

    `mean` (cells, causes) and `covariance` (cells, causes, causes) are exact moments of the
    posterior. The stake is what the model forecasts; its error is part of `mean`.
    """

    mean: np.ndarray
    covariance: np.ndarray


def saved_parts(posterior: EffectPosterior, cells: pl.DataFrame) -> SavedPart:
    """The saved parts of each row of `cells`: `action, stage` and any modifiers.

    The part is exp(calibration) (1 - exp(effect)). The model's calibration counts by its median, so
    that without data the forecast is believed and the part is the assumed share.
    """
    rows = cells.join(pl.DataFrame({"cause": CAUSES}), how="cross", maintain_order="left_right")
    rows = posterior.with_modifiers(rows.with_columns(pl.col("action").alias(MEANT)))
    offset, effects = posterior.terms.effects_of(rows)
    calibration = posterior.terms.calibration_of(rows)
    total = sum(each.weight for each in posterior.components)
    width = len(CAUSES)
    mean, second = np.zeros((cells.height, width)), np.zeros((cells.height, width, width))
    for each in posterior.components:
        before = _LogNormal.of(np.zeros(rows.height), calibration, each)
        after = _LogNormal.of(offset, calibration + effects, each)
        first, square = _difference(before, after)
        mean += each.weight / total * first
        second += each.weight / total * square
    return SavedPart(mean, second - mean[:, :, None] * mean[:, None, :])


def robust_worth(
    saved: SavedPart,
    cell: np.ndarray,
    stake_usd: np.ndarray,
    cost_usd: np.ndarray,
    quantile: np.ndarray | float,
) -> np.ndarray:
    """The worth of each option in USD: a quantile of what it saves, less what it costs.

    Parameters
    ----------
    saved
        The saved parts of the cells.
    cell
        (options): the row of `saved` of each option.
    stake_usd
        (options, causes): by cause, the forecast chance of a dispute times what it costs.
    cost_usd
        (options): what the action costs and may provoke.
    quantile
        (options) or one for all: `quantile_of` gives it.

    Raises
    ------
    ValueError
        A quantile is not between 0 and 1.

    """
    quantile = np.asarray(quantile, dtype=np.float64)
    if not ((quantile > 0.0) & (quantile < 1.0)).all():
        raise ValueError("a quantile of the saving is between 0 and 1, both excluded")
    mean = (stake_usd * saved.mean[cell]).sum(axis=1)
    variance = np.einsum("nc,ncd,nd->n", stake_usd, saved.covariance[cell], stake_usd)
    # the saving is taken as normal: a sum over causes has no quantile in closed form
    doubt = ndtri(quantile) * np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(mean + doubt - cost_usd)


def quantile_of(is_costly: np.ndarray | bool) -> np.ndarray:
    """The quantile that options are valued by: low if they cost an agent's time or an offer."""
    return np.where(is_costly, COSTLY_QUANTILE, MEAN_QUANTILE)


def worth_of_options(
    posterior: EffectPosterior,
    options: pl.DataFrame,
    stake_usd: np.ndarray,
    cost_usd: np.ndarray,
    is_costly: np.ndarray | bool,
) -> np.ndarray:
    """`robust_worth` of each row of `options`: `action, stage` and the modifiers."""
    known = posterior.with_modifiers(options.with_columns(pl.col("action").alias(MEANT)))
    keys = ["action", "stage", *posterior.terms.levels]
    cells = known.select(keys).unique(maintain_order=True)
    number = known.select(keys).join(
        cells.with_row_index("cell"), on=keys, how="left", maintain_order="left"
    )["cell"]
    saved = saved_parts(posterior, cells)
    return robust_worth(saved, number.to_numpy(), stake_usd, cost_usd, quantile_of(is_costly))


@dataclass(frozen=True)
class _LogNormal:
    """Linear forms of the unknowns: means (cells, causes) and coefficients (cells, causes, unit
    normals)."""

    mean: np.ndarray
    unit: np.ndarray

    @staticmethod
    def of(offset: np.ndarray, matrix: csr_array, component: Component) -> _LogNormal:
        mean = offset + matrix @ component.mean
        unit = matrix @ component.root
        shape = (-1, len(CAUSES))
        return _LogNormal(mean.reshape(shape), unit.reshape(*shape, unit.shape[1]))


def _difference(before: _LogNormal, after: _LogNormal) -> tuple[np.ndarray, np.ndarray]:
    """First and second moments, by cause, of exp(before) - exp(after), where exp(before) has its
    median as mean."""
    width = len(CAUSES)
    unit = np.concatenate([before.unit, after.unit], axis=1)
    covariance = unit @ unit.transpose(0, 2, 1)
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    log_mean = np.concatenate([before.mean, after.mean], axis=1)
    # both parts shrink by the factor that makes the mean of exp(before) its median
    log_mean = log_mean - np.tile(variance[:, :width] / 2.0, 2)
    first = np.exp(log_mean + variance / 2.0)
    second = first[:, :, None] * first[:, None, :] * np.exp(covariance)
    sign = np.concatenate([np.eye(width), -np.eye(width)], axis=1)
    return first @ sign.T, sign @ second @ sign.T
