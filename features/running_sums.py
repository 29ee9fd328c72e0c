"""Running sums of each entity's facts, and their differences: the compiled part (numba) of the prefix-sum kernel.

It knows no times. A fact carries the number of the first cut that sees it, and a sum up to a cut is that of the facts
whose number is not above the cut's. Facts are put beside the others of their entity, in order of their cuts, and
summed. Entities have few facts or many: few are searched, for many there is a table with a place for each cut.

All of it stands in this one file because numba's cache on disk notices a change of the file, not of what it imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

# up to so many facts of an entity are searched faster than a table is made; rows, and facts, worked on at a time
FEW, BLOCK, CHUNK = 64, 512, 16384
# The type of a place in an array. Of a signed number that was read, numba asks each time whether it counts from the
# end, which takes a third of the time. It must not meet a signed number in a sum: the two together make a float.
AT = np.uintp


class RunningSums(NamedTuple):
    """The facts of entity e, ascending by `cuts`: the first to see each. `sums[place]` (facts + 1, measures) are those
    of all facts before that place.

    `places[e]` has where they start and where they stop; or, where they are many, -1 less the row of `tables` that
    has for each cut how many places of e it sees. There the facts of one cut are one place, and the places left over
    repeat the last sum.
    """

    places: np.ndarray
    cuts: np.ndarray
    sums: np.ndarray
    tables: np.ndarray


def running_sums(
    entities: np.ndarray, known: np.ndarray, cut_of: np.ndarray, is_asked: np.ndarray, measures: Sequence[np.ndarray]
) -> RunningSums:
    """`entities`, `known` (int32) and each of `measures` (whole numbers) have one value a fact.

    `cut_of[known]` (int32) is the first cut that sees it; -1: it is not needed, like the facts of an entity that is
    not `is_asked` (one flag an entity).
    """
    last_cut = int(cut_of.max(initial=0))
    starts = _count(entities, known, cut_of, is_asked)
    # the numbers of a table are uint16; with more cuts than that all entities are searched
    many = np.flatnonzero(np.diff(starts) > (min(FEW, last_cut) if last_cut < 2**16 else starts[-1]))
    told = RunningSums(
        places=np.stack([starts[:-1], starts[1:]], axis=1),
        cuts=np.empty(starts[-1], dtype=np.int32),
        sums=np.empty((starts[-1] + 1, len(measures)), dtype=np.int64),
        tables=np.empty((len(many), last_cut + 1), dtype=np.uint16),
    )
    told.places[many, 1] = -1 - np.arange(len(many))
    told.sums[0] = 0
    free = starts[:-1].copy()
    for first in range(0, len(entities), CHUNK):
        some = slice(first, first + CHUNK)
        values = np.stack([measure[some].astype(np.int64, copy=False) for measure in measures])
        _put_beside_their_own(told, free, entities[some], known[some], cut_of, is_asked, values)
    _sum_up(told, starts)
    return told


@njit(nogil=True, cache=True)
def _count(entities: np.ndarray, known: np.ndarray, cut_of: np.ndarray, is_asked: np.ndarray) -> np.ndarray:
    """(entities + 1): where the facts of each entity start, if those of one stand beside those of the next."""
    starts = np.zeros(len(is_asked) + 1, dtype=np.int64)
    for fact in range(len(entities)):
        whose = AT(entities[fact])
        if is_asked[whose] and cut_of[AT(known[fact])] >= 0:
            starts[whose + AT(1)] += 1
    for entity in range(len(is_asked)):
        starts[entity + 1] += starts[entity]
    return starts


@njit(nogil=True, cache=True)
def differences(
    told: RunningSums, who: np.ndarray, night: np.ndarray, edges: np.ndarray, asked: np.ndarray, totals: np.ndarray
) -> None:
    """Fills `totals` (asked, rows) with the sums up to one cut less those up to an earlier one.

    `who` and `night` (int32, one a row) say which entity, and which column of `edges`: its row 0 has the later cut,
    the others the earlier ones. `asked` (asked, 2): which measure, and which row of `edges`. Each step takes a block
    of rows, so that the look-ups of one row need not wait for those of another.
    """
    start, stop = np.empty((2, BLOCK), dtype=np.int64)
    seen = np.empty((len(edges), BLOCK), dtype=AT)
    later = np.empty((told.sums.shape[1], BLOCK), dtype=np.int64)
    for first in range(0, len(who), BLOCK):
        rows = range(min(BLOCK, len(who) - first))
        for row in rows:
            entity = AT(who[first + row])
            start[row], stop[row] = told.places[entity, 0], told.places[entity, 1]
        for row in rows:
            for number in range(len(edges)):
                cut = edges[number, AT(night[first + row])]
                if stop[row] >= 0:
                    seen[number, row] = _first_unseen(told.cuts, start[row], stop[row], cut)
                else:
                    seen[number, row] = AT(start[row]) + AT(told.tables[AT(-1 - stop[row]), AT(cut)])
        for measure in range(len(later)):
            for row in rows:
                later[measure, row] = told.sums[seen[0, row], measure]
        for column in range(len(asked)):
            measure, number = asked[column]
            for row in rows:
                totals[column, first + row] = later[measure, row] - told.sums[seen[number, row], AT(measure)]


@njit(nogil=True, cache=True)
def _first_unseen(cuts: np.ndarray, start: int, stop: int, cut: int) -> np.uintp:
    """The first place in [start, stop) that `cut` does not see, else `stop`.

    Halving without a branch, because a processor guesses half of them wrong; it looks at one place too many at most.
    """
    place, left = AT(start), AT(stop) - AT(start)
    while left > AT(0):
        half = (left + AT(1)) >> AT(1)
        place += half * AT(cuts[place + half - AT(1)] <= cut)
        left -= half
    return place


@njit(nogil=True, cache=True)
def _put_beside_their_own(
    told: RunningSums,
    free: np.ndarray,
    entities: np.ndarray,
    known: np.ndarray,
    cut_of: np.ndarray,
    is_asked: np.ndarray,
    values: np.ndarray,
) -> None:
    """Fills `cuts`, and `sums` with each fact's own values, entity after entity."""
    for fact in range(len(entities)):
        entity, cut = AT(entities[fact]), cut_of[AT(known[fact])]
        if is_asked[entity] and cut >= 0:
            place = AT(free[entity])
            free[entity] += 1
            told.cuts[place] = cut
            for measure in range(len(values)):
                told.sums[place + AT(1), measure] = values[measure, fact]


@njit(nogil=True, cache=True)
def _sum_up(told: RunningSums, starts: np.ndarray) -> None:
    """Makes each fact's own values in `sums` the sums of all facts before the next place."""
    by_cut = np.zeros((told.tables.shape[1], told.sums.shape[1]), dtype=np.int64)
    is_told = np.zeros(len(by_cut), dtype=np.bool_)
    moved = np.empty(told.sums.shape[1], dtype=np.int64)
    for entity in range(len(told.places)):
        start, stop, row = starts[entity], starts[entity + 1], -1 - told.places[entity, 1]
        if row < 0:
            _put_in_order(told.cuts, told.sums, start, stop, moved)
        else:
            _put_by_cut(told, start, stop, told.tables[row], by_cut, is_told)
        for place in range(start, stop):
            for measure in range(told.sums.shape[1]):
                told.sums[place + 1, measure] += told.sums[place, measure]


@njit(nogil=True, cache=True)
def _put_in_order(cuts: np.ndarray, sums: np.ndarray, start: int, stop: int, moved: np.ndarray) -> None:
    """The facts from `start` up to `stop` ascending by cut: each is moved down to its place."""
    measures = range(len(moved))
    for fact in range(start + 1, stop):
        cut = cuts[fact]
        place = int(_first_unseen(cuts, start, fact, cut))
        if place == fact:
            continue
        for measure in measures:
            moved[measure] = sums[fact + 1, measure]
        for later in range(fact, place, -1):
            cuts[later] = cuts[later - 1]
            for measure in measures:
                sums[later + 1, measure] = sums[later, measure]
        cuts[place] = cut
        for measure in measures:
            sums[place + 1, measure] = moved[measure]


@njit(nogil=True, cache=True)
def _put_by_cut(
    told: RunningSums, start: int, stop: int, table: np.ndarray, by_cut: np.ndarray, is_told: np.ndarray
) -> None:
    """The facts from `start` up to `stop` summed by cut; `by_cut` and `is_told` are empty before and after."""
    measures = range(by_cut.shape[1])
    for fact in range(start, stop):
        cut = told.cuts[fact]
        is_told[cut] = True
        for measure in measures:
            by_cut[cut, measure] += told.sums[fact + 1, measure]
            told.sums[fact + 1, measure] = 0
    place = start
    for cut in range(len(table)):
        if is_told[cut]:
            is_told[cut] = False
            for measure in measures:
                told.sums[place + 1, measure] = by_cut[cut, measure]
                by_cut[cut, measure] = 0
            place += 1
        table[cut] = place - start
