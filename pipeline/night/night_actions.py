"""What a night knows of its actions: the effects as learned so far, and what a dispute costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from features.clock import day_number
from features.tables import CAUSE_SHARES, CAUSES
from models.actions.action_stakes import DisputeCost
from models.actions.actions import Action
from models.actions.learned_actions import learned_effects, no_counts
from models.contact.waiting import waiting_losses
from models.effects.dispute_costs import end_ratios, loss_shares
from models.effects.effect_posterior import EffectPosterior
from models.effects.harmful_actions import harm_report, stopped_actions
from models.effects.past_nights import past_order_nights
from models.indicators.indicator_price import DisputePrice
from pipeline.drafts.action_texts import require_templates
from pipeline.history.action_evidence import action_counts
from pipeline.indicators.dispute_price import dispute_price
from pipeline.settings.action_files import actions_sha256, load_actions
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace


@dataclass(frozen=True)
class NightActions:
    """The actions of a night. `stopped` has the (action, stage) that do harm; `harm` says why.
    `price`: what a dispute does to the store's grade, which is part of `cost`.
    `waiting`: what is lost by acting later, as `waiting_losses` has it."""

    actions: Sequence[Action]
    posterior: EffectPosterior
    stopped: frozenset[tuple[str, str]]
    harm: pl.DataFrame
    cost: DisputeCost
    price: DisputePrice
    waiting: pl.DataFrame

    @property
    def by_name(self) -> dict[str, Action]:
        return {action.name: action for action in self.actions}


def night_actions(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> NightActions:
    """The actions of the workspace, with what is known of them on `as_of`.

    Raises `BadInput` for a wrong action file, or one that the settings name and that does not
    exist.
    """
    actions = load_actions(workspace.folder)
    config.actions.check_names({action.name for action in actions})
    require_templates(actions, workspace.folder)
    counts = action_counts(workspace, files, config, as_of) if config.decide.learns else no_counts()
    posterior = learned_effects(counts, actions)
    harm = harm_report(posterior)
    price = dispute_price(workspace, files, config, as_of)
    day, disputed = day_number(as_of), files.read_disputed()
    past = past_order_nights(disputed, day, config.dispute_window)
    cost = DisputeCost(
        config.decide.dispute_fixed_cost_usd,
        loss_shares(disputed, day, config.decide.refund_share),
        end_ratios(past, config.horizon_days, day),
        price.usd,
    )
    stopped = frozenset(stopped_actions(harm))
    waiting = waiting_losses(past, day)
    return NightActions(actions, posterior, stopped, harm, cost, price, waiting)


def action_inputs(workspace: Workspace, known: NightActions) -> dict[str, Any]:
    """What the choice of actions depends on, for the manifest: the files, the mean effects as
    learned, the actions that are stopped, and the share of an order that a dispute costs."""
    cells = [
        {"action": a.name, "stage": s, "cause": c}
        | {n: float(n == f"{c}_share") for n in CAUSE_SHARES}
        for a in known.actions
        for s, c in a.assumed()
    ]
    shares = known.posterior.shares(pl.DataFrame(cells))
    means = {
        ", ".join(row[:3]): round(row[3], 6)
        for row in shares.select("action", "stage", "cause", "prevented_share").iter_rows()
    }
    return {
        "actions_sha256": actions_sha256(workspace.folder),
        "prevented_share": means,
        "stopped_actions": sorted(map(list, known.stopped)),
        "grade_usd_per_dispute": round(known.price.usd, 6),
        "end_ratio": {s: round(ratio, 6) for s, ratio in known.cost.end_ratios.items()},
        "loss_share": {cause: round(known.cost.loss_shares[cause], 6) for cause in CAUSES},
    }


def harm_sentences(harm: pl.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """One warning per action that is stopped because it does harm."""
    return [
        f"{titles.get(row['action'], row['action'])}: no longer suggested"
        + (f" at the stage {row['stage']}" if row["stage"] != "all" else "")
        + f". It caused disputes: share prevented {row['share']:+.0%} "
        f"({row['low']:+.0%} to {row['high']:+.0%})."
        for row in harm.filter("is_stopped").iter_rows(named=True)
    ]
