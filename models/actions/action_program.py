"""The choice of actions as a linear program: its columns, its limits, and its solution by HiGHS.

One column per (order, action) that may be taken: 0 or 1. At most one column per buyer is taken, and
the limits hold. An agent writes some languages only, so the agents' time needs its own variables:
for each kind of message (its language and its seconds) and each agent who writes the language, how
many messages of this kind the agent writes. The numbers are whole: a message is never split between
two agents. Where all messages take the same time, the program is that of `models.actions.agents`:
an agent has as many slots as messages fit into the hours.

Times are whole seconds and money is whole cents, so that a choice can be checked exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import block_array, coo_array, csr_array

# HiGHS stops when no choice is worth this much more, as a share of the total
GAP_SHARE = 1e-5
# nodes x columns of one search: a limit that stops at the same choice on every machine
MOST_WORK = 200_000


@dataclass(frozen=True)
class ProgramColumns:
    """One entry per column. The columns of a buyer are next to each other: `buyer` never falls."""

    value: np.ndarray
    buyer: np.ndarray
    is_contact: np.ndarray
    cents: np.ndarray
    seconds: np.ndarray
    action: np.ndarray
    language: np.ndarray

    def take(self, chosen: np.ndarray) -> ProgramColumns:
        """The columns at these positions, or where this mask is true."""
        return ProgramColumns(*(getattr(self, each.name)[chosen] for each in fields(self)))

    def use(self, count_actions: int) -> csr_array:
        """What each column uses: a row for contacts, one for cents, and one for each action."""
        number, ones = np.arange(len(self.value)), np.ones(len(self.value))
        row = [number * 0, number * 0 + 1, self.action.astype(np.int64) + 2]
        amounts = [self.is_contact.astype(np.float64), self.cents, ones]
        return coo_array(
            (np.concatenate(amounts), (np.concatenate(row), np.tile(number, 3))),
            shape=(2 + count_actions, len(number)),
        ).tocsr()


@dataclass(frozen=True)
class ProgramLimits:
    """`shared`: contacts, cents, then each action; infinite where there is no limit.

    `seconds` has one entry per agent, and `writes[agent, language]` says who writes what. Both have
    no agents if time has no limit.
    """

    shared: np.ndarray
    seconds: np.ndarray
    writes: np.ndarray

    def scaled(self, share: float) -> ProgramLimits:
        """The limits for a sample of the buyers."""
        return ProgramLimits(self.shared * share, self.seconds * share, self.writes)


@dataclass(frozen=True)
class LinearSolution:
    """The best choice in parts of columns: its worth, and the prices of the limits in USD."""

    total: float
    shared: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True)
class WholeSolution:
    """The best choice in whole columns that was reached; `bound`: none is worth more.

    `is_taken` has one entry per active column. `messages[kind, agent]` is how many messages of each
    of the `kinds` (language, seconds) an agent writes. `is_complete`: the search ended by itself.
    """

    is_taken: np.ndarray
    bound: float
    kinds: np.ndarray
    messages: np.ndarray
    is_complete: bool


class RestrictedProgram:
    """The program over some columns (`active`), while others are taken for certain (`fixed`)."""

    def __init__(
        self, active: ProgramColumns, fixed: ProgramColumns, limits: ProgramLimits
    ) -> None:
        self.active, self.limits, self.fixed_total = active, limits, float(fixed.value.sum())
        count_actions, count_agents = len(limits.shared) - 2, len(limits.seconds)
        self.is_limited = np.isfinite(limits.shared)
        left = (limits.shared - fixed.use(count_actions).sum(axis=1))[self.is_limited]
        shared = active.use(count_actions)[self.is_limited]
        self.kinds, own, certain = _kinds(active, fixed, count_agents)
        kind, agent = self.pairs = np.nonzero(limits.writes[:, self.kinds[:, 0]].T)
        number, ones = np.arange(len(kind)), np.ones(len(kind))
        seconds = self.kinds[kind, 1].astype(np.float64)
        one = _one_per_buyer(active.buyer)
        # `None` is a block of zeros; the empty blocks give the number of columns
        self.rows = block_array(
            [
                [shared, coo_array((shared.shape[0], len(kind)))],
                [None, coo_array((seconds, (agent, number)), shape=(count_agents, len(kind)))],
                [own, coo_array((-ones, (kind, number)), shape=(len(certain), len(kind)))],
                [one, None],
            ],
            format="csr",
        )
        self.most = np.concatenate([left, limits.seconds, -certain, np.ones(one.shape[0])])
        self.cost = np.concatenate([-active.value, np.zeros(len(kind))])
        self.largest = np.concatenate([np.ones(len(active.value)), np.full(len(kind), np.inf)])

    def solve_linear(self) -> LinearSolution | None:
        """The best choice in parts of columns; None if `fixed` exceeds a limit."""
        if len(self.cost) == 0:
            return self._linear(self.cost, self.most * 0.0) if self._is_empty_allowed else None
        bounds = np.column_stack([np.zeros(len(self.cost)), self.largest])
        result: Any = linprog(
            self.cost, A_ub=self.rows, b_ub=self.most, bounds=bounds, method="highs"
        )
        if result.x is None:
            return None
        return self._linear(result.x, np.maximum(-result.ineqlin.marginals, 0.0))

    def solve_whole(self, bound: float) -> WholeSolution | None:
        """The best choice in whole columns; None if HiGHS reaches none.

        No choice is worth more than `bound`.
        """
        if len(self.cost) == 0:
            return self._whole(self.cost, 0.0, True) if self._is_empty_allowed else None
        # the program is small already: HiGHS is up to three times faster without presolve
        result: Any = milp(
            self.cost,
            integrality=np.ones(len(self.cost)),
            bounds=Bounds(0.0, self.largest),
            constraints=LinearConstraint(self.rows, ub=self.most),
            options={
                "presolve": False,
                "mip_rel_gap": GAP_SHARE * bound / max(bound - self.fixed_total, 1e-9),
                "node_limit": MOST_WORK // len(self.cost) + 1,
            },
        )
        if result.x is None:
            return None
        return self._whole(np.round(result.x), result.mip_dual_bound, result.status == 0)

    @property
    def _is_empty_allowed(self) -> bool:
        return bool((self.most >= 0).all())

    def _linear(self, x: np.ndarray, prices: np.ndarray) -> LinearSolution:
        shared, limited = np.zeros(len(self.is_limited)), int(self.is_limited.sum())
        shared[self.is_limited] = prices[:limited]
        seconds = prices[limited : limited + len(self.limits.seconds)]
        return LinearSolution(self.fixed_total - float(self.cost @ x), shared, seconds)

    def _whole(self, x: np.ndarray, least_cost: float, is_complete: bool) -> WholeSolution:
        count = len(self.active.value)
        messages = np.zeros((len(self.kinds), len(self.limits.seconds)))
        messages[self.pairs] = x[count:]
        bound = self.fixed_total - least_cost
        return WholeSolution(x[:count] > 0.5, bound, self.kinds, messages, is_complete)


def _kinds(
    active: ProgramColumns, fixed: ProgramColumns, count_agents: int
) -> tuple[np.ndarray, coo_array, np.ndarray]:
    """The kinds of messages, which active column is of which kind, and how many are fixed.

    A column that takes no time is of no kind; without agents none is.
    """
    language = np.concatenate([active.language, fixed.language]).astype(np.int64)
    seconds = np.concatenate([active.seconds, fixed.seconds]).astype(np.int64)
    number = np.flatnonzero((seconds > 0) & (count_agents > 0))
    kinds, kind = np.unique(
        np.column_stack([language, seconds])[number], axis=0, return_inverse=True
    )
    kind, is_active = kind.reshape(-1), number < len(active.value)
    own = coo_array(
        (np.ones(int(is_active.sum())), (kind[is_active], number[is_active])),
        shape=(len(kinds), len(active.value)),
    )
    certain = np.bincount(kind[~is_active], minlength=len(kinds)).astype(np.float64)
    return kinds, own, certain


def _one_per_buyer(buyer: np.ndarray) -> coo_array:
    """A row per buyer with several columns; a single column has 1 as its largest value."""
    _, row, counts = np.unique(buyer, return_inverse=True, return_counts=True)
    has_several = counts > 1
    number, is_in = np.cumsum(has_several) - 1, has_several[row]
    return coo_array(
        (np.ones(int(is_in.sum())), (number[row[is_in]], np.flatnonzero(is_in))),
        shape=(int(has_several.sum()), len(buyer)),
    )
