"""replay of actions: what each way to choose actions saves in a simulated store, under one scenario
of true effects.

Four seasons of nights follow each other, each after the last has ended. In the first nothing is
done: it shows how far the model's risk is right where actions would be chosen. In the second and
third the learned policy chooses, with held-out buyers, and learns as it goes. The fourth compares
all policies on the same nights; none of them learned from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from models.actions.action_options import MODIFIERS
from models.effects.effect_posterior import EffectPosterior
from models.effects.harmful_actions import harm_report, stopped_actions
from pipeline.evaluation.actions.action_values import (
    believed_values,
    cell_values,
    fixed_values,
    true_values,
)
from pipeline.evaluation.actions.season_learning import LearningPolicy, ReplayWorld
from pipeline.evaluation.actions.season_rows import SeasonRows
from pipeline.simulation.action_policies import HELD, lost_without
from pipeline.workspace.progress import counted

MESSAGE = "inform"
# the nights within which an action that does harm should stop
HARM_NIGHTS = 30
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
class ActionReplay:
    """One store under one scenario, and its four seasons."""

    replay: ReplayWorld
    seasons: Sequence[SeasonRows]

    def compare(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """One row per policy: actions, spent, money at stake, and USD saved, realised and expected.

        Also one row per action that the learned policy used: on which night it was used last, and
        stopped by the harm rule.
        """
        left_alone = self.replay.left_alone(self.seasons[0])
        learner = LearningPolicy(self.replay, left_alone)
        explorer = LearningPolicy(self.replay, left_alone, explores=True)
        groups = (
            self._by_hand,
            self._assumed,
            lambda: self._learned("learned", learner),
            lambda: self._learned("explored", explorer),
            self._bounds,
        )
        rows: list[dict[str, object]] = []
        with counted("group of policies", len(groups), is_even=False) as group_done:
            for group in groups:
                rows += group()
                group_done()
        return pl.DataFrame(rows), self._stops(learner)

    def _by_hand(self) -> list[dict[str, object]]:
        """Nothing at all, and the hand rules."""
        last = self.seasons[-1]
        rows = [self._result("nothing", last, last.rows.clear(), 0.0)]
        for name, (action, score) in HAND_RULES.items():
            values = fixed_values(last.rows, self.replay.actions, action, score)
            rows.append(self._chosen(name, values, 0.0))
        return rows

    def _assumed(self) -> list[dict[str, object]]:
        """The policies that believe what is assumed."""
        assumed, rows = self.replay.learn(), []
        for name, which in {"messages": self._is_message, "actions": self._is_any}.items():
            values, before = (
                np.where(
                    which,
                    believed_values(each, self.replay.actions, assumed, is_robust=False),
                    -np.inf,
                )
                for each in (self.seasons[-1], self.seasons[-2])
            )
            least = self.replay.least_worth(self.seasons[-2], before)
            rows.append(self._chosen(f"{name} by assumed value", values, least))
        return rows

    def _learned(self, how: str, policy: LearningPolicy) -> list[dict[str, object]]:
        """Two seasons of learning, and what was known after each, used in the last season."""
        rows = []
        for number, title in ((1, "first"), (2, "second")):
            season = self.seasons[number]
            taken = policy.live(season, self.seasons[number - 1])
            rows.append(
                self._result(f"actions, {how}: {title} season as it went", season, taken, 0.0)
                | {"season": number}
            )
            # all outcomes of this season are known when the next begins
            posterior = policy.known_on(int(self.seasons[number + 1].rows["as_of_day"][0]))
            for_seasons = "one season" if number == 1 else "two seasons"
            rows.append(self._known(f"actions, {how} for {for_seasons}", posterior))
        return rows

    def _known(self, name: str, posterior: EffectPosterior) -> dict[str, object]:
        """What a posterior chooses in the last season, without a hold-out."""
        stopped = stopped_actions(harm_report(posterior))
        values, before = (
            believed_values(each, self.replay.actions, posterior, stopped=stopped)
            for each in (self.seasons[-1], self.seasons[-2])
        )
        return self._chosen(name, values, self.replay.least_worth(self.seasons[-2], before))

    def _bounds(self) -> list[dict[str, object]]:
        """What is possible at best: cells with their true mean effects, and oracles."""
        last, replay = self.seasons[-1], self.replay
        truth = true_values(last.rows, replay.actions, replay.world, replay.cost_usd, last.costs)
        bounds = {
            "cells with their true mean effects": cell_values(
                last.rows, replay.actions, truth, last.money, last.costs, [*MODIFIERS]
            ),
            "oracle, messages": np.where(self._is_message, truth, -np.inf),
            "oracle, actions": truth,
        }
        return [
            self._chosen(name, values, replay.least_worth(last, values))
            for name, values in bounds.items()
        ]

    @property
    def _is_message(self) -> np.ndarray:
        return np.array([action.name == MESSAGE for action in self.replay.actions])

    @property
    def _is_any(self) -> np.ndarray:
        return np.ones(len(self.replay.actions), dtype=bool)

    def _chosen(self, name: str, values: np.ndarray, least: float) -> dict[str, object]:
        rules = self.replay.rules(least, holds_out=False)
        last = self.seasons[-1]
        return self._result(name, last, self.replay.run(last, values, rules), least)

    @cached_property
    def _at_stake(self) -> Mapping[int, float]:
        """By season, what the disputes of its open orders cost if nothing is done."""
        lost = lost_without(self.replay.world, self.replay.cost_usd)
        return {
            id(season): float(lost[season.rows["number"].unique().to_numpy()].sum())
            for season in self.seasons
        }

    def _result(
        self, name: str, season: SeasonRows, taken: pl.DataFrame, least: float
    ) -> dict[str, object]:
        sums = {
            column: float(taken[column].sum()) if column in taken.columns else 0.0
            for column in ("saved_usd", "expected_usd", "spent_usd")
        }
        done = taken.filter(pl.col("action") != HELD) if taken.height else taken
        per_100 = 100.0 / max(done.height, 1)
        return {
            "policy": name,
            "season": len(self.seasons) - 1,
            "actions": done.height,
            "least_worth_usd": least,
            "stake_usd": self._at_stake[id(season)],
            **sums,
            "saved_usd_per_100": sums["saved_usd"] * per_100,
            "expected_usd_per_100": sums["expected_usd"] * per_100,
            "mix": ", ".join(f"{a} {n}" for a, n in self._by_action(done).items()),
        }

    def _by_action(self, done: pl.DataFrame) -> dict[str, int]:
        if done.is_empty():
            return {}
        names = self.replay.actions
        count = np.bincount(done["action"].to_numpy(), minlength=len(names))
        return {a.name: int(n) for a, n in zip(names, count, strict=True) if n}

    def _stops(self, policy: LearningPolicy) -> pl.DataFrame:
        """Per action that the learned policy used in its seasons: its uses, what they truly saved
        as expected before their cost, and the nights of its last use and of the harm rule."""
        done = pl.concat(policy.taken).filter(pl.col("action") != HELD)
        names = [action.name for action in self.replay.actions]
        used = done.group_by("action").agg(
            uses=pl.len(),
            saved_usd=(pl.col("expected_usd") + pl.col("spent_usd")).sum(),
            last_night=pl.col("night").max(),
            late_uses=(pl.col("night") >= HARM_NIGHTS).sum(),
        )
        rule = {name: night for (name, _), night in reversed(policy.stopped_on.items())}
        return (
            used.sort("action")
            .with_columns(
                action=pl.col("action").replace_strict(
                    dict(enumerate(names)), return_dtype=pl.String
                )
            )
            .with_columns(
                rule_night=pl.col("action").replace_strict(
                    rule, default=None, return_dtype=pl.Int64
                )
            )
        )
