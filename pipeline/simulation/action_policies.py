"""Run one action policy on a simulated store, night by night, and count what it prevents and saves.

A policy gives each candidate of a night a value in USD per action. At most `capacity` actions are
taken a night, one per buyer, and one per order in all; a buyer rests after an action.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.simulation.action_outcomes import ActionWorld
from pipeline.simulation.world.markets import CAUSES

HELD = -1
NEVER = 2**30


@dataclass(frozen=True)
class SeasonRules:
    """`is_held` (one per buyer): never acted on. `least_worth_usd`: nothing below is done."""

    capacity: int
    cool_off_days: int
    least_worth_usd: float
    is_held: np.ndarray


@dataclass(frozen=True)
class PolicyState:
    """What a policy carries from night to night: `done` (orders) had their action, `rests_until`
    (buyers) is the day before which a buyer gets no other."""

    done: np.ndarray
    rests_until: np.ndarray

    @staticmethod
    def fresh(orders: int, buyers: int) -> PolicyState:
        return PolicyState(np.zeros(orders, dtype=bool), np.full(buyers, -(2**31)))


def run_policy(
    rows: pl.DataFrame, worth: np.ndarray, rules: SeasonRules, state: PolicyState | None = None
) -> pl.DataFrame:
    """The rows of `rows` on which an action is taken, with `row`, `action` (index), `meant`
    (what was chosen) and `value_usd`.

    `rows` is sorted by night and has `as_of_day, number, buyer_number`. `worth` (rows, actions) is
    in USD, -inf where an action is not possible. Held-out buyers who would have got an action are
    kept with `action` -1; they use no capacity and rest like the others, so that both groups are
    chosen alike. A season may be run in parts with one `state`, which is updated.
    """
    number, buyer, day = (rows[n].to_numpy() for n in ("number", "buyer_number", "as_of_day"))
    best_action = worth.argmax(axis=1)
    best = worth[np.arange(len(worth)), best_action]
    state = state or PolicyState.fresh(int(number.max(initial=0)) + 1, len(rules.is_held))
    worthy = np.flatnonzero(best >= rules.least_worth_usd)
    edges = _edges(day[worthy])
    taken = []
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        night, tonight = worthy[start:end], day[worthy[start]]
        night = night[~state.done[number[night]] & (state.rests_until[buyer[night]] <= tonight)]
        kept = night[_best_per_buyer(buyer[night], best[night], rules)]
        state.done[number[kept]] = True
        state.rests_until[buyer[kept]] = tonight + rules.cool_off_days
        taken.append(kept)
    row = np.concatenate([*taken, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    action = np.where(rules.is_held[buyer[row]], HELD, best_action[row])
    columns = {"row": row, "action": action, "meant": best_action[row], "value_usd": best[row]}
    return rows[row].with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def _edges(day: np.ndarray) -> np.ndarray:
    """Where each night of sorted days begins, and the end of the last."""
    return np.append(np.flatnonzero(np.diff(day, prepend=np.nan)), len(day))


def _best_per_buyer(buyer: np.ndarray, best: np.ndarray, rules: SeasonRules) -> np.ndarray:
    """The rows that get an action: each buyer's best, those worth most first, up to `capacity` that
    are not held out."""
    order = np.argsort(-best, kind="stable")
    _, first = np.unique(buyer[order], return_index=True)
    order = order[np.sort(first)]
    released = np.cumsum(~rules.is_held[buyer[order]])
    return order[released <= rules.capacity]


def add_outcomes(
    taken: pl.DataFrame, world: ActionWorld, cost_usd: np.ndarray, action_usd: np.ndarray
) -> pl.DataFrame:
    """What the actions taken did, one row per action.

    `cost_usd` (orders, 3): what a dispute costs by cause. `action_usd` (rows of `taken`): what each
    action costs. Adds `expected_usd` and `saved_usd` (realised), both less the cost of the action
    (`spent_usd`), and `opened_day` and `opened_cause` of the dispute with the action (-1: none).
    """
    number, action = taken["number"].to_numpy(), taken["action"].to_numpy()
    day = taken["as_of_day"].to_numpy().astype(np.int64)
    row, is_done = world.rows(number, day), action != HELD
    expected = np.zeros(len(number))
    for at in np.unique(action[is_done]):
        which = action == at
        prevented = world.prevented(world.actions[at], row[which])
        expected[which] = (prevented * cost_usd[number[which]]).sum(axis=1)
    opened, cause = world.outcomes(number, np.maximum(action, 0), np.where(is_done, day, NEVER))
    lost_before = lost_without(world, cost_usd)[number]
    spent = np.where(is_done, action_usd, 0.0)
    return taken.with_columns(
        expected_usd=pl.Series(expected - spent),
        saved_usd=pl.Series(lost_before - _lost(cost_usd[number], cause) - spent),
        spent_usd=pl.Series(spent),
        opened_day=pl.Series(opened),
        opened_cause=pl.Series(cause),
    )


def lost_without(world: ActionWorld, cost_usd: np.ndarray) -> np.ndarray:
    """(orders): what the dispute of each order costs if nothing is done; 0 without one."""
    return _lost(cost_usd, _cause_without(world))


def _lost(cost_usd: np.ndarray, cause: np.ndarray) -> np.ndarray:
    """The cost of each order's dispute; 0 without one (cause -1)."""
    of_cause = cost_usd[np.arange(len(cause)), np.maximum(cause, 0)]
    return np.where(cause >= 0, of_cause, 0.0)


def _cause_without(world: ActionWorld) -> np.ndarray:
    index = {name: n for n, name in enumerate(CAUSES)}
    cause = world.truth.orders["cause"].replace_strict(index, default=-1, return_dtype=pl.Int64)
    return cause.fill_null(-1).to_numpy()
