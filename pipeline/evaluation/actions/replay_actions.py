"""replay of actions: what each way to choose actions saves in a simulated store, under one scenario
of true effects.

Three seasons of nights follow each other, each after the last has ended. In the first, actions are
chosen by their assumed effects, in the second by what the first taught, with held-out buyers in
both. The third compares all policies on the same nights; none of them learned from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from models.actions.action_options import MODIFIERS
from models.actions.actions import Action
from models.actions.hold_out import uniform
from models.effects.effect_posterior import EffectPosterior
from models.effects.effect_terms import AssumedShare
from models.effects.learned_effects import learn_effects
from pipeline.evaluation.actions.action_values import (
    believed_values,
    cell_values,
    effect_counts,
    fixed_values,
    true_values,
)
from pipeline.settings.config import Config
from pipeline.simulation.action_outcomes import ActionWorld
from pipeline.simulation.action_policies import HELD, SeasonRules, add_outcomes, run_policy

MESSAGE = "inform"
# An action is done once per order, so one that is worth little now may cost a better night. The
# least worth is the one of these that gained most, as believed, on the nights before.
LEAST_WORTH_USD = (0.02, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 1.0)
# each hand rule does the same action, to the orders with the highest score above 0
HAND_RULES: Mapping[str, tuple[str, pl.Expr]] = {
    "oldest first: message": (MESSAGE, pl.col("order_age_days")),
    "past promise: message": (MESSAGE, -pl.col("logistics_days_to_promise")),
    "past promise: extend protection": ("extend_protection", -pl.col("logistics_days_to_promise")),
    "stalled scan: carrier enquiry": ("carrier_enquiry", pl.col("logistics_days_since_news") - 10),
    "delivered late: refund 15 %": ("partial_refund_15", pl.col("logistics_delivered_late_days")),
    "highest probability: message": (MESSAGE, pl.col("probability")),
}


@dataclass(frozen=True)
class SeasonRows:
    """The candidates of one season with what depends on no policy. `disputes` and `money` (rows,
    causes): the expected disputes, and what they cost."""

    rows: pl.DataFrame
    disputes: np.ndarray
    money: np.ndarray
    costs: np.ndarray


@dataclass(frozen=True)
class ActionReplay:
    """One store under one scenario. `cost_usd` (orders, causes): what a dispute truly costs."""

    world: ActionWorld
    actions: Sequence[Action]
    config: Config
    cost_usd: np.ndarray
    seasons: Sequence[SeasonRows]
    buyers: Sequence[str]

    def compare(self) -> pl.DataFrame:
        """One row per policy: actions, spent, and USD saved, realised and expected."""
        last = self.seasons[-1]
        first = self.learn([])
        once, twice = self.seasons_learned(explores=False)
        explored_once, explored = self.seasons_learned(explores=True)
        truth = true_values(last.rows, self.actions, self.world, self.cost_usd, last.costs)
        is_message = np.array([action.name == MESSAGE for action in self.actions])
        policies: dict[str, np.ndarray] = {
            name: fixed_values(last.rows, self.actions, action, score)
            for name, (action, score) in HAND_RULES.items()
        }
        cells = cell_values(last.rows, self.actions, truth, last.money, last.costs, [*MODIFIERS])
        bounds = {
            "cells with their true mean effects": cells,
            "oracle, messages": np.where(is_message, truth, -np.inf),
            "oracle, actions": truth,
        }
        rows = [self._result("nothing", last.rows.clear(), 0.0)]
        for name, values in policies.items():
            rows.append(self._result(name, self.run(last, values, 0.0), 0.0))
        for name, (posterior, which) in {
            "messages by assumed value": (first, is_message),
            "actions by assumed value": (first, ~is_message | is_message),
            "actions, learned in one season": (once, ~is_message | is_message),
            "actions, learned in two seasons": (twice, ~is_message | is_message),
            "actions, explored for one season": (explored_once, ~is_message | is_message),
            "actions, explored for two seasons": (explored, ~is_message | is_message),
        }.items():
            least = self.least_worth(self.seasons[-2], posterior, which)
            values = np.where(which, self.values(last, posterior), -np.inf)
            rows.append(self._result(name, self.run(last, values, least), least))
        for name, values in bounds.items():
            least = self._least_worth(last, values)
            rows.append(self._result(name, self.run(last, values, least), least))
        return pl.DataFrame(rows)

    def least_worth(
        self, season: SeasonRows, posterior: EffectPosterior, which: np.ndarray
    ) -> float:
        """The least worth that would have gained most on the nights of `season`, as believed."""
        return self._least_worth(season, np.where(which, self.values(season, posterior), -np.inf))

    def _least_worth(self, season: SeasonRows, values: np.ndarray) -> float:
        rules = [self.rules(least, holds_out=False) for least in LEAST_WORTH_USD]
        gains = [float(run_policy(season.rows, values, each)["value_usd"].sum()) for each in rules]
        return LEAST_WORTH_USD[int(np.argmax(gains))]

    def seasons_learned(self, *, explores: bool) -> tuple[EffectPosterior, EffectPosterior]:
        """What is known after the first and after the second season."""
        counts: list[pl.DataFrame] = []
        posteriors = [self.learn([])]
        for number, season in enumerate(self.seasons[:-1]):
            values = self.values(season, posteriors[-1], explores=explores, salt=number)
            least = LEAST_WORTH_USD[4]
            if number:
                believed = self.values(self.seasons[number - 1], posteriors[-1])
                least = self._least_worth(self.seasons[number - 1], believed)
            taken = self.run(season, values, least, holds_out=True)
            rows = taken["row"].to_numpy()
            counts.append(
                effect_counts(taken, self.actions, season.disputes[rows], list(MODIFIERS))
            )
            posteriors.append(self.learn(counts))
        return posteriors[1], posteriors[2]

    def learn(self, counts: Sequence[pl.DataFrame]) -> EffectPosterior:
        """The posterior of the effects after these counts."""
        schema = {
            **dict.fromkeys(["action", "meant", "stage", "cause", *MODIFIERS], pl.String),
            "is_ended": pl.Boolean, "expected": pl.Float64, "observed": pl.Float64,
        }  # fmt: skip
        text = [each.with_columns(pl.col(list(MODIFIERS)).cast(pl.String)) for each in counts]
        delays = {
            (a.name, cause): delay for a in self.actions for cause, delay in a.delays().items()
        }
        return learn_effects(pl.concat([pl.DataFrame(schema=schema), *text]), self.priors, delays)

    @cached_property
    def priors(self) -> dict[tuple[str, str, str], AssumedShare]:
        return {
            (action.name, stage, cause): share
            for action in self.actions
            for (stage, cause), share in action.assumed().items()
        }

    def values(
        self,
        season: SeasonRows,
        posterior: EffectPosterior,
        *,
        explores: bool = False,
        salt: int = 0,
    ) -> np.ndarray:
        """(rows, actions): the values of a season's rows. When exploring, each night is decided by
        another draw from the posterior (Thompson sampling)."""
        if not explores:
            return believed_values(season.rows, self.actions, posterior, season.money, season.costs)
        day = season.rows["as_of_day"].to_numpy()
        edges = np.flatnonzero(np.diff(day, prepend=day[:1] - 1, append=day[-1:] + 1))
        nights = [
            believed_values(
                season.rows[start:end], self.actions, posterior, season.money[start:end],
                season.costs[start:end], draw_seed=1_000_000 * salt + int(day[start]),
            )
            for start, end in zip(edges[:-1], edges[1:], strict=True)
        ]  # fmt: skip
        return np.concatenate(nights)

    def rules(self, least_worth_usd: float, *, holds_out: bool) -> SeasonRules:
        decide = self.config.decide
        share = decide.holdout_share if holds_out else 0.0
        held = np.array([uniform(decide.holdout_salt, buyer) < share for buyer in self.buyers])
        return SeasonRules(decide.capacity, decide.cool_off_days, least_worth_usd, held)

    def run(
        self, season: SeasonRows, values: np.ndarray, least: float, *, holds_out: bool = False
    ) -> pl.DataFrame:
        """The actions of a season and their outcomes."""
        taken = run_policy(season.rows, values, self.rules(least, holds_out=holds_out))
        row, action = taken["row"].to_numpy(), taken["action"].to_numpy()
        costs = np.where(action == HELD, 0.0, season.costs[row, np.maximum(action, 0)])
        return add_outcomes(taken, self.world, self.cost_usd, costs)

    def _by_action(self, taken: pl.DataFrame) -> dict[str, int]:
        count = np.bincount(taken["action"].to_numpy(), minlength=len(self.actions))
        return {a.name: int(n) for a, n in zip(self.actions, count, strict=True) if n}

    def _result(self, name: str, taken: pl.DataFrame, least: float) -> dict[str, object]:
        mix = self._by_action(taken) if "action" in taken.columns else {}
        sums = {
            column: float(taken[column].sum()) if column in taken.columns else 0.0
            for column in ("saved_usd", "expected_usd", "spent_usd")
        }
        per_100 = 100.0 / max(taken.height, 1)
        return {
            "policy": name,
            "actions": taken.height,
            "least_worth_usd": least,
            **sums,
            "saved_usd_per_100": sums["saved_usd"] * per_100,
            "expected_usd_per_100": sums["expected_usd"] * per_100,
            "mix": ", ".join(f"{action} {n}" for action, n in mix.items()),
        }
