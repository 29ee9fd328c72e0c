"""What one more contact, cent, action or second would be worth: the prices of a night's limits.

The prices come from column generation (Gilmore & Gomory 1961). At given prices every column is
judged alone: its remainder is its value less the prices of what it uses. For most buyers the
decision is then plain, so the linear program has only the buyers whose decision is close. It gives
new prices, at which all columns are judged again; the buyers whose decision changed join. When
no decision changes, the prices are the best ones: limits x prices, plus the best remainder of each
buyer, is the optimum of the linear program. For any prices this sum is a bound that no choice
exceeds (Lagrangian duality).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.actions.action_program import (
    LinearSolution,
    ProgramColumns,
    ProgramLimits,
    RestrictedProgram,
)

# up to this many columns are solved at once; of more, the prices of a sample of buyers come first
MOST_AT_ONCE, SAMPLE_SHARE = 20_000, 1 / 8
# close decisions at the start, decisions that join per pass at most, and passes
CLOSE_BUYERS, MOST_JOIN, MOST_PASSES = 2_000, 2_000, 40
# prices are exact when bound and linear program agree to this share; for a sample less will do
EXACT, ROUGH = 1e-9, 1e-3


@dataclass(frozen=True)
class LimitPrices:
    """USD per contact, cent and action (`shared`) and per second of each agent (`seconds`)."""

    shared: np.ndarray
    seconds: np.ndarray

    def per_language(self, limits: ProgramLimits) -> np.ndarray:
        """USD per second in each language: the cheapest agent who writes it; 0 if none does."""
        if len(limits.seconds) == 0:
            return np.zeros(limits.writes.shape[1])
        cheapest = np.where(limits.writes, self.seconds[:, None], np.inf).min(axis=0)
        return np.where(np.isfinite(cheapest), cheapest, 0.0)

    def remainder(self, columns: ProgramColumns, limits: ProgramLimits) -> np.ndarray:
        """Each column's value less the prices of what it uses."""
        remainder: np.ndarray = columns.value - self.shared[1] * columns.cents
        remainder -= self.shared[2:][columns.action]
        remainder -= self.shared[0] * columns.is_contact
        remainder -= self.per_language(limits)[columns.language] * columns.seconds
        return remainder


class BuyerDecisions:
    """The decision for every buyer at given prices: the best column, or none.

    `bound`: no choice is worth more. `row`: the buyer's number, for each column.
    """

    def __init__(self, columns: ProgramColumns, limits: ProgramLimits, prices: LimitPrices) -> None:
        self.starts = np.flatnonzero(np.diff(columns.buyer, prepend=-1))
        counts = np.diff(self.starts, append=len(columns.buyer))
        self.row = np.repeat(np.arange(len(self.starts)), counts)
        self.remainder = prices.remainder(columns, limits)
        self.best = np.maximum(np.maximum.reduceat(self.remainder, self.starts), 0.0)
        is_limited = np.isfinite(limits.shared)
        priced = limits.shared[is_limited] @ prices.shared[is_limited]
        self.bound = float(priced + limits.seconds @ prices.seconds + self.best.sum())

    def choice(self) -> np.ndarray:
        """The position of each buyer's best column; -1 if none is worth its prices."""
        choice = np.full(len(self.starts), -1)
        is_best = (self.remainder == self.best[self.row]) & (self.remainder > 0)
        positions = np.flatnonzero(is_best)[::-1]  # of equal ones, the first is written last
        choice[self.row[positions]] = positions
        return choice

    def loss(self) -> np.ndarray:
        """How much less each column is worth than the buyer's decision."""
        loss: np.ndarray = self.best[self.row] - self.remainder
        return loss

    def margin(self, choice: np.ndarray) -> np.ndarray:
        """How much less each buyer's second alternative is worth; to take nothing is one."""
        loss = self.loss()
        loss[choice[choice >= 0]] = np.inf
        second = np.minimum.reduceat(loss, self.starts)
        return np.where(choice >= 0, np.minimum(second, self.best), second)


class CloseDecisions:
    """The buyers whose decision is open, closest first, while the others' is certain.

    `width`: every alternative that is left out loses at least this much.
    """

    def __init__(self, decisions: BuyerDecisions) -> None:
        self.decisions, self.choice = decisions, decisions.choice()
        margin = decisions.margin(self.choice)
        self.order = np.argsort(margin, kind="stable")
        self.margins = margin[self.order]

    def open(self, count: int) -> None:
        """Open the decisions of the `count` closest buyers."""
        self.is_open = np.zeros(len(self.order), dtype=bool)
        self.is_open[self.order[:count]] = True
        self.width = float(self.margins[count]) if count < len(self.order) else np.inf
        is_close = self.decisions.loss() <= self.width
        self.is_active = is_close & self.is_open[self.decisions.row]

    def join(self, now: BuyerDecisions) -> None:
        """Open the decisions that change at the prices of `now`, those that gain most first."""
        active_best = np.maximum.reduceat(np.where(self.is_active, now.remainder, 0.0), now.starts)
        certain = np.where(self.choice >= 0, now.remainder[self.choice], 0.0)
        current = np.where(self.is_open, np.maximum(active_best, 0.0), certain)
        gain = now.best - current
        joins = gain > 1e-12
        if joins.sum() > MOST_JOIN:
            joins &= gain >= np.partition(gain, -MOST_JOIN)[-MOST_JOIN]
        is_better = now.remainder > np.maximum(current, 0.0)[now.row]
        self.is_active |= joins[now.row] & is_better
        choice = self.choice[joins & ~self.is_open]
        self.is_active[choice[choice >= 0]] = True
        self.is_open |= joins

    @property
    def fixed(self) -> np.ndarray:
        """The positions of the columns that are taken for certain."""
        certain = self.choice[~self.is_open]
        return certain[certain >= 0]

    def program(self, columns: ProgramColumns, limits: ProgramLimits) -> RestrictedProgram:
        return RestrictedProgram(columns.take(self.is_active), columns.take(self.fixed), limits)


def best_prices(
    columns: ProgramColumns, limits: ProgramLimits, accuracy: float = EXACT
) -> LimitPrices:
    """The prices with the lowest bound: at `EXACT`, the optimum of the linear program."""
    prices = LimitPrices(np.zeros(len(limits.shared)), np.zeros(len(limits.seconds)))
    is_small = len(columns.value) <= MOST_AT_ONCE
    if not is_small and len((sample := _sample(columns)).value) > 0:
        prices = best_prices(sample, limits.scaled(SAMPLE_SHARE), ROUGH)
    start = BuyerDecisions(columns, limits, prices)
    close = CloseDecisions(start)
    count = len(start.starts) if is_small else CLOSE_BUYERS
    solution = _first_solution(close, columns, limits, count)
    lowest, best = start.bound, prices
    for _ in range(MOST_PASSES):
        if solution is None:
            break
        prices = LimitPrices(solution.shared, solution.seconds)
        now = BuyerDecisions(columns, limits, prices)
        if now.bound < lowest:
            lowest, best = now.bound, prices
        if lowest - solution.total <= accuracy * max(1.0, lowest):
            break
        close.join(now)
        solution = close.program(columns, limits).solve_linear()
    return best


def _first_solution(
    close: CloseDecisions, columns: ProgramColumns, limits: ProgramLimits, count: int
) -> LinearSolution | None:
    """Open so many decisions that the certain ones alone stay within the limits."""
    solution = None
    while solution is None and count < 4 * len(close.order):
        close.open(count)
        solution = close.program(columns, limits).solve_linear()
        count *= 4
    return solution


def _sample(columns: ProgramColumns) -> ProgramColumns:
    """The columns of one buyer in eight, always the same ones."""
    row = np.cumsum(np.diff(columns.buyer, prepend=-1) > 0) - 1
    is_in = np.random.default_rng(0).random(int(row[-1]) + 1) < SAMPLE_SHARE
    return columns.take(is_in[row])
