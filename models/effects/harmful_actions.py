"""Stop the actions that cause more disputes than they prevent.

The rule: an action is stopped at a stage if the chance that its share prevented is below 0 is more
than `SURE`, and both it and the hold-out had at least `LEAST_EXPECTED` expected disputes at that
stage, or, for all its stages, in all of them. The hold-out is needed because a model whose
probabilities are too low makes every action look harmful. Of the actions that it stops, at most
1 - `SURE` do no harm, as far as the assumptions are right; looking every night does not change
that, because the chance is a posterior one.
"""

from __future__ import annotations

import polars as pl

from models.effects.assumed_shares import EVERY_STAGE, NOTHING
from models.effects.effect_posterior import EffectPosterior

SURE = 0.95
LEAST_EXPECTED = 20.0


def harm_report(posterior: EffectPosterior) -> pl.DataFrame:
    """One row per action and stage, and per action with the stage "all".

    Columns: `action, stage, expected, expected_held` (disputes), `share, low, high` (prevented,
    95 %), `harm_chance`, `is_stopped`. An action that was never used has no row.
    """
    counts = posterior.counts.filter(pl.col("expected") > 0)
    used = counts.filter(pl.col("action") != NOTHING)
    rows = []
    for (action,), of_action in used.group_by("action", maintain_order=True):
        stages = of_action.partition_by("stage", as_dict=True, maintain_order=True)
        groups = {EVERY_STAGE: of_action, **{str(key[0]): part for key, part in stages.items()}}
        for stage, group in groups.items():
            held = counts.filter(
                pl.col("action") == NOTHING,
                pl.col("stage").is_in(group["stage"].unique().to_list()),
            )
            effect, expected_held = posterior.effect(group), float(held["expected"].sum())
            enough = min(effect.expected, expected_held) >= LEAST_EXPECTED
            rows.append(
                {
                    "action": str(action),
                    "stage": stage,
                    "expected": effect.expected,
                    "expected_held": expected_held,
                    "observed": float(group["observed"].sum()) + float(held["observed"].sum()),
                    "share": effect.mean,
                    "low": effect.low,
                    "high": effect.high,
                    "harm_chance": effect.harm_chance,
                    "is_stopped": enough and effect.harm_chance > SURE,
                }
            )
    names = ["expected", "expected_held", "observed", "share", "low", "high", "harm_chance"]
    schema = {"action": pl.String, "stage": pl.String}
    return pl.DataFrame(
        rows, schema=schema | dict.fromkeys(names, pl.Float64) | {"is_stopped": pl.Boolean}
    )


def stopped_actions(report: pl.DataFrame) -> set[tuple[str, str]]:
    """(action, stage) of what may not be done any more; the stage "all" stops it at every stage."""
    return set(report.filter("is_stopped").select("action", "stage").rows())
