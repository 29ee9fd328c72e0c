"""What a replayed season teaches: disputes expected and observed by action, also in its midst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from features.clock import is_earlier
from features.stage import STAGES_AND_UNKNOWN
from features.tables import CAUSES
from models.actions.actions import Action
from models.effects.assumed_shares import NOTHING
from models.effects.dispute_costs import OLDEST_OPEN_DAYS, PRIOR_DISPUTES
from pipeline.simulation.action_policies import HELD


def early_shares(taken: pl.DataFrame) -> Mapping[str, np.ndarray]:
    """By stage, the share of an order's later disputes that come within 0, 1, 2... days.

    From orders that were chosen and left alone, as all were before the first season: `stage,
    as_of_day, opened_day` (-1: no dispute). A stage is mixed with all stages together, which count
    as `PRIOR_DISPUTES` disputes.
    """
    opened = taken.filter(~is_earlier(pl.col("opened_day"), pl.col("as_of_day")))
    days = opened.select("stage", day=(pl.col("opened_day") - pl.col("as_of_day")))
    overall = _cumulated(days["day"])
    overall = overall / overall[-1] if overall[-1] else np.linspace(0, 1, OLDEST_OPEN_DAYS + 1)
    shares = {}
    for stage in STAGES_AND_UNKNOWN:
        of_stage = _cumulated(days.filter(pl.col("stage") == stage)["day"])
        shares[stage] = (of_stage + PRIOR_DISPUTES * overall) / (of_stage[-1] + PRIOR_DISPUTES)
    return shares


def _cumulated(day: pl.Series) -> np.ndarray:
    width = OLDEST_OPEN_DAYS + 1
    at = np.minimum(day.to_numpy().astype(np.int64), OLDEST_OPEN_DAYS)
    return np.asarray(np.cumsum(np.bincount(at, minlength=width)).astype(np.float64))


def seen_by(
    taken: pl.DataFrame, day: int, early: Mapping[str, np.ndarray], delay_days: int
) -> pl.DataFrame:
    """What is known on `day` of the actions taken before: adds `is_ended` and `part`, the share of
    the later disputes that are known by then, and forgets the disputes after `day`.

    A dispute is known `delay_days` after it was opened.
    """
    elapsed = day - delay_days - pl.col("as_of_day").cast(pl.Int64)
    known = taken.with_columns(elapsed=elapsed).filter(pl.col("elapsed") >= 0)
    at = known["elapsed"].clip(upper_bound=OLDEST_OPEN_DAYS).to_numpy()
    table = np.stack([early[stage] for stage in STAGES_AND_UNKNOWN])
    row = known["stage"].replace_strict(
        {stage: n for n, stage in enumerate(STAGES_AND_UNKNOWN)}, return_dtype=pl.Int64
    )
    part = table[row.to_numpy(), at]
    is_later = is_earlier(pl.lit(day - delay_days), pl.col("opened_day"))
    return known.with_columns(
        part=pl.Series(part),
        is_ended=pl.col("elapsed") >= OLDEST_OPEN_DAYS,
        opened_day=pl.when(is_later).then(-1).otherwise(pl.col("opened_day")),
        opened_cause=pl.when(is_later).then(-1).otherwise(pl.col("opened_cause")),
    ).drop("elapsed")


def effect_counts(
    taken: pl.DataFrame, actions: Sequence[Action], modifiers: Sequence[str]
) -> pl.DataFrame:
    """The counts that effects are learned from: by action ("nothing" if held out), stage, cause and
    modifiers, the disputes expected and those observed.

    `meant` is the action that was chosen, also for the held out. The orders chosen for an action
    may be those whose risk the model overestimates; the held out of the same choice correct that.
    `expected_{cause}` are the expected disputes without an action, `part` the share of them that
    can be known so far (see `seen_by`).
    """
    names: Mapping[int, str] = dict(enumerate(a.name for a in actions)) | {HELD: NOTHING}
    action = taken["action"].replace_strict(names, return_dtype=pl.String)
    meant = taken["meant"].replace_strict(names, return_dtype=pl.String)
    parts = [
        taken.select(
            "stage",
            *modifiers,
            "is_ended",
            expected=pl.col(f"expected_{name}") * pl.col("part"),
            observed=(pl.col("opened_cause") == n).cast(pl.Float64),
        ).with_columns(action=action, meant=meant, cause=pl.lit(name))
        for n, name in enumerate(CAUSES)
    ]
    keys = ["action", "meant", "stage", "cause", *modifiers, "is_ended"]
    return pl.concat(parts).group_by(keys).agg(pl.col("expected", "observed").sum()).sort(keys)
