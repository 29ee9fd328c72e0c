"""The effect of each action to the end of the order, and what other policies would have saved."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

import polars as pl

from features.labels import LEAST_DISPUTED
from features.tables import CAUSES
from models.actions.action_stakes import DisputeCost, cause_shares
from models.actions.actions import Action
from models.actions.learned_actions import learned_effects
from models.effects.assumed_shares import EVERY_STAGE, NOTHING
from models.effects.effect_terms import MEASURED
from models.effects.harmful_actions import harm_report
from models.effects.policy_value import DECISION, PolicyValue, value_of_policy
from pipeline.history.action_evidence import (
    UNKNOWN_CAUSE,
    action_counts,
    assigned_actions,
    with_outcomes,
)
from pipeline.history.assignments import read_candidates
from pipeline.night.night_actions import NightActions
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

MOST_UNSUPPORTED = 0.05
POLICY_SCHEMA = {
    "policy": pl.String,
    "decisions": pl.Int64,
    "disputes": pl.Int64,
    "saved_usd": pl.Float64,
    "saved_low_usd": pl.Float64,
    "saved_high_usd": pl.Float64,
    "effective_count": pl.Float64,
    "unsupported_share": pl.Float64,
}


def effect_table(
    workspace: Workspace, files: TableFiles, known: NightActions, config: Config, as_of: date
) -> pl.DataFrame:
    """One row per action and stage (or "all"), as `harm_report` has them: the share of disputes
    that it prevented, by the hold-out almost alone, whatever was assumed.

    The share and its bounds are null with too few disputes, expected in one of the groups or
    observed in both together.
    """
    counts = action_counts(workspace, files, config, as_of)
    return with_enough(harm_report(learned_effects(counts, known.actions, MEASURED)))


def with_enough(effects: pl.DataFrame) -> pl.DataFrame:
    """`effects` without the figures that rest on too few disputes."""
    least = pl.min_horizontal("expected", "expected_held", "observed")
    figures = pl.col("share", "low", "high", "harm_chance")
    return effects.with_columns(pl.when(least >= LEAST_DISPUTED).then(figures))


def effect_sentences(
    effects: pl.DataFrame, actions: dict[str, Action], stopped: Collection[tuple[str, str]] = ()
) -> Iterator[str]:
    """One line per action that was ever done. `stopped`: those that the night no longer does."""
    for row in effects.filter(pl.col("stage") == EVERY_STAGE).iter_rows(named=True):
        title = actions[row["action"]].title
        if row["share"] is None:
            yield (
                f"{title}: too early to tell; {row['expected']:.1f} disputes expected where it was "
                f"done, {row['expected_held']:.1f} where it was held out, and "
                f"{row['observed']:.0f} observed in both; {LEAST_DISPUTED} of each are needed"
            )
            continue
        is_stopped = (row["action"], EVERY_STAGE) in stopped
        yield (
            f"{title}: prevents {row['share']:.0%} of the disputes to the end of the order "
            f"(95 %: {row['low']:.0%} to {row['high']:.0%})"
            + ("; it does harm and is no longer suggested" if is_stopped else "")
        )


def policy_table(
    workspace: Workspace, files: TableFiles, known: NightActions, config: Config, as_of: date
) -> pl.DataFrame:
    """What other policies would have saved compared with what was done, USD in all.

    One row per policy: nothing at all, and each action on the orders where it was possible. Only
    orders that have ended, and on which the policy can be followed, count. There is no figure from
    too few disputes, or from too few decisions on which the policy was followed, or if more than
    `MOST_UNSUPPORTED` of it was never tried: no interval covers the model's error there.
    """
    logs = decision_logs(workspace, files, known.cost, config, as_of)
    rows = []
    if not logs.is_empty():
        has = {
            name: logs.filter(action=name)[DECISION].unique() for name in logs["action"].unique()
        }
        for name in sorted(has):
            own = logs.filter(pl.col(DECISION).is_in(has[name].implode()))
            if value := value_of_policy(own, (pl.col("action") == name).cast(pl.Float64)):
                disputes = own.filter(pl.col("is_taken") & pl.col("is_disputed")).height
                rows.append(_policy_row(name, value, disputes))
    return pl.DataFrame(rows, schema=POLICY_SCHEMA)


def _policy_row(name: str, value: PolicyValue, disputes: int) -> dict[str, Any]:
    n, low, high = value.decisions, value.saved_low_usd, value.saved_high_usd
    is_tried = value.unsupported_share <= MOST_UNSUPPORTED and disputes >= LEAST_DISPUTED
    is_known = is_tried and low is not None and high is not None
    return {
        "policy": name,
        "decisions": n,
        "disputes": disputes,
        "saved_usd": value.saved_usd * n if is_known else None,
        "saved_low_usd": low * n if is_known and low is not None else None,
        "saved_high_usd": high * n if is_known and high is not None else None,
        "effective_count": value.effective_count,
        "unsupported_share": value.unsupported_share,
    }


def decision_logs(
    workspace: Workspace, files: TableFiles, cost: DisputeCost, config: Config, as_of: date
) -> pl.DataFrame:
    """The candidates of the ended decisions, as `value_of_policy` takes them."""
    rows = assigned_actions(workspace, as_of)
    if rows.is_empty():
        return pl.DataFrame()
    ended = with_outcomes(rows, files, config, as_of).filter("is_ended")
    value = files.read_facts("orders", ended["order_id"]).select(
        "order_id", order_value_usd="total_usd"
    )
    opened, shares = pl.col("opened_cause"), cause_shares()
    mean = pl.sum_horizontal(shares[cause] * cost.of_cause(cause) for cause in CAUSES)
    lost = pl.coalesce(
        *(pl.when(opened == cause).then(cost.of_cause(cause)) for cause in CAUSES),
        pl.when(opened == UNKNOWN_CAUSE).then(mean),
        pl.lit(0.0),
    )
    spent = pl.when(pl.col("action") == NOTHING).then(0.0).otherwise(pl.col("cost_usd"))
    decisions = (
        ended.join(value, on="order_id", how="left")
        .with_columns(realised_usd=lost + spent)
        .select(
            "order_id",
            "as_of",
            "stake_usd",
            "realised_usd",
            is_disputed=pl.col("opened_cause").is_not_null(),
        )
    )
    logs = read_candidates(workspace, as_of).join(decisions, on=["order_id", "as_of"], how="inner")
    return logs.select(
        "buyer_id",
        "action",
        "propensity",
        "is_taken",
        "is_disputed",
        pl.concat_str("order_id", pl.col("as_of").cast(pl.String), separator=" ").alias(DECISION),
        predicted_cost_usd=pl.col("stake_usd") - pl.col("value_usd"),
        cost_usd=pl.when("is_taken").then("realised_usd"),
    )


def policy_sentences(policies: pl.DataFrame, actions: dict[str, Action]) -> Iterator[str]:
    """One line per policy; without enough decisions that resemble it, that is said."""
    for row in policies.iter_rows(named=True):
        name = row["policy"]
        # the file of an action on past lists may have been removed since
        title = actions[name].title if name in actions else name
        title = "Nothing at all" if name == NOTHING else f"Always: {title}"
        start = f"{title}, on the {row['decisions']:,} ended orders of past lists that allowed it"
        if row["saved_low_usd"] is None:
            yield (
                f"{start}: not known; it was done on {row['effective_count']:.0f} of them by "
                f"weight, {row['disputes']} were disputed, and {row['unsupported_share']:.0%} of "
                "it was never tried. Needed: 20, 20 and at most 5 %"
            )
            continue
        yield (
            f"{start}: {row['saved_usd']:+,.2f} USD (95 %: {row['saved_low_usd']:+,.2f} to "
            f"{row['saved_high_usd']:+,.2f}) compared with what was done"
        )
