"""Choose whole actions at the best prices, with a proof of how good the choice is.

At the best prices, the loss of an alternative is what it is worth less than the buyer's best one. A
choice that contains an alternative of loss d is worth at most the bound less d. So the program of
whole actions has only the buyers with a close decision: first a few, then more, until the bound
less the total is no larger than the smallest loss that was left out. Then nothing better was left
out. The search stops earlier if the choice is within `GAP_SHARE` of the bound, or within
`GOOD_SHARE` when HiGHS has reached its limit of work.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl

from models.actions.action_prices import BuyerDecisions, CloseDecisions, LimitPrices
from models.actions.action_program import GAP_SHARE, ProgramColumns, ProgramLimits, WholeSolution

FIRST_OPEN, MOST_OPEN, GOOD_SHARE = 150, 10_000, 1e-4


@dataclass(frozen=True)
class WholeChoice:
    """The positions of the columns taken, and who writes what: `messages[kind, agent]`."""

    taken: np.ndarray
    total: float
    bound: float
    kinds: np.ndarray
    messages: np.ndarray


def choose_whole(
    columns: ProgramColumns, limits: ProgramLimits, prices: LimitPrices
) -> WholeChoice:
    """The best choice of whole columns that was reached; it keeps all limits."""
    decisions = BuyerDecisions(columns, limits, prices)
    close, upper = CloseDecisions(decisions), decisions.bound
    nothing = np.zeros((0, 2), dtype=np.int64), np.zeros((0, len(limits.seconds)))
    best = WholeChoice(np.zeros(0, dtype=np.int64), 0.0, upper, *nothing)
    count, bound, is_done = FIRST_OPEN, upper, False
    while not is_done:
        close.open(count)
        solution = close.program(columns, limits).solve_whole(upper)
        reached = None if solution is None else _checked(columns, limits, close, solution)
        if reached is not None:
            bound = min(bound, max(reached.bound, upper - close.width))
            best = reached if reached.total > best.total else best
        gap = bound - best.total
        is_good = solution is not None and not solution.is_complete and gap <= GOOD_SHARE * bound
        is_proven = gap <= GAP_SHARE * bound or upper - best.total <= close.width
        is_done = is_good or is_proven or count >= min(MOST_OPEN, len(close.order))
        needed = int(np.searchsorted(close.margins, upper - best.total, side="right"))
        count = min(MOST_OPEN, 4 * count, max(needed, count + 1))
    if len(best.taken) == 0:
        best = take_in_turn(columns, limits, decisions.remainder)
    return replace(best, bound=max(bound, best.total))


def _checked(
    columns: ProgramColumns, limits: ProgramLimits, close: CloseDecisions, solution: WholeSolution
) -> WholeChoice | None:
    """The choice of a solution with the certain columns; None if it exceeds a limit."""
    positions = np.flatnonzero(close.is_active)[solution.is_taken]
    taken = np.sort(np.concatenate([positions, close.fixed]))
    part = columns.take(taken)
    if not is_within(part, limits, solution.kinds, solution.messages):
        return None
    total = float(part.value.sum())
    return WholeChoice(taken, total, solution.bound, solution.kinds, solution.messages)


def is_within(
    taken: ProgramColumns, limits: ProgramLimits, kinds: np.ndarray, messages: np.ndarray
) -> bool:
    """Whether these columns keep every limit, counted in whole numbers.

    HiGHS works with tolerances, and has given choices outside the limits (scipy issue 24141).
    """
    shared = taken.use(len(limits.shared) - 2).sum(axis=1)
    is_fair = len(np.unique(taken.buyer)) == len(taken.buyer) and (shared <= limits.shared).all()
    if len(limits.seconds) == 0 or not is_fair:
        return bool(is_fair)
    written = {
        (int(language), int(seconds)): int(count)
        for (language, seconds), count in zip(kinds, messages.sum(axis=1), strict=True)
    }
    is_work = taken.seconds > 0
    wanted, counts = np.unique(
        np.column_stack([taken.language, taken.seconds])[is_work], axis=0, return_counts=True
    )
    has_writers = all(
        written.get((int(language), int(seconds)), 0) >= count
        for (language, seconds), count in zip(wanted, counts, strict=True)
    )
    is_able = limits.writes[:, kinds[:, 0]].T | (messages == 0)
    return bool(has_writers and is_able.all() and (kinds[:, 1] @ messages <= limits.seconds).all())


def take_in_turn(
    columns: ProgramColumns, limits: ProgramLimits, remainder: np.ndarray
) -> WholeChoice:
    """Take the columns with the largest remainder in turn, as far as the limits allow.

    The choice that is left should HiGHS reach none.
    """
    left, seconds_left = limits.shared.copy(), limits.seconds.copy()
    kinds, kind_of = np.unique(
        np.column_stack([columns.language, columns.seconds]), axis=0, return_inverse=True
    )
    messages = np.zeros((len(kinds), len(limits.seconds)))
    taken: list[int] = []
    served: set[int] = set()
    for position in np.argsort(-remainder, kind="stable"):
        kind, buyer = kind_of.reshape(-1)[position], columns.buyer[position]
        seconds = columns.seconds[position]
        use = np.array([columns.is_contact[position], columns.cents[position], 1])
        rows = [0, 1, 2 + columns.action[position]]
        if buyer in served or (use > left[rows]).any():
            continue
        if seconds > 0 and len(seconds_left):
            able = limits.writes[:, columns.language[position]] & (seconds_left >= seconds)
            if not able.any():
                continue
            agent = int(np.argmax(able))
            seconds_left[agent] -= seconds
            messages[kind, agent] += 1
        left[rows] -= use
        served.add(buyer)
        taken.append(int(position))
    positions = np.sort(np.array(taken, dtype=np.int64))
    total = float(columns.value[positions].sum())
    return WholeChoice(positions, total, np.inf, kinds, messages)


def swap_ties(columns: ProgramColumns, rank: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Of columns that are equal in value and use, take those of the lowest rank.

    The total and what is used stay as they are.
    """
    kept, served = set(taken.tolist()), set(columns.buyer[taken].tolist())
    for equal in _equal_columns(columns, rank, taken):
        own = equal.filter("is_taken")
        kept -= set(own["position"])
        served -= set(own["buyer"])
        first = equal.filter(~pl.col("buyer").is_in(list(served))).unique(
            "buyer", keep="first", maintain_order=True
        )
        kept |= set(first["position"].head(own.height))
        served |= set(first["buyer"].head(own.height))
    return np.array(sorted(kept), dtype=np.int64)


def _equal_columns(
    columns: ProgramColumns, rank: np.ndarray, taken: np.ndarray
) -> list[pl.DataFrame]:
    """The groups of equal columns of which some could replace a taken one, by rank."""
    alike = [each.name for each in fields(columns) if each.name != "buyer"]
    is_taken = np.zeros(len(rank), dtype=bool)
    is_taken[taken] = True
    position = np.flatnonzero(np.isin(columns.value, columns.value[taken]))
    frame = pl.DataFrame(
        {each.name: getattr(columns, each.name)[position] for each in fields(columns)}
        | {"position": position, "rank": rank[position], "is_taken": is_taken[position]}
    )
    served, own = (pl.col("is_taken").any().over(keys) for keys in ("buyer", ["buyer", *alike]))
    rows = frame.with_columns(is_possible=~served | own).filter("is_possible").sort("rank")
    has_both = pl.col("is_taken").any().over(alike) & ~pl.col("is_taken").all().over(alike)
    return rows.filter(has_both).partition_by(alike, maintain_order=True)
