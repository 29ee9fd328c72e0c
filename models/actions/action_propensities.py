"""Draw tonight's action of each buyer at random where it costs little, and log every chance.

Effects can only be measured if similar orders get different actions. An action is drawn with the
chance that it is the best one, given what is known of the effects (Thompson 1933): where one action
is surely better, it is taken; where two overlap, both are tried. The logged chances (propensities)
later value any other policy (`models/effects/policy_value.py`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from models.actions.action_rules import ExplorationRules
from models.actions.hold_out import uniform

CANDIDATE = ["buyer_id", "order_id", "action"]


DEFAULTS = ExplorationRules()


def add_propensities(
    options: pl.DataFrame, values: np.ndarray, rules: ExplorationRules = DEFAULTS
) -> pl.DataFrame:
    """Add `best_chance` and `propensity` to each candidate.

    `options` has one row per candidate, `buyer_id, order_id, action`, with "nothing" among them;
    a buyer gets one of them. `values` has the USD that each saves, one row per candidate and one
    column per draw from the posterior of the effects (1,000 draws give a chance to within 0.03).
    Equally good candidates share their chance. The order of the rows stays.
    """
    if values.shape[0] != options.height or not values.size:
        raise ValueError(f"values has {values.shape} entries for {options.height} candidates")
    buyer = options["buyer_id"].rank("dense").to_numpy().astype(np.int64) - 1
    order = np.argsort(buyer, kind="stable")
    starts = np.flatnonzero(np.diff(buyer[order], prepend=-1))

    def per_buyer(function: np.ufunc, array: np.ndarray) -> np.ndarray:
        """The function over the candidates of each buyer, repeated for each candidate."""
        return np.asarray(function.reduceat(array[order], starts, axis=0)[buyer])

    is_best = (values == per_buyer(np.maximum, values)).astype(np.float64)
    best_chance = (is_best / per_buyer(np.add, is_best)).mean(axis=1)
    mean = values.mean(axis=1)
    loss = per_buyer(np.maximum, mean) - mean
    competes = (best_chance >= rules.least_chance) & (loss <= rules.most_loss_usd)
    # the candidate with the best mean always competes
    competes |= loss == 0.0
    count = per_buyer(np.add, competes.astype(np.float64))
    floor = np.minimum(rules.floor, 1.0 / count)
    chance = np.where(competes, best_chance, 0.0)
    total = per_buyer(np.add, chance)
    # without a chance for any of them, they share it
    part = np.where(total > 0, chance / np.where(total > 0, total, 1.0), competes / count)
    propensity = np.where(competes, floor + (1.0 - count * floor) * part, 0.0)
    return options.with_columns(best_chance=best_chance, propensity=propensity)


def draw_actions(options: pl.DataFrame, salt: str, night: str) -> pl.DataFrame:
    """Add `is_taken`: one candidate per buyer, drawn with the chances in `propensity`.

    The draw depends on the salt, the night and the buyer alone, so anyone can draw it again, and
    the order of the rows does not matter. It is independent of the hold-out's draw.
    """
    buyers = options["buyer_id"].unique()
    draws = [uniform(salt, "action", night, buyer) for buyer in buyers]
    rows = options.with_row_index("row").join(
        pl.DataFrame({"buyer_id": buyers, "draw": pl.Series(draws, dtype=pl.Float64)}),
        on="buyer_id",
    )
    above = pl.col("propensity").cum_sum().over("buyer_id")
    rows = rows.sort(CANDIDATE).with_columns(above=above)
    rows = rows.with_columns(
        below=pl.col("above").shift(1, fill_value=0.0).over("buyer_id"),
        # rounding: the last limit may be a little below 1
        drawn=pl.col("draw") * pl.col("above").last().over("buyer_id"),
    )
    is_taken = (pl.col("below") <= pl.col("drawn")) & (pl.col("drawn") < pl.col("above"))
    return rows.with_columns(is_taken=is_taken).sort("row").select(*options.columns, "is_taken")
