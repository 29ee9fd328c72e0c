"""The effect of each action to the end of the order, and what other policies would have saved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from features.tables import CAUSES
from models.actions.action_stakes import DisputeCost
from models.actions.actions import Action
from models.effects.effect_terms import MEASURED, NOTHING
from models.effects.harmful_actions import EVERY_STAGE, harm_report
from models.effects.policy_value import DECISION, PolicyValue, value_of_policy
from pipeline.history.action_evidence import (
    action_counts,
    assigned_actions,
    learned_effects,
    with_outcomes,
)
from pipeline.history.assignments import read_candidates
from pipeline.night.night_actions import NightActions
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

LEAST_EXPECTED = 20.0
POLICY_SCHEMA = {
    "policy": pl.String,
    "decisions": pl.Int64,
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
    that it prevented, by the hold-out almost alone, whatever was assumed."""
    counts = action_counts(workspace, files, config, as_of)
    return harm_report(learned_effects(counts, known.actions, MEASURED))


def effect_sentences(effects: pl.DataFrame, actions: dict[str, Action]) -> Iterator[str]:
    """One line per action that was ever done."""
    for row in effects.filter(pl.col("stage") == EVERY_STAGE).iter_rows(named=True):
        title = actions[row["action"]].title
        least = min(row["expected"], row["expected_held"])
        if least < LEAST_EXPECTED:
            yield (
                f"{title}: too early to tell; {row['expected']:.1f} disputes expected where it was "
                f"done and {row['expected_held']:.1f} where it was held out, {LEAST_EXPECTED:.0f} "
                "of each are needed"
            )
            continue
        yield (
            f"{title}: prevents {row['share']:.0%} of the disputes to the end of the order "
            f"(95 %: {row['low']:.0%} to {row['high']:.0%})"
            + ("; it does harm and is no longer suggested" if row["is_stopped"] else "")
        )


def policy_table(
    workspace: Workspace, files: TableFiles, known: NightActions, config: Config, as_of: date
) -> pl.DataFrame:
    """What other policies would have saved compared with what was done, USD in all.

    One row per policy: nothing at all, and each action wherever it was possible on a listed order.
    Only orders that have ended count. The bounds are empty with too few decisions that resemble the
    policy.
    """
    logs = decision_logs(workspace, files, known.cost, config, as_of)
    rows = []
    if not logs.is_empty():
        has = {
            name: logs.filter(action=name)[DECISION].unique() for name in logs["action"].unique()
        }
        for name in sorted(has):
            applies = pl.col(DECISION).is_in(has[name].implode())
            policy = (
                pl.when(applies)
                .then((pl.col("action") == name).cast(pl.Float64))
                .otherwise(pl.col("propensity"))
            )
            if value := value_of_policy(logs, policy):
                rows.append(_policy_row(name, value))
    return pl.DataFrame(rows, schema=POLICY_SCHEMA)


def _policy_row(name: str, value: PolicyValue) -> dict[str, Any]:
    n = value.decisions
    low, high = value.saved_low_usd, value.saved_high_usd
    return {
        "policy": name,
        "decisions": n,
        "saved_usd": value.saved_usd * n,
        "saved_low_usd": None if low is None else low * n,
        "saved_high_usd": None if high is None else high * n,
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
    lost = pl.coalesce(
        *(pl.when(pl.col("opened_cause") == cause).then(cost.of_cause(cause)) for cause in CAUSES),
        pl.lit(0.0),
    )
    spent = pl.when(pl.col("action") == NOTHING).then(0.0).otherwise(pl.col("cost_usd"))
    decisions = (
        ended.join(value, on="order_id", how="left")
        .with_columns(realised_usd=lost + spent)
        .select("order_id", "as_of", "stake_usd", "realised_usd")
    )
    logs = read_candidates(workspace, as_of).join(decisions, on=["order_id", "as_of"], how="inner")
    return logs.select(
        "buyer_id",
        "action",
        "propensity",
        "is_taken",
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
        start = f"{title}, on the {row['decisions']:,} orders of past lists that have ended"
        if row["saved_low_usd"] is None:
            yield (
                f"{start}: not measurable; too few decisions resemble it "
                f"({row['effective_count']:.0f} effective, 20 are needed)"
            )
            continue
        yield (
            f"{start}: {row['saved_usd']:+,.2f} USD ({row['saved_low_usd']:+,.2f} to "
            f"{row['saved_high_usd']:+,.2f}) compared with what was done; "
            f"{row['unsupported_share']:.0%} of it was never tried and is the model's estimate"
        )
