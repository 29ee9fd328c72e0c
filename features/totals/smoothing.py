"""Shares, means and quantiles of trailing totals, with shrinkage for entities with few facts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.clock import SECONDS_A_DAY
from features.totals.family_inputs import FamilyInputs
from features.totals.parcel_facts import bins

STRENGTH = 20.0


def smoothed_share(
    totals: pl.DataFrame,
    *,
    part: str,
    whole: str,
    lookback: int,
    prior: pl.Series,
    strength: float = STRENGTH,
) -> pl.Series:
    """part / whole over the lookback, shrunk towards `prior`, which counts as `strength` cases.

    One value per spine row, in [0, 1]. Most products have fewer than five orders, so their raw
    share is noise (Efron & Morris 1975). Without any case the share is the prior.
    """
    hits, cases = totals[f"{part}_{lookback}d"], totals[f"{whole}_{lookback}d"]
    return (hits.fill_null(0) + strength * prior) / (cases.fill_null(0) + strength)


def chained_share(
    inputs: FamilyInputs,
    chain: Sequence[str],
    lookback: int,
    *,
    part: str,
    whole: str,
    start: float,
) -> pl.Series:
    """The share of the first entity of `chain`; each is shrunk towards the next, the last towards
    `start`."""
    prior = pl.Series("prior", [start]).new_from_index(0, inputs.rows.height)
    for entity in reversed(list(dict.fromkeys(chain))):
        prior = smoothed_share(
            inputs.totals[entity], part=part, whole=whole, lookback=lookback, prior=prior
        )
    return prior


def dispute_share(
    inputs: FamilyInputs, chain: Sequence[str], lookback: int, part: str = "count_disputes"
) -> pl.Series:
    """Share of ended orders with a dispute, or with `part`; the last of the chain is shrunk to 5 %.

    5 % is the upper end of the range that sellers' guides call usual. It matters only for the first
    orders of a store.
    """
    return chained_share(inputs, chain, lookback, part=part, whole="count_outcomes", start=0.05)


def late_share(inputs: FamilyInputs, chain: Sequence[str], lookback: int) -> pl.Series:
    """Share of late deliveries; each entity is shrunk towards the next, then towards the store's
    share, and that towards one in ten."""
    return chained_share(
        inputs,
        [*chain, "store_id"],
        lookback,
        part="count_late",
        whole="count_delivered",
        start=0.1,
    )


def mean(
    totals: pl.DataFrame, whole: str, count: str, lookback: int, unit: float = 1.0
) -> pl.Series:
    """`whole` / `count` over the lookback, in units of `unit`; null if the count is 0."""
    cases = totals[f"{count}_{lookback}d"]
    value = totals[f"{whole}_{lookback}d"] / unit
    return (value / cases).set(cases == 0, None)


def smoothed_mean(
    totals: pl.DataFrame,
    whole: str,
    count: str,
    lookback: int,
    *,
    prior: pl.Series,
    unit: float,
    strength: float = 5.0,
) -> pl.Series:
    """`mean`, shrunk towards `prior`, which counts as `strength` cases; null where the prior is."""
    cases, value = (
        totals[f"{count}_{lookback}d"].fill_null(0),
        totals[f"{whole}_{lookback}d"].fill_null(0) / unit,
    )
    return (value + strength * prior) / (cases + strength)


def mean_handling_days(totals: pl.DataFrame, lookback: int) -> pl.Series:
    """Mean days from order to shipping of the orders shipped in the lookback; null without any."""
    return mean(totals, "sum_handling_seconds", "count_shipped", lookback, SECONDS_A_DAY)


def mean_transit_days(totals: pl.DataFrame, lookback: int) -> pl.Series:
    """Mean days from shipping to delivery of orders delivered in the lookback; null without any."""
    return mean(totals, "sum_transit_seconds", "count_delivered", lookback, SECONDS_A_DAY)


def histogram(
    inputs: FamilyInputs, chain: Sequence[str], name: str, edges: Sequence[float], strength: float
) -> np.ndarray:
    """(rows, bins): the share of each bin over 90 days for the first entity of `chain`.

    Each entity is shrunk towards the next, which counts as `strength` cases; the last is not
    shrunk. NaN if there is no case at all.
    """
    shares: np.ndarray | None = None
    for entity in reversed(list(chain)):
        names = [f"{column}_90d" for column in bins(name, edges)]
        counts = (
            inputs.totals[entity].select(pl.col(names).fill_null(0)).to_numpy().astype(np.float64)
        )
        if shares is not None:
            counts = counts + strength * np.nan_to_num(shares)
        with np.errstate(invalid="ignore"):
            # cumsum adds in a fixed order; the order of `sum` depends on the number of rows
            shares = counts / np.cumsum(counts, axis=1)[:, -1:]
    assert shares is not None
    return shares


def quantile(shares: np.ndarray, edges: Sequence[float], q: np.ndarray) -> np.ndarray:
    """Days below which a share `q` (one per row) of the cases is, read from the histogram.

    Interpolates linearly within a bin. The open bin ends at twice the last edge.
    """
    bounds = np.array([0.0, *edges, 2.0 * edges[-1]])
    below = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(shares, axis=1)], axis=1)
    bin_number = np.clip((below < q[:, None]).sum(axis=1), 1, len(edges) + 1)
    row = np.arange(len(shares))
    low, high = below[row, bin_number - 1], below[row, bin_number]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.clip((q - low) / (high - low), 0.0, 1.0)
    return np.asarray(bounds[bin_number - 1] + part * (bounds[bin_number] - bounds[bin_number - 1]))


def share_above(shares: np.ndarray, edges: Sequence[float], days: np.ndarray) -> np.ndarray:
    """Share of the cases that last longer than `days`, read from the histogram; NaN stays NaN."""
    bounds = np.array([0.0, *edges, 2.0 * edges[-1]])
    below = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(shares, axis=1)], axis=1)
    known = np.nan_to_num(days, nan=0.0)
    bin_number = np.clip(np.searchsorted(bounds, known, side="right"), 1, len(bounds) - 1)
    row = np.arange(len(shares))
    part = np.clip(
        (known - bounds[bin_number - 1]) / (bounds[bin_number] - bounds[bin_number - 1]), 0.0, 1.0
    )
    above = 1.0 - (
        below[row, bin_number - 1] + part * (below[row, bin_number] - below[row, bin_number - 1])
    )
    return np.where(np.isnan(days), np.nan, above)
