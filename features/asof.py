"""Visible facts, the latest fact, and trailing totals per entity: the only place with windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from features.clock import count_before, is_visible
from features.tables import TABLES, Tables

ROW_KEY = ["order_id", "as_of_day"]
# so many cells of a grid are filled as fast as one fact is sorted
CELLS_A_FACT = 2
# facts or rows worked on at a time; measures summed side by side
BLOCK, TOGETHER = 8192, 6
# float64, which `bincount` sums in, has each whole number up to here
EXACT = 2.0**53


def visible(facts: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """The facts that were known when the day `as_of_day` started."""
    return facts.filter(is_visible(pl.col("known_day"), pl.lit(as_of_day)))


def newest_fact_day(tables: Tables) -> int | None:
    """The last day on which anything became known; None without facts."""
    return max(
        (int(tables[name]["known_day"].to_numpy().max()) for name in TABLES if tables[name].height), default=None
    )


def visible_facts(rows: pl.DataFrame, facts: pl.DataFrame, on: str = "order_id") -> pl.DataFrame:
    """Each spine row with each fact about its entity that is visible at its as_of; rows without one drop out.

    `rows` holds `order_id, as_of_day` and `on`; the result has one row per (spine row, visible fact).
    """
    keys = rows.select(list(dict.fromkeys([*ROW_KEY, on])))
    return keys.join(facts, on=on, how="inner").filter(is_visible(pl.col("known_day"), pl.col("as_of_day")))


def latest_fact(rows: pl.DataFrame, facts: pl.DataFrame, columns: Sequence[str], on: str = "order_id") -> pl.DataFrame:
    """One row per spine row with a visible fact: `columns` of the fact that was learned last.

    Facts learned on the same day are ordered by when they happened, then by their own values: never by file order.
    """
    order = ["known_at", "occurred_at", *columns]
    found = visible_facts(rows, facts, on).sort(order)
    return found.group_by(ROW_KEY, maintain_order=True).agg(pl.col(c).last() for c in columns)


def trailing_totals(
    rows: pl.DataFrame, facts: pl.DataFrame, key: Sequence[str], measures: Mapping[str, Sequence[int]]
) -> pl.DataFrame:
    """Totals of `measures`, each over its lookbacks, of the facts of the same `key` learned in
    `[as_of - lookback, as_of)`.

    `rows` has `key` and `as_of_day`; `facts` has `key`, `known_day` and the measures. The result has one row per
    row of `rows`, in its order, with columns `<measure>_<lookback>d` (int64; 0 without facts; null where the key is).
    Measures are whole numbers, so that a total is exact and does not depend on the order of its facts.
    """
    key = list(key)
    numbered = rows.select(key).unique().drop_nulls().with_row_index("entity")
    asked = rows.select([*key, "as_of_day"]).join(numbered, on=key, how="left", maintain_order="left")
    told = facts.select([*key, "known_day", *measures]).join(numbered, on=key, how="inner")
    return totals_of(asked["entity"], asked["as_of_day"], told, "entity", measures)


def totals_of(
    entity: pl.Series, as_of_day: pl.Series, facts: pl.DataFrame, column: str, measures: Mapping[str, Sequence[int]]
) -> pl.DataFrame:
    """The same with entities numbered from 0: one row per `entity` and `as_of_day`; `facts[column]` has the numbers.

    A total is the difference of two running sums. Only days on which a window begins or ends matter to it: days
    between two such cuts are one. Where there are no more (entity, cut) than facts, the facts are summed into a
    grid of them; else they are sorted. Exact at day grain, free of ties, linear but for the sort. A fact of an
    entity that nobody asks for, or older than all windows, is dropped first.
    """
    measures = {measure: tuple(dict.fromkeys(lookbacks)) for measure, lookbacks in measures.items()}
    is_known = entity.is_not_null().to_numpy()
    who, day = entity.drop_nulls().to_numpy().astype(np.int64), as_of_day.to_numpy()[is_known].astype(np.int64)
    oldest = day.min(initial=2**31) - max(lookback for each in measures.values() for lookback in each)
    facts = _of_use(facts, column, who, oldest)
    windows = _windows(who, day, facts[column].to_numpy(), facts["known_day"].to_numpy(), measures)
    totals = dict[str, np.ndarray]()
    names = list(measures)
    for some in (names[n : n + TOGETHER] for n in range(0, len(names), TOGETHER)):
        sums = windows.running_sums([facts[name].fill_null(0).to_numpy() for name in some])
        for name, running in zip(some, sums, strict=True):
            columns = windows.differences(running, measures[name])
            totals |= {f"{name}_{lookback}d": one for lookback, one in zip(measures[name], columns, strict=True)}
    found = pl.DataFrame(totals)
    if is_known.all():
        return found
    where = pl.Series(np.where(is_known, np.cumsum(is_known) - 1, -1))
    return found.select(pl.all().gather(where.set(where < 0, None)))


def _of_use(facts: pl.DataFrame, column: str, who: np.ndarray, oldest: int) -> pl.DataFrame:
    """The facts of entities in `who`, but for those learned before the day `oldest`."""
    numbers = facts[column].to_numpy()
    is_asked = np.zeros(max(who.max(initial=0), numbers.max(initial=0)) + 1, dtype=bool)
    is_asked[who] = True
    is_recent = facts.select(~is_visible(pl.col("known_day"), pl.lit(oldest))).to_series().to_numpy()
    keeps = is_asked[numbers] & is_recent
    return facts if keeps.all() else facts.filter(pl.Series(keeps))


def _windows(
    who: np.ndarray, day: np.ndarray, numbers: np.ndarray, known_day: np.ndarray, measures: Mapping[str, Sequence[int]]
) -> Windows:
    """Where the windows of each row begin and end among the running sums, and how these are made."""
    lookbacks = sorted({lookback for each in measures.values() for lookback in each})
    nights = _distinct_days(day)
    cuts = np.unique(np.subtract.outer(nights, [0, *lookbacks]))
    # what became known on a day lies behind all cuts up to the start of that day
    first = min(known_day.min(initial=0), cuts.min(initial=0))
    days = np.arange(first, max(known_day.max(initial=0), day.max(initial=0)) + 1)
    behind, end_of = count_before(cuts, days + 1), count_before(cuts, days)
    width, count = len(cuts) + 1, int(who.max(initial=-1)) + 1
    codes = numbers.astype(np.int64) * width + behind[known_day - first]
    since = {lookback: count_before(cuts, cuts - lookback) for lookback in lookbacks}
    if count * width <= CELLS_A_FACT * len(codes):
        ends = end_of[nights - first]
        start = np.arange(count)[:, None] * width
        return Windows(
            place=who * len(nights) + count_before(nights, days)[day - first],
            until=(start + ends).ravel(),
            since={lookback: (start + begins[ends]).ravel() for lookback, begins in since.items()},
            running_sums=lambda values: _grid_sums(codes, values, count, width),
        )
    asked, place = distinct(who * width + end_of[day - first])
    ordered, order = in_order(codes)
    start, end = asked - asked % width, asked % width
    return Windows(
        place=place,
        until=count_before(ordered, asked + 1),
        since={lookback: count_before(ordered, start + begins[end] + 1) for lookback, begins in since.items()},
        running_sums=lambda values: _sorted_sums(order, values),
    )


def _distinct_days(day: np.ndarray) -> np.ndarray:
    """In ascending order. Days are few and rows many: marked, not sorted."""
    first = day.min(initial=0)
    is_asked = np.zeros(day.max(initial=0) - first + 1, dtype=bool)
    is_asked[day - first] = True
    return np.flatnonzero(is_asked) + first


@dataclass(frozen=True)
class Windows:
    """`place`: of each row, its number among the distinct ones; `until`, `since[lookback]`: of these, where their
    windows end and begin among the `running_sums` of a measure's values."""

    place: np.ndarray
    until: np.ndarray
    since: Mapping[int, np.ndarray]
    running_sums: Callable[[Sequence[np.ndarray]], np.ndarray]

    def differences(self, running: np.ndarray, lookbacks: Sequence[int]) -> np.ndarray:
        """(lookbacks, rows), int64: the totals. By blocks that fit into the processor's cache."""
        found = self.scratch[:, : len(lookbacks)]
        for block in _blocks(len(self.until)):
            ever = np.take(running, self.until[block], mode="clip")
            for number, lookback in enumerate(lookbacks):
                before = np.take(running, self.since[lookback][block], mode="clip")
                np.subtract(ever, before, out=found[block, number])
        totals = np.empty((len(lookbacks), len(self.place)), dtype=np.int64)
        for block in _blocks(len(self.place)):
            # one look-up brings all lookbacks: they lie side by side
            totals[:, block] = np.take(found, self.place[block], axis=0, mode="clip").T
        return totals

    @cached_property
    def scratch(self) -> np.ndarray:
        """Used for one measure after the other: new memory costs more than the sums."""
        return np.empty((len(self.until), len(self.since)), dtype=np.int64)


def _grid_sums(codes: np.ndarray, values: Sequence[np.ndarray], count: int, width: int) -> np.ndarray:
    """(measures, cells): the sums of an entity's facts up to each cut, side by side."""
    sums = np.zeros((len(values), count * width), dtype=np.int64)
    for number, one in enumerate(values):
        if max(float(one.max(initial=0)), -float(one.min(initial=0))) * len(one) < EXACT:
            sums[number] = np.bincount(codes, one, minlength=count * width)
        else:
            np.add.at(sums[number], codes, one)
    return np.cumsum(sums.reshape(len(values), count, width), axis=2).reshape(len(values), -1)


def _sorted_sums(order: np.ndarray, values: Sequence[np.ndarray]) -> np.ndarray:
    """(measures, facts + 1): the sums of all facts before each place of the order."""
    together = np.stack(values, axis=1)
    sums = np.zeros((len(values), len(order) + 1), dtype=np.int64)
    for block in _blocks(len(order)):
        after = sums[:, block.start + 1 : block.stop + 1]
        np.cumsum(np.take(together, order[block], axis=0).T, axis=1, out=after)
        after += sums[:, block.start, None]
    return sums


def _blocks(length: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, length)) for start in range(0, length, BLOCK))


def in_order(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codes (int64, none negative) in ascending order, and the place that each of them had.

    Code and place sorted as one number: several times faster than an argsort. Where they do not fit into 63 bits
    together, the argsort.
    """
    bits = len(codes).bit_length()
    if int(codes.max(initial=0)).bit_length() + bits > 63:
        order = np.argsort(codes)
        return codes[order], order
    both = codes << bits | np.arange(len(codes))
    both.sort()
    return both >> bits, both & ((1 << bits) - 1)


def distinct(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct codes in ascending order, and for each of `codes` where it stands among them."""
    ordered, order = in_order(codes)
    is_first = np.diff(ordered, prepend=-1) > 0
    place = np.empty_like(order)
    place[order] = np.cumsum(is_first) - 1
    return ordered[is_first], place
