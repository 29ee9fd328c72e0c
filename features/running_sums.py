"""Running sums of each entity's facts, and their differences: the kernel of trailing totals.

The kernel has no notion of time. A fact carries the number of the first cut that sees it, and the
sum up to a cut is the sum of the facts whose number is at most the cut's. There are two layouts:

- An entity with few facts has one slot per fact, ordered by cut; a binary search finds the cut.
- An entity with many facts has one slot per cut, so the slot of a cut is known without a search.

All of it is numpy. numba compiled it to two thirds of its time, for 170 MB and two seconds to load
(docs/experiments/2026-11-28-installation.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# An entity has few facts if it has at most FEW, or at most a quarter of the number of cuts. So
# there are at most four times as many slots as facts.
FEW, FEW_OF_CUTS = 64, 4
# number of rows that are processed at a time: their look-ups fit into the cache of a processor
BLOCK = 16384
# bits of a signed 64-bit number that a sort may use for entity, cut and fact
SORT_BITS = 63


class RunningSums(NamedTuple):
    """Running sums over slots that are grouped by entity.

    `sums[slot]` (slots + 1, measures) is the sum of everything before that slot. `slots[e]` has
    the first slot of entity e and the slot after its last. The `cuts` of these slots are ascending:
    each is the first cut that sees the fact. If the entity has many facts, `slots[e]` ends with -1,
    and its n-th slot has the facts that cut n is the first to see. The slots of entities with few
    facts come first, and only they have `cuts`.
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
    cut = cut_of[known]
    facts = np.flatnonzero((cut > 0) & is_needed[entities])
    entity, cut = entities[facts], cut[facts]
    counts = np.bincount(entity, minlength=len(is_needed))
    has_few = counts <= min(max(FEW, last_cut // FEW_OF_CUTS), last_cut)
    slots, size = _assign_slots(counts, has_few, last_cut)
    if size >= 2**31:
        raise OverflowError(
            f"{size:,} sums are too many for one pass (at most {2**31 - 1:,}). "
            "Build the features in parts, on a cluster (ENGINE=spark)."
        )
    sums = np.zeros((size + 1, len(measures)), dtype=np.int64)
    is_few = has_few.take(entity)
    few, many = np.flatnonzero(is_few), np.flatnonzero(~is_few)
    order, cuts = _order_by_cut(entity[few], cut[few])
    few, slot = facts[few[order]], slots[entity[many], 0].astype(np.int64) + cut[many]
    many = facts[many]
    for number, measure in enumerate(measures):
        # the value of a fact goes one after its slot
        sums[1 : len(few) + 1, number] = measure[few]
        if len(many):
            np.add.at(sums[:, number], slot, measure[many].astype(np.int64))
        np.cumsum(sums[:, number], out=sums[:, number])
    return RunningSums(slots=slots, cuts=cuts, sums=sums)


def _assign_slots(counts: np.ndarray, has_few: np.ndarray, last_cut: int) -> tuple[np.ndarray, int]:
    """(entities, 2): the slots of each entity, as in `RunningSums`; and the number of all slots."""
    width = np.where(has_few, counts, 0)
    stop = np.cumsum(width)
    first_many = int(stop[-1]) if len(stop) else 0
    number_of_many = np.cumsum(~has_few)
    size = first_many + last_cut * int(number_of_many[-1] if len(stop) else 0)
    start = np.where(has_few, stop - width, first_many + (number_of_many - 1) * last_cut)
    return np.stack([start, np.where(has_few, stop, -1)], axis=1).astype(np.int32), size


def _order_by_cut(entity: np.ndarray, cut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positions of the facts, sorted by entity and cut; and their cuts in this order.

    If they fit, entity, cut and position form one number: numpy sorts numbers several times as fast
    as it finds the order of numbers.
    """
    bits_of_cut, bits = int(cut.max(initial=0)).bit_length(), len(cut).bit_length()
    code = entity.astype(np.int64) << bits_of_cut
    code |= cut
    if int(code.max(initial=0)).bit_length() + bits > SORT_BITS:
        order = np.argsort(code)
        return order, cut[order]
    code <<= bits
    code |= np.arange(len(code))
    code.sort()
    cuts = (code >> bits).astype(np.int32) & ((1 << bits_of_cut) - 1)
    code &= (1 << bits) - 1
    return code, cuts


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
    has a measure and a row of `edges`. Each step handles a block of rows.
    """
    for first in range(0, len(row_entity), BLOCK):
        block = slice(first, first + BLOCK)
        start, stop = running.slots.take(row_entity[block], axis=0).T.astype(np.intp)
        seen = _first_unseen(running.cuts, start, stop, edges.take(night[block], axis=1))
        sums = [running.sums.take(each, axis=0) for each in seen]
        for column, (measure, number) in enumerate(requests):
            np.subtract(sums[0][:, measure], sums[number][:, measure], out=totals[column, block])


def _first_unseen(
    cuts: np.ndarray, start: np.ndarray, stop: np.ndarray, edges: np.ndarray
) -> np.ndarray:
    """(edges, rows): the first slot in [start, stop) that the cut does not see, or `stop`.

    An entity with many facts has `stop` -1. The others take one binary search, all rows in step.
    """
    seen: np.ndarray = start + edges
    few = np.flatnonzero(stop >= 0)
    if not len(few):
        return seen
    cut, slot = edges[:, few], np.repeat(start[few][None], len(edges), axis=0)
    left = np.broadcast_to((stop - start)[few], slot.shape).copy()
    for _ in range(int(left.max(initial=0)).bit_length()):
        half = (left + 1) >> 1
        # where nothing is left, this looks at the slot before and adds nothing
        is_seen = cuts.take(slot + half - 1) <= cut
        slot += half * is_seen
        left -= half
    seen[:, few] = slot
    return seen
