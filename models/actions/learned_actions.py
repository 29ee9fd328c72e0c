"""What is known of the effects of the actions, from their assumptions and from counts."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from models.actions.action_options import CORRECTED_BY, STORE
from models.actions.actions import Action
from models.effects.assumed_shares import NOTHING, AssumedShare
from models.effects.effect_posterior import EffectPosterior
from models.effects.effect_terms import CAUTIOUS, CELL, EffectSettings
from models.effects.learned_effects import learn_effects
from models.effects.robust_worth import MEANT

# what the counts of actions are summed by
COUNTED_BY = ("action", MEANT, "stage", "cause", *CORRECTED_BY)


def no_counts() -> pl.DataFrame:
    """The columns of counts, without rows."""
    schema = dict.fromkeys(COUNTED_BY, pl.String)
    return pl.DataFrame(
        schema=schema | {"is_ended": pl.Boolean, "expected": pl.Float64, "observed": pl.Float64}
    )


def learned_effects(
    counts: pl.DataFrame, actions: Sequence[Action], settings: EffectSettings = CAUTIOUS
) -> EffectPosterior:
    """The posterior of the effects after `counts`: `COUNTED_BY, is_ended, expected, observed`.

    `meant` is the action chosen for the orders, also for the held out, whose `action` is "nothing":
    it corrects the model's error on those that an action is chosen for. Counts of an action that is
    no longer there, or no longer possible at a stage, teach nothing.

    If `counts` has a `store` with several values, each store's effects deviate a little from what
    all stores have in common, so that a new store starts with what the others have shown.
    """
    stores = (STORE,) if STORE in counts.columns and counts[STORE].n_unique() > 1 else ()
    if not stores:
        counts = counts.drop(STORE, strict=False)
    priors: dict[tuple[str, str, str], AssumedShare] = {
        (action.name, stage, cause): share
        for action in actions
        for (stage, cause), share in action.assumed().items()
    }
    delays = {(a.name, cause): delay for a in actions for cause, delay in a.delays().items()}
    cells = [dict(zip(CELL, key, strict=True)) for key in priors]
    is_known = pl.struct(CELL).is_in(cells) | (pl.col("action") == NOTHING)
    return learn_effects(counts.filter(is_known), priors, delays, stores, settings)
