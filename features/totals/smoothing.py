"""Shares, means and quantiles of trailing totals, for entities with few facts leaned on larger
ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.clock import SECONDS_A_DAY
from features.totals.family_inputs import FamilyInputs
from features.totals.order_facts import bins

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
    """part / whole over the lookback, shrunk towards `prior` as if `strength` earlier cases had
    shown it.

    One value per spine row in [0, 1]. Most products have under five orders, whose raw share is
    noise (Efron & Morris 1975); with none at all the share is the prior.
    """
    hits, cases = totals[f"{part}_{lookback}d"], totals[f"{whole}_{lookback}d"]
    return (hits.fill_null(0) + strength * prior) / (cases.fill_null(0) + strength)


def chained_share(
    view: FamilyInputs, chain: Sequence[str], lookback: int, *, part: str, whole: str, start: float
) -> pl.Series:
    """The share of the first entity of `chain`, each smoothed towards the next, the last towards
    `start`."""
    prior = pl.Series("prior", [start]).new_from_index(0, view.rows.height)
    for entity in reversed(list(dict.fromkeys(chain))):
        prior = smoothed_share(
            view.totals[entity], part=part, whole=whole, lookback=lookback, prior=prior
        )
    return prior


def dispute_share(
    view: FamilyInputs, chain: Sequence[str], lookback: int, part: str = "count_disputes"
) -> pl.Series:
    """Share of ended orders with a dispute (or `part` of them); the last of the chain leans on 5 %.

    5 % is the upper end of what sellers' guides call usual; it matters only for the first orders of
    a store.
    """
    return chained_share(view, chain, lookback, part=part, whole="count_outcomes", start=0.05)


def late_share(view: FamilyInputs, chain: Sequence[str], lookback: int) -> pl.Series:
    """Share of late deliveries, each smoothed towards the next, then the store's, and that towards
    one in ten."""
    return chained_share(
        view, [*chain, "store_id"], lookback, part="count_late", whole="count_delivered", start=0.1
    )


def mean(
    totals: pl.DataFrame, whole: str, count: str, lookback: int, unit: float = 1.0
) -> pl.Series:
    """`whole` per `count` over the lookback, in `unit`s; null where there was none."""
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
    """The same, shrunk towards `prior` as if `strength` earlier cases had shown it; null where the
    prior is."""
    cases, value = (
        totals[f"{count}_{lookback}d"].fill_null(0),
        totals[f"{whole}_{lookback}d"].fill_null(0) / unit,
    )
    return (value + strength * prior) / (cases + strength)


def mean_handling_days(totals: pl.DataFrame, lookback: int) -> pl.Series:
    """Mean days from order to shipping, over the orders shipped in the lookback; null where there
    was none."""
    return mean(totals, "sum_handling_seconds", "count_shipped", lookback, SECONDS_A_DAY)


def mean_transit_days(totals: pl.DataFrame, lookback: int) -> pl.Series:
    """Mean days from shipping to delivery, over the orders delivered in the lookback; null where
    there was none."""
    return mean(totals, "sum_transit_seconds", "count_delivered", lookback, SECONDS_A_DAY)


def histogram(
    view: FamilyInputs, chain: Sequence[str], name: str, edges: Sequence[float], strength: float
) -> np.ndarray:
    """(rows, bins): the share of each bin over 90 days for the first entity of `chain`, each leaned
    on the next as if `strength` of its cases had been seen; the last as it is. NaN where nothing
    was seen at all."""
    shares: np.ndarray | None = None
    for entity in reversed(list(chain)):
        names = [f"{column}_90d" for column in bins(name, edges)]
        counts = (
            view.totals[entity].select(pl.col(names).fill_null(0)).to_numpy().astype(np.float64)
        )
        if shares is not None:
            counts = counts + strength * np.nan_to_num(shares)
        with np.errstate(invalid="ignore"):
            # one after the other: `sum` would add in an order that depends on how many rows there
            # are
            shares = counts / np.cumsum(counts, axis=1)[:, -1:]
    assert shares is not None
    return shares


def quantile(shares: np.ndarray, edges: Sequence[float], q: np.ndarray) -> np.ndarray:
    """Days below which `q` (one a row) of the cases lie: read off the histogram, straight within a
    bin; the open bin ends at twice the last edge."""
    bounds = np.array([0.0, *edges, 2.0 * edges[-1]])
    below = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(shares, axis=1)], axis=1)
    place = np.clip((below < q[:, None]).sum(axis=1), 1, len(edges) + 1)
    row = np.arange(len(shares))
    low, high = below[row, place - 1], below[row, place]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.clip((q - low) / (high - low), 0.0, 1.0)
    return np.asarray(bounds[place - 1] + part * (bounds[place] - bounds[place - 1]))


def share_above(shares: np.ndarray, edges: Sequence[float], days: np.ndarray) -> np.ndarray:
    """What share of the cases lasts longer than `days`, read off the histogram; NaN in, NaN out."""
    bounds = np.array([0.0, *edges, 2.0 * edges[-1]])
    below = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(shares, axis=1)], axis=1)
    known = np.nan_to_num(days, nan=0.0)
    place = np.clip(np.searchsorted(bounds, known, side="right"), 1, len(bounds) - 1)
    row = np.arange(len(shares))
    part = np.clip((known - bounds[place - 1]) / (bounds[place] - bounds[place - 1]), 0.0, 1.0)
    found = 1.0 - (below[row, place - 1] + part * (below[row, place] - below[row, place - 1]))
    return np.where(np.isnan(days), np.nan, found)
