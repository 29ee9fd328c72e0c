"""Running sums of each entity's facts, and their differences: the compiled part (numba) of the
prefix-sum kernel.

It knows no times. A fact carries the number of the first cut that sees it, and a sum up to a cut is
that of the facts whose number is not above the cut's. Entities have few facts or many. The facts of
few are put side by side in order of their cuts, and searched; those of many are summed by cut, a
place each, so that a cut's place is known without search.

All of it stands in this one file because numba's cache on disk notices a change of the file, not of
what it imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

# Up to so many facts of an entity, or a fourth of the cuts, are searched: so places are at most
# four times the facts.
FEW, FEW_OF_CUTS = 64, 4
# rows, and facts, worked on at a time
BLOCK, CHUNK = 512, 65536
# The type of a place in an array. Of a signed number that was read, numba asks each time whether it
# counts from the end, which takes a third of the time. It must not meet a signed number in a sum:
# the two together make a float.
AT = np.uintp


class RunningSums(NamedTuple):
    """`sums[place]` (places + 1, measures) are those of all that is put before that place.

    `places[e]` has where the places of entity e start, and where they stop; the facts there are
    ascending by `cuts`, the first to see each. Where they are many it stops at -1: the n-th place
    has what the n-th cut sees first.
    """

    places: np.ndarray
    cuts: np.ndarray
    sums: np.ndarray


def running_sums(
    entities: np.ndarray,
    known: np.ndarray,
    cut_of: np.ndarray,
    last_cut: int,
    is_asked: np.ndarray,
    measures: Sequence[np.ndarray],
) -> RunningSums:
    """`entities`, `known` (int32) and each of `measures` (whole numbers) have one value a fact.

    `cut_of[known]` (int32) is the first cut that sees it, from 1 to `last_cut`; -1: it is not
    needed, like the facts of an entity that is not `is_asked` (one flag an entity).
    """
    few = min(max(FEW, last_cut // FEW_OF_CUTS), last_cut)
    places, size = _places(entities, known, cut_of, is_asked, few, last_cut)
    if size >= 2**31:
        raise OverflowError(
            f"{size:,} places are more than fit into one sum; build features on a cluster, in parts"
        )
    # of the facts of many no cut is kept
    told = RunningSums(
        places=places,
        cuts=np.empty(size, dtype=np.int32),
        sums=np.zeros((size + 1, len(measures)), dtype=np.int64),
    )
    # less than 0: the places of many, that stay where they are
    free = np.where(told.places[:, 1] < 0, -1 - told.places[:, 0], told.places[:, 0])
    values = np.empty((len(measures), min(CHUNK, len(entities))), dtype=np.int64)
    for first in range(0, len(entities), CHUNK):
        some = slice(first, first + CHUNK)
        for number, measure in enumerate(measures):
            values[number, : len(entities[some])] = measure[some]
        _put_beside_their_own(told, free, entities[some], known[some], cut_of, is_asked, values)
    _sum_up(told, size, few)
    return told


@njit(nogil=True, cache=True)
def differences(
    told: RunningSums,
    who: np.ndarray,
    night: np.ndarray,
    edges: np.ndarray,
    asked: np.ndarray,
    totals: np.ndarray,
) -> None:
    """Fills `totals` (asked, rows) with the sums up to one cut less those up to an earlier one.

    `who` and `night` (int32, one a row) say which entity, and which column of `edges`: its row 0
    has the later cut, the others the earlier ones. `asked` (asked, 2): which measure, and which row
    of `edges`. Each step takes a block of rows, so that the look-ups of one row need not wait for
    those of another.
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
                    seen[number, row] = AT(start[row]) + AT(cut)
        for measure in range(len(later)):
            for row in rows:
                later[measure, row] = told.sums[seen[0, row], measure]
        for column in range(len(asked)):
            measure, number = asked[column]
            for row in rows:
                totals[column, first + row] = (
                    later[measure, row] - told.sums[seen[number, row], AT(measure)]
                )


@njit(nogil=True, cache=True)
def _first_unseen(cuts: np.ndarray, start: int, stop: int, cut: int) -> np.uintp:
    """The first place in [start, stop) that `cut` does not see, else `stop`.

    Halving without a branch, because a processor guesses half of them wrong; it looks at one place
    too many at most.
    """
    place, left = AT(start), AT(stop) - AT(start)
    while left > AT(0):
        half = (left + AT(1)) >> AT(1)
        place += half * AT(cuts[place + half - AT(1)] <= cut)
        left -= half
    return place


@njit(nogil=True, cache=True)
def _places(
    entities: np.ndarray,
    known: np.ndarray,
    cut_of: np.ndarray,
    is_asked: np.ndarray,
    few: int,
    last_cut: int,
) -> tuple[np.ndarray, int]:
    """(entities, 2): where each entity's places start and stop, -1 where facts are many; and how
    many all have."""
    places = np.zeros((len(is_asked), 2), dtype=np.int32)
    for fact in range(len(entities)):
        whose = AT(entities[fact])
        if is_asked[whose] and cut_of[AT(known[fact])] >= 0:
            places[whose, 1] += 1
    free = 0
    for entity in range(len(is_asked)):
        count, places[entity, 0] = places[entity, 1], free
        free += count if count <= few else last_cut
        places[entity, 1] = free if count <= few else -1
    return places, free


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
    """Fills `cuts`, and adds each fact's own values to `sums`, behind its place. The places of a
    block are looked up before anything is added, so that one look-up need not wait for another."""
    behind, facts = np.empty(BLOCK, dtype=AT), np.empty(BLOCK, dtype=AT)
    for first in range(0, len(entities), BLOCK):
        found = 0
        for fact in range(first, min(first + BLOCK, len(entities))):
            entity, cut = AT(entities[fact]), cut_of[AT(known[fact])]
            if is_asked[entity] and cut >= 0:
                place = free[entity]
                if place < 0:
                    place = cut - place - 2
                else:
                    free[entity] = place + 1
                    told.cuts[AT(place)] = cut
                behind[found], facts[found] = place + 1, fact
                found += 1
        for measure in range(len(values)):
            for number in range(found):
                told.sums[behind[number], AT(measure)] += values[AT(measure), facts[number]]


@njit(nogil=True, cache=True)
def _sum_up(told: RunningSums, size: int, few: int) -> None:
    """Makes what stands in `sums` the sums of all before the next place."""
    keys, moved = np.empty(few, dtype=np.int64), np.empty((few, told.sums.shape[1]), dtype=np.int64)
    for entity in range(len(told.places)):
        start, stop = told.places[entity]
        for place in range(start + 1, stop):
            if told.cuts[place - 1] > told.cuts[place]:
                _put_in_order(told.cuts[start:stop], told.sums[start + 1 : stop + 1], keys, moved)
                break
    for place in range(size):
        for measure in range(told.sums.shape[1]):
            told.sums[place + 1, measure] += told.sums[place, measure]


@njit(nogil=True, cache=True)
def _put_in_order(
    cuts: np.ndarray, values: np.ndarray, keys: np.ndarray, moved: np.ndarray
) -> None:
    """The facts of one entity ascending by cut. Cut and place are one number, so that only numbers
    are sorted."""
    for fact in range(len(cuts)):
        key, place = np.int64(cuts[fact]) << 32 | fact, fact
        while place > 0 and keys[place - 1] > key:
            keys[place] = keys[place - 1]
            place -= 1
        keys[place] = key
    moved[: len(cuts)] = values
    for place in range(len(cuts)):
        cuts[place] = keys[place] >> 32
        values[place] = moved[keys[place] & 0xFFFFFFFF]
