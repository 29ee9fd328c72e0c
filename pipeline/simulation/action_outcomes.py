"""The potential outcomes of every action: what it removes as expected, and how each order ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pipeline.simulation.action_effects import EFFECTS, SCENARIOS, draw_action_effects, factor_table
from pipeline.simulation.attainable_risk import waned_sum
from pipeline.simulation.true_risk import Truth
from pipeline.simulation.world.assumptions import QUARREL
from pipeline.simulation.world.draws import Draws
from pipeline.simulation.world.order_life import OrderDays, first_dispute

# means of the parts that `simulated_disputes.py` draws: claimed, and agreed without a ruling
MEAN_PART_CLAIMED, MEAN_PART_AGREED = 0.55, 0.7


@dataclass(frozen=True)
class ActionWorld:
    """A simulated store under one scenario. `effects` (actions, orders, 3) and `factors` (actions,
    states, 3): see `action_effects.py`."""

    truth: Truth
    actions: tuple[str, ...]
    effects: np.ndarray
    factors: np.ndarray

    @staticmethod
    def of(
        truth: Truth, seed: int, scenario: str, actions: Sequence[str] = tuple(EFFECTS)
    ) -> ActionWorld:
        draws, number = Draws(seed), np.arange(truth.orders.height)
        habitual = truth.orders["is_habitual"].to_numpy()
        effects = [
            draw_action_effects(draws, number, habitual, action, SCENARIOS[scenario]).astype(
                np.float32
            )
            for action in actions
        ]
        factors = np.stack([factor_table(action) for action in actions])
        return ActionWorld(truth, tuple(actions), np.stack(effects), factors)

    def rows(self, number: np.ndarray, as_of: np.ndarray) -> np.ndarray:
        """The row of `truth.days` of each open order (its number) on a calendar day."""
        first = self.truth.days.first[number]
        return np.asarray(first + as_of - self.truth.days.day[first])

    @cached_property
    def hazard_ahead(self) -> np.ndarray:
        """(rows, 3): the sum of the hazards from each day to the end of the order."""
        days = self.truth.days
        sums = np.cumsum(days.hazard[::-1], axis=0)[::-1]
        after_last = np.concatenate([sums, np.zeros((1, 3))])[days.first[1:]]
        return np.asarray(sums - after_last[days.order])

    def removed(self, action: str, row: np.ndarray) -> np.ndarray:
        """(rows, 3): the hazard that the action removes to the end of the order, if it is done on
        the day of each row. Negative where it provokes."""
        at = self.actions.index(action)
        days = self.truth.days
        share = self.effects[at][days.order[row]] * self.factors[at][days.state[row]]
        return np.asarray(share * self._reach(action, row))

    def risk(self, row: np.ndarray) -> np.ndarray:
        """The chance of a dispute from the day of each row to the end of the order."""
        return np.asarray(-np.expm1(-self.hazard_ahead[row].sum(axis=1)))

    def prevented(self, action: str, row: np.ndarray) -> np.ndarray:
        """(rows, 3): the chance of a dispute, by cause, that the action removes. The causes share
        the chance in proportion to the hazard removed."""
        total = self.hazard_ahead[row].sum(axis=1)
        removed = self.removed(action, row)
        change = np.exp(-(total - removed.sum(axis=1))) - np.exp(-total)
        both = removed.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            per_hazard = np.where(both != 0.0, change / both, 0.0)
        return np.asarray(removed * per_hazard[:, None])

    def _reach(self, action: str, row: np.ndarray) -> np.ndarray:
        """(rows, 3): the later hazard, weighted by what remains of the effect on each day."""
        effect = EFFECTS[action]
        if not effect.postponed_days:
            return np.asarray(self._waned(effect.waning_days)[row])
        days = self.truth.days
        end = np.minimum(row + effect.postponed_days, days.first[1:][days.order[row]])
        is_over = end == days.first[1:][days.order[row]]
        ahead = np.where(
            is_over[:, None], 0.0, self.hazard_ahead[np.minimum(end, len(days.day) - 1)]
        )
        return np.asarray((self.hazard_ahead[row] - ahead) * (1.0 - effect.returns))

    def _waned(self, waning_days: float) -> np.ndarray:
        """sum h(t) exp(-(t - c) / waning) from each day c, backwards from each order's last day."""
        if waning_days not in self._waned_sums:
            self._waned_sums[waning_days] = waned_sum(self.truth.days, waning_days)
        return self._waned_sums[waning_days]

    @cached_property
    def _waned_sums(self) -> dict[float, np.ndarray]:
        return {}

    def outcomes(
        self, number: np.ndarray, action: np.ndarray, action_day: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Day and cause of the dispute (-1: none) of each order `number` when `action` (an index
        into `actions`) is done on the calendar day `action_day`."""
        orders = self.truth.orders
        threshold, which = (orders[c].to_numpy()[number] for c in ("threshold", "which_cause"))
        return first_dispute(self.days_after(number, action, action_day), threshold, which)

    def days_after(
        self, number: np.ndarray, action: np.ndarray, action_day: np.ndarray
    ) -> OrderDays:
        """The order-days of the orders `number`, with the hazards that the action leaves."""
        days = take_orders(self.truth.days, number)
        order, since = days.order, days.day - action_day[days.order]
        row = np.flatnonzero(since == 0)
        state = np.zeros(len(number), dtype=np.int64)
        state[order[row]] = days.state[row]
        share = self.effects[action, number] * self.factors[action, state]
        truths = [EFFECTS[name] for name in self.actions]
        waning = np.array([t.waning_days for t in truths])[action][order]
        window = np.array([t.postponed_days for t in truths])[action][order]
        keep = np.where(window > 0, since < window, np.exp(-np.maximum(since, 0) / waning))
        removed = days.hazard * share[order] * np.where(since >= 0, keep, 0.0)[:, None]
        returns = np.array([t.returns for t in truths])[action]
        back = _returned(days, removed, since, window, returns)
        return replace(days, hazard=days.hazard - removed + back)


def _returned(
    days: OrderDays, removed: np.ndarray, since: np.ndarray, window: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """What a postponing action gives back: on the day after its window, or on the last day of the
    order if that is earlier."""
    sums = np.zeros((len(days.first) - 1, 3))
    np.add.at(sums, days.order, np.where((window > 0)[:, None], removed, 0.0))
    is_last = np.zeros(len(days.day), dtype=bool)
    is_last[days.first[1:][days.first[1:] > days.first[:-1]] - 1] = True
    is_back = (window > 0) & ((since == window) | (is_last & (since >= 0) & (since < window)))
    return np.where(is_back[:, None], sums[days.order] * share[days.order][:, None], 0.0)


def take_orders(days: OrderDays, number: np.ndarray) -> OrderDays:
    """The order-days of the orders `number` alone, renumbered from 0 in that order."""
    begin, end = days.first[number], days.first[number + 1]
    count = end - begin
    first = np.concatenate([[0], np.cumsum(count)])
    row = np.arange(first[-1]) - np.repeat(first[:-1] - begin, count)
    order = np.repeat(np.arange(len(number)), count)
    return OrderDays(
        order, days.day[row], first, days.hazard[row], days.contact_factor[row], days.state[row]
    )


def true_loss_shares() -> np.ndarray:
    """(causes): the mean share of the order value that a dispute costs in refunds, as
    `simulated_disputes.settle_disputes` draws its end: withdrawn, agreed in part, or escalated and
    ruled. That expensive and unanswered
    disputes escalate more often is left out."""
    escalated, withdrawn = QUARREL.share_escalated, QUARREL.share_withdrawn
    liable = np.array(
        [QUARREL.liable_not_received, QUARREL.liable_otherwise, QUARREL.liable_otherwise]
    )
    claimed = np.array([1.0, *(2 * [0.5 + 0.5 * MEAN_PART_CLAIMED])])
    agreed = 1.0 - withdrawn - escalated
    return np.asarray(claimed * (agreed * MEAN_PART_AGREED + escalated * liable))
