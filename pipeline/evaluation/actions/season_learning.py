"""How the learned policy lives through its seasons: it chooses, sees what became of the orders so
far, learns again every `RELEARN_NIGHTS` nights, and stops what does harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from features.tables import CAUSES
from models.actions.action_options import CORRECTED_BY
from models.actions.actions import Action
from models.actions.hold_out import uniform
from models.actions.learned_actions import learned_effects, no_counts
from models.effects.effect_posterior import EffectPosterior
from models.effects.harmful_actions import harm_report, stopped_actions
from pipeline.evaluation.actions.action_values import believed_values, drawn_values
from pipeline.evaluation.actions.season_counts import early_shares, effect_counts, seen_by
from pipeline.evaluation.actions.season_rows import SeasonRows
from pipeline.settings.config import Config
from pipeline.simulation.action_outcomes import ActionWorld
from pipeline.simulation.action_policies import (
    HELD,
    PolicyState,
    SeasonRules,
    add_outcomes,
    run_policy,
)

RELEARN_NIGHTS = 10
# An action is done once per order, so one that is worth little now may cost a better night. The
# least worth is the one of these that gained most, as believed, on the nights before.
LEAST_WORTH_USD = (0.02, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 1.0)


@dataclass(frozen=True)
class ReplayWorld:
    """One store under one scenario. `cost_usd` (orders, causes): what a dispute truly costs."""

    world: ActionWorld
    actions: Sequence[Action]
    config: Config
    cost_usd: np.ndarray
    buyers: Sequence[str]

    def learn(self, counts: pl.DataFrame | None = None) -> EffectPosterior:
        """The posterior of the effects after these counts."""
        return learned_effects(no_counts() if counts is None else counts, self.actions)

    def least_worth(self, season: SeasonRows, values: np.ndarray) -> float:
        """The least worth that would have gained most on the nights of `season`, as believed."""
        rules = [self.rules(least, holds_out=False) for least in LEAST_WORTH_USD]
        gains = [float(run_policy(season.rows, values, each)["value_usd"].sum()) for each in rules]
        return LEAST_WORTH_USD[int(np.argmax(gains))]

    @cached_property
    def _buyer_uniforms(self) -> np.ndarray:
        """A number between 0 and 1 for each buyer: those below the share are held out."""
        salt = self.config.decide.holdout_salt
        return np.array([uniform(salt, buyer) for buyer in self.buyers])

    def rules(self, least_worth_usd: float, *, holds_out: bool) -> SeasonRules:
        decide = self.config.decide
        held = self._buyer_uniforms < (decide.holdout_share if holds_out else 0.0)
        return SeasonRules(decide.capacity, decide.cool_off_days, least_worth_usd, held)

    def fresh_state(self) -> PolicyState:
        return PolicyState.fresh(self.world.truth.orders.height, len(self.buyers))

    def left_alone(self, season: SeasonRows) -> pl.DataFrame:
        """What became of the orders of a season without actions that the assumed effects would
        have chosen: a hold-out at no cost."""
        values = believed_values(season, self.actions, self.learn())
        rules = self.rules(self.least_worth(season, values), holds_out=False)
        return self.run(season, values, rules, is_shadow=True)

    def run(
        self,
        season: SeasonRows,
        values: np.ndarray,
        rules: SeasonRules,
        state: PolicyState | None = None,
        *,
        is_shadow: bool = False,
    ) -> pl.DataFrame:
        """The actions of a season and their outcomes. In a shadow none of them is done."""
        taken = run_policy(season.rows, values, rules, state or self.fresh_state())
        if is_shadow:
            taken = taken.with_columns(action=pl.lit(HELD, pl.Int64))
        row, action = taken["row"].to_numpy(), taken["action"].to_numpy()
        costs = np.where(action == HELD, 0.0, season.costs[row, np.maximum(action, 0)])
        expected = {f"expected_{c}": season.disputes[row, n] for n, c in enumerate(CAUSES)}
        done = add_outcomes(taken, self.world, self.cost_usd, costs)
        return done.with_columns(**{name: pl.Series(each) for name, each in expected.items()})


@dataclass
class LearningPolicy:
    """A policy that learns from its own seasons, and from the orders `left_alone` before them.

    `taken` has the actions so far, one frame per part of a season, with the `night` of each, from
    0 on; `stopped_on` the night on which the harm rule first stopped each (action, stage).
    """

    replay: ReplayWorld
    left_alone: pl.DataFrame
    explores: bool = False
    taken: list[pl.DataFrame] = field(default_factory=list)
    stopped_on: dict[tuple[str, str], int] = field(default_factory=dict)
    night: int = 0

    @cached_property
    def early(self) -> Mapping[str, np.ndarray]:
        return early_shares(self.left_alone)

    def known_on(self, day: int) -> EffectPosterior:
        """What is known of the effects on a calendar day."""
        delay = self.replay.config.reporting_delay_days
        columns = self.left_alone.columns
        taken = pl.concat([self.left_alone, *(each.select(columns) for each in self.taken)])
        seen = seen_by(taken, day, self.early, delay)
        return self.replay.learn(effect_counts(seen, self.replay.actions, CORRECTED_BY))

    def live(self, season: SeasonRows, before: SeasonRows) -> pl.DataFrame:
        """Choose through a season with held-out buyers; `before` are the nights before it."""
        replay, state, parts = self.replay, self.replay.fresh_state(), []
        day = season.rows["as_of_day"].to_numpy()
        posterior = self.known_on(int(day[0]))
        least = replay.least_worth(before, believed_values(before, replay.actions, posterior))
        rules = replay.rules(least, holds_out=True)
        starts = season.starts(RELEARN_NIGHTS)
        for start, end in zip(starts[:-1], starts[1:], strict=True):
            part = season.part(start, end)
            posterior = self.known_on(int(day[start]))
            values = self._values(part, posterior, seed=int(day[start]))
            parts.append(replay.run(part, values, rules, state))
            night = pl.col("as_of_day") - int(day[start]) + self.night
            self.taken.append(parts[-1].with_columns(night=night))
            self.night += int(day[end - 1]) - int(day[start]) + 1
        return pl.concat(parts)

    def _values(self, part: SeasonRows, posterior: EffectPosterior, seed: int) -> np.ndarray:
        actions = self.replay.actions
        if self.explores:
            return drawn_values(part, actions, posterior, seed)
        stopped = stopped_actions(harm_report(posterior))
        for each in sorted(stopped):
            self.stopped_on.setdefault(each, self.night)
        return believed_values(part, actions, posterior, stopped=stopped)
