"""Running sums of each entity's facts and their differences: the compiled (numba) kernel.

The kernel has no notion of time. A fact carries the number of the first cut that sees it, and the
sum up to a cut is the sum of the facts whose number is at most the cut's. There are two layouts:

- An entity with few facts has one slot per fact, ordered by cut; a binary search finds the cut.
- An entity with many facts has one slot per cut, so the slot of a cut is known without a search.

Everything is in this one file because numba's disk cache notices changes of the file itself, but
not of the files it imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

# An entity has few facts if it has at most FEW, or at most a quarter of the number of cuts. So
# there are at most four times as many slots as facts.
FEW, FEW_OF_CUTS = 64, 4
# number of rows, and of facts, that are processed at a time
BLOCK, CHUNK = 512, 65536
# The type of an array index. For a signed index, numba checks on each access whether it counts
# from the end, which takes a third of the time. Do not add it to a signed number: the sum would be
# a float.
AT = np.uintp


class RunningSums(NamedTuple):
    """Running sums over slots that are grouped by entity.

    `sums[slot]` (slots + 1, measures) is the sum of everything before that slot. `slots[e]` has
    the first slot of entity e and the slot after its last. The `cuts` of these slots are ascending:
    each is the first cut that sees the fact. If the entity has many facts, `slots[e]` ends with -1,
    and its n-th slot has the facts that cut n is the first to see.
    """

    slots: np.ndarray
    cuts: np.ndarray
    sums: np.ndarray


def running_sums(
    entities: np.ndarray,
    known: np.ndarray,
    cut_of: np.ndarray,
    last_cut: int,
    is_needed: np.ndarray,
    measures: Sequence[np.ndarray],
) -> RunningSums:
    """Sum the facts of each entity up to each cut.

    `entities`, `known` (int32) and each of `measures` (whole numbers) have one value per fact.
    `cut_of[known]` (int32) is the first cut that sees the fact, 1 to `last_cut`, or -1 if the fact
    is not needed. `is_needed` (bool) has one flag per entity; facts of other entities are ignored.

    Raises OverflowError if the slots do not fit into an int32.
    """
    few = min(max(FEW, last_cut // FEW_OF_CUTS), last_cut)
    slots, size = _assign_slots(entities, known, cut_of, is_needed, few, last_cut)
    if size >= 2**31:
        raise OverflowError(
            f"{size:,} sums are too many for one pass (at most {2**31 - 1:,}). "
            "Build the features in parts, on a cluster (ENGINE=spark)."
        )
    # `cuts` stays unset where an entity has many facts
    running = RunningSums(
        slots=slots,
        cuts=np.empty(size, dtype=np.int32),
        sums=np.zeros((size + 1, len(measures)), dtype=np.int64),
    )
    # next free slot of each entity; negative for an entity with many facts, whose slots are fixed
    next_slots = np.where(slots[:, 1] < 0, -1 - slots[:, 0], slots[:, 0])
    values = np.empty((len(measures), min(CHUNK, len(entities))), dtype=np.int64)
    for first in range(0, len(entities), CHUNK):
        chunk = slice(first, first + CHUNK)
        for number, measure in enumerate(measures):
            values[number, : len(entities[chunk])] = measure[chunk]
        _add_to_slots(running, next_slots, entities[chunk], known[chunk], cut_of, is_needed, values)
    _accumulate(running, size, few)
    return running


@njit(nogil=True, cache=True)
def differences(
    running: RunningSums,
    row_entity: np.ndarray,
    night: np.ndarray,
    edges: np.ndarray,
    requests: np.ndarray,
    totals: np.ndarray,
) -> None:
    """Fill `totals` (requests, rows) with the sums up to one cut minus those up to an earlier one.

    `row_entity` and `night` (int32) have one value per row: its entity and its column of `edges`.
    Row 0 of `edges` has the later cut, the other rows the earlier ones. `requests` (requests, 2)
    has a measure and a row of `edges`. Each step handles a block of rows, so that the look-ups of
    one row need not wait for those of another.
    """
    start, stop = np.empty((2, BLOCK), dtype=np.int64)
    seen = np.empty((len(edges), BLOCK), dtype=AT)
    later = np.empty((running.sums.shape[1], BLOCK), dtype=np.int64)
    for first in range(0, len(row_entity), BLOCK):
        rows = range(min(BLOCK, len(row_entity) - first))
        for row in rows:
            entity = AT(row_entity[first + row])
            start[row], stop[row] = running.slots[entity, 0], running.slots[entity, 1]
        for row in rows:
            for number in range(len(edges)):
                cut = edges[number, AT(night[first + row])]
                if stop[row] >= 0:
                    seen[number, row] = _first_unseen(running.cuts, start[row], stop[row], cut)
                else:
                    seen[number, row] = AT(start[row]) + AT(cut)
        for measure in range(len(later)):
            for row in rows:
                later[measure, row] = running.sums[seen[0, row], measure]
        for column in range(len(requests)):
            measure, number = requests[column]
            for row in rows:
                totals[column, first + row] = (
                    later[measure, row] - running.sums[seen[number, row], AT(measure)]
                )


@njit(nogil=True, cache=True)
def _first_unseen(cuts: np.ndarray, start: int, stop: int, cut: int) -> np.uintp:
    """The first slot in [start, stop) that `cut` does not see, or `stop`.

    This is a binary search without a branch, because a processor mispredicts half of them. It
    looks at one slot too many at most.
    """
    slot, left = AT(start), AT(stop) - AT(start)
    while left > AT(0):
        half = (left + AT(1)) >> AT(1)
        slot += half * AT(cuts[slot + half - AT(1)] <= cut)
        left -= half
    return slot


@njit(nogil=True, cache=True)
def _assign_slots(
    entities: np.ndarray,
    known: np.ndarray,
    cut_of: np.ndarray,
    is_needed: np.ndarray,
    few: int,
    last_cut: int,
) -> tuple[np.ndarray, int]:
    """(entities, 2): the slots of each entity, as in `RunningSums`; and the number of all slots."""
    slots = np.zeros((len(is_needed), 2), dtype=np.int32)
    for fact in range(len(entities)):
        entity = AT(entities[fact])
        if is_needed[entity] and cut_of[AT(known[fact])] >= 0:
            slots[entity, 1] += 1
    size = 0
    for number in range(len(is_needed)):
        count, slots[number, 0] = slots[number, 1], size
        size += count if count <= few else last_cut
        slots[number, 1] = size if count <= few else -1
    return slots, size


@njit(nogil=True, cache=True)
def _add_to_slots(
    running: RunningSums,
    next_slots: np.ndarray,
    entities: np.ndarray,
    known: np.ndarray,
    cut_of: np.ndarray,
    is_needed: np.ndarray,
    values: np.ndarray,
) -> None:
    """Fill `cuts`, and add the values of each fact to `sums`, one after its slot.

    The slots of a block are looked up before anything is added, so that one look-up need not wait
    for another.
    """
    targets, facts = np.empty(BLOCK, dtype=AT), np.empty(BLOCK, dtype=AT)
    for first in range(0, len(entities), BLOCK):
        count = 0
        for fact in range(first, min(first + BLOCK, len(entities))):
            entity, cut = AT(entities[fact]), cut_of[AT(known[fact])]
            if is_needed[entity] and cut >= 0:
                slot = next_slots[entity]
                if slot < 0:
                    slot = cut - slot - 2
                else:
                    next_slots[entity] = slot + 1
                    running.cuts[AT(slot)] = cut
                targets[count], facts[count] = slot + 1, fact
                count += 1
        for measure in range(len(values)):
            for number in range(count):
                running.sums[targets[number], AT(measure)] += values[AT(measure), facts[number]]


@njit(nogil=True, cache=True)
def _accumulate(running: RunningSums, size: int, few: int) -> None:
    """Turn the values in `sums` into the sums of everything before the next slot."""
    keys = np.empty(few, dtype=np.int64)
    moved = np.empty((few, running.sums.shape[1]), dtype=np.int64)
    for entity in range(len(running.slots)):
        start, stop = running.slots[entity]
        for slot in range(start + 1, stop):
            if running.cuts[slot - 1] > running.cuts[slot]:
                _sort_by_cut(
                    running.cuts[start:stop], running.sums[start + 1 : stop + 1], keys, moved
                )
                break
    for slot in range(size):
        for measure in range(running.sums.shape[1]):
            running.sums[slot + 1, measure] += running.sums[slot, measure]


@njit(nogil=True, cache=True)
def _sort_by_cut(cuts: np.ndarray, values: np.ndarray, keys: np.ndarray, moved: np.ndarray) -> None:
    """Sort the facts of one entity by cut. Cut and slot form one number, so that only numbers are
    sorted."""
    for fact in range(len(cuts)):
        key, slot = np.int64(cuts[fact]) << 32 | fact, fact
        while slot > 0 and keys[slot - 1] > key:
            keys[slot] = keys[slot - 1]
            slot -= 1
        keys[slot] = key
    moved[: len(cuts)] = values
    for slot in range(len(cuts)):
        cuts[slot] = keys[slot] >> 32
        values[slot] = moved[keys[slot] & 0xFFFFFFFF]
