"""What past nights teach about actions: disputes expected and observed after each of them.

Effects are judged to the end of the order. A night whose label window is over, but whose orders may
still be disputed, is an early read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from features.asof import visible
from features.clock import day_number, in_days, in_label_window, last_matured_day
from models.actions.action_options import MODIFIERS
from models.actions.action_stakes import cause_shares
from models.actions.actions import Action
from models.effects.dispute_costs import OLDEST_OPEN_DAYS
from models.effects.effect_posterior import EffectPosterior
from models.effects.effect_terms import CAUTIOUS, NOTHING, AssumedShare, EffectSettings
from models.effects.learned_effects import learn_effects
from pipeline.history.assignments import first_of_each_order, read_assignments
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

# the order's chosen action, also for the held out: it corrects the model's error on those that an
# action is chosen for
KEYS = ["action", "meant", "stage", *MODIFIERS, "is_ended"]
FIRST_DAY = -(2**31)
UNKNOWN_CAUSE = "unknown"


def learned_effects(
    counts: pl.DataFrame, actions: Sequence[Action], settings: EffectSettings = CAUTIOUS
) -> EffectPosterior:
    """What is known of the effects after `counts` (`action_counts`)."""
    priors: dict[tuple[str, str, str], AssumedShare] = {
        (action.name, stage, cause): share
        for action in actions
        for (stage, cause), share in action.assumed().items()
    }
    delays = {(a.name, cause): delay for a in actions for cause, delay in a.delays().items()}
    # an action whose file was removed, or that is no longer possible at a stage, teaches nothing
    known = pl.struct("action", "stage", "cause").is_in(
        [dict(zip(("action", "stage", "cause"), key, strict=True)) for key in priors]
    )
    held = pl.col("action") == NOTHING
    return learn_effects(counts.filter(known | held), priors, delays, (), settings)


def no_counts() -> pl.DataFrame:
    """The columns of `action_counts`, without rows."""
    schema = dict.fromkeys(["action", "meant", "stage", *MODIFIERS, "cause"], pl.String)
    return pl.DataFrame(
        schema=schema | {"is_ended": pl.Boolean, "expected": pl.Float64, "observed": pl.Float64}
    )


def action_counts(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> pl.DataFrame:
    """One row per action ("nothing" if held out), action meant, stage, cause and modifiers.

    `expected` and `observed` are disputes with that cause, `is_ended` says whether they are counted
    to the end of the orders or over the label window only. Each order counts from the first night
    on which it was assigned. Nights of earlier program versions have no actions.
    """
    rows = assigned_actions(workspace, as_of)
    if rows.is_empty():
        return no_counts()
    known = with_outcomes(rows, files, config, as_of)
    is_unknown = pl.col("opened_cause") == UNKNOWN_CAUSE
    parts = [
        known.select(
            *KEYS,
            cause=pl.lit(cause),
            expected=pl.col("chance") * share,
            # a dispute without a known cause counts in parts, as forecast
            observed=pl.when(is_unknown)
            .then(share)
            .otherwise((pl.col("opened_cause") == cause).fill_null(False).cast(pl.Float64)),
        )
        for cause, share in cause_shares().items()
    ]
    counts = pl.concat(parts).group_by([*KEYS, "cause"]).agg(pl.col("expected", "observed").sum())
    return counts.with_columns(pl.col(list(MODIFIERS)).cast(pl.String)).sort([*KEYS, "cause"])


def assigned_actions(workspace: Workspace, as_of: date) -> pl.DataFrame:
    """The first assignment of each order before `as_of` that has an action."""
    assigned = read_assignments(workspace, as_of)
    if "meant" not in assigned.columns:
        return assigned.clear()
    is_earlier = in_days(pl.col("as_of").cast(pl.Int32), FIRST_DAY, day_number(as_of))
    return first_of_each_order(assigned.filter(is_earlier)).filter(pl.col("meant").is_not_null())


def with_outcomes(
    rows: pl.DataFrame, files: TableFiles, config: Config, as_of: date
) -> pl.DataFrame:
    """The orders of `rows` whose label window is over, with what became of them.

    Adds `opened_cause` (null: no dispute; it may be "unknown"), `is_ended` (to the end of the
    order, or the label window only) and `chance`, the forecast for the same time.
    """
    day = day_number(as_of)
    steps = visible(files.read_facts("disputes", rows["order_id"]), day)
    opened = (
        steps.filter(pl.col("step") == "opened")
        .sort("occurred_day")
        .unique("order_id", keep="first", maintain_order=True)
        .select("order_id", opened_day="occurred_day", opened_cause="cause")
    )
    night = pl.col("as_of").cast(pl.Int32)
    is_over, is_ended = (
        in_days(night, FIRST_DAY, last_matured_day(day, days, config.reporting_delay_days) + 1)
        for days in (config.horizon_days, OLDEST_OPEN_DAYS)
    )
    known = (
        rows.filter(is_over)
        .join(opened, on="order_id", how="left", maintain_order="left")
        .with_columns(is_ended=is_ended)
    )
    early, whole = (
        in_label_window(pl.col("opened_day"), night, days).fill_null(False)
        for days in (config.horizon_days, OLDEST_OPEN_DAYS)
    )
    counts = pl.when("is_ended").then(whole).otherwise(early)
    return known.with_columns(
        opened_cause=pl.when(counts).then("opened_cause"),
        chance=pl.when("is_ended").then("end_probability").otherwise("probability"),
    )
