"""Which actions are possible, what they cost, and where they are drawn at random: the rules that
the settings make.

This module imports little: every step reads the settings.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from models.actions.actions import Action
from models.effects.assumed_shares import EVERY_STAGE


@dataclass(frozen=True)
class ActionRules:
    """What an agent's minute and an automatic message cost, and which actions are not done.

    `stopped` has (action, stage), where the stage "all" means every stage; `not_allowed` has names.
    """

    usd_a_minute: float = 0.25
    automatic_usd: float = 0.02
    stopped: Collection[tuple[str, str]] = ()
    not_allowed: Collection[str] = ()

    def is_stopped(self, action: Action) -> pl.Expr:
        """Whether the action is stopped at the order's stage."""
        stages = [stage for name, stage in self.stopped if name == action.name]
        return pl.lit(EVERY_STAGE in stages) | pl.col("stage").is_in(stages)


@dataclass(frozen=True)
class ExplorationRules:
    """Where actions are drawn at random.

    An action competes if the chance that it is best is at least `least_chance`, and its mean value
    at most `most_loss_usd` below that of the best. Each competing action is drawn with a chance of
    at least `floor` (or in equal parts, if there are too many), so that the weights of a later
    estimate stay bounded by 1 / `floor`.
    """

    least_chance: float = 0.02
    most_loss_usd: float = 1.0
    floor: float = 0.05
