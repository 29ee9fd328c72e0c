"""Results of the replay of actions on several stores, joined: means and intervals over the stores,
and each policy next to the best hand rule and to what the cells could know."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import polars as pl
from scipy.special import stdtrit

BEST_KNOWABLE = "cells with their true mean effects"
KEYS = ["scenario", "policy"]


def over_stores(results: Sequence[pl.DataFrame], hand_rules: Collection[str]) -> pl.DataFrame:
    """One row per scenario and policy, in the order of the first result.

    `results`: a `replay.csv` of each store. Columns, in USD: `saved_usd` and `expected_usd`
    (means over the stores), each with `_low` and `_high` of the 95 % t interval of the mean;
    `stake_share` (mean of expected saving over money at stake), `to_cells` and `to_best_rule`
    (ratios of the mean expected savings; null where the other saves nothing). The best rule is the
    one that saves most in the scenario.

    Raises
    ------
    ValueError
        Fewer than two stores, or stores with different scenarios or policies.

    """
    keys = [set(each.select(KEYS).iter_rows()) for each in results]
    if len(keys) < 2 or any(each != keys[0] for each in keys):
        raise ValueError("intervals need at least two stores with the same scenarios and policies")
    half = float(stdtrit(len(results) - 1, 0.975)) / np.sqrt(len(results))
    columns = ["saved_usd", "expected_usd"]
    joined = (
        pl.concat([each.select(*KEYS, "season", "stake_usd", *columns) for each in results])
        .group_by(KEYS, maintain_order=True)
        .agg(
            pl.col("season").first(),
            pl.col("stake_usd", *columns).mean(),
            *((pl.col(c).mean() - half * pl.col(c).std()).alias(f"{c}_low") for c in columns),
            *((pl.col(c).mean() + half * pl.col(c).std()).alias(f"{c}_high") for c in columns),
            stake_share=(pl.col("expected_usd") / pl.col("stake_usd")).mean(),
        )
    )
    expected, last = pl.col("expected_usd"), pl.col("season") == pl.col("season").max()
    cells = expected.filter(pl.col("policy") == BEST_KNOWABLE).first().over("scenario")
    rule = expected.filter(pl.col("policy").is_in(list(hand_rules))).max().over("scenario")
    return joined.with_columns(
        to_cells=pl.when(last & (cells > 0)).then(expected / cells),
        to_best_rule=pl.when(last & (rule > 0)).then(expected / rule),
    )
