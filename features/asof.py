"""Visible facts, the latest fact, and trailing totals per entity: the only place with windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.clock import count_before, is_visible
from features.running_sums import differences, running_sums
from features.tables import TABLES, Tables

ROW_KEY = ["order_id", "as_of_day"]
# measures summed side by side
TOGETHER = 6
# later and earlier than all days
LATE, EARLY = 2**31 - 1, -(2**31)


def visible(facts: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """The facts that were known when the day `as_of_day` started."""
    return facts.filter(is_visible(pl.col("known_day"), pl.lit(as_of_day)))


def newest_fact_day(tables: Tables) -> int | None:
    """The last day on which anything became known; None without facts."""
    return max(
        (int(tables[name]["known_day"].to_numpy().max()) for name in TABLES if tables[name].height),
        default=None,
    )


def visible_facts(rows: pl.DataFrame, facts: pl.DataFrame, on: str = "order_id") -> pl.DataFrame:
    """Each spine row with each fact about its entity that is visible at its as_of; rows without one
    drop out.

    `rows` holds `order_id, as_of_day` and `on`; the result has one row per (spine row, visible
    fact).
    """
    keys = rows.select(list(dict.fromkeys([*ROW_KEY, on])))
    return keys.join(facts, on=on, how="inner").filter(
        is_visible(pl.col("known_day"), pl.col("as_of_day"))
    )


def latest_fact(
    rows: pl.DataFrame, facts: pl.DataFrame, columns: Sequence[str], on: str = "order_id"
) -> pl.DataFrame:
    """One row per spine row with a visible fact: `columns` of the fact that was learned last.

    Facts learned on the same day are ordered by when they happened, then by their own values: never
    by file order.
    """
    order = ["known_at", "occurred_at", *columns]
    found = visible_facts(rows, facts, on).sort(order)
    return found.group_by(ROW_KEY, maintain_order=True).agg(pl.col(c).last() for c in columns)


def trailing_totals(
    rows: pl.DataFrame,
    facts: pl.DataFrame,
    key: Sequence[str],
    measures: Mapping[str, Sequence[int]],
) -> pl.DataFrame:
    """Totals of `measures`, each over its lookbacks, of the facts of the same `key` learned in
    `[as_of - lookback, as_of)`.

    `rows` has `key` and `as_of_day`; `facts` has `key`, `known_day` and the measures. The result
    has one row per row of `rows`, in its order, with columns `<measure>_<lookback>d` (int64; 0
    without facts; null where the key is). Measures are whole numbers, so that a total is exact and
    does not depend on the order of its facts.
    """
    key = list(key)
    numbered = rows.select(key).unique().drop_nulls().with_row_index("entity")
    asked = rows.select([*key, "as_of_day"]).join(
        numbered, on=key, how="left", maintain_order="left"
    )
    told = facts.select([*key, "known_day", *measures]).join(numbered, on=key, how="inner")
    return totals_of(asked["entity"], asked["as_of_day"], told, "entity", measures)


def totals_of(
    entity: pl.Series,
    as_of_day: pl.Series,
    facts: pl.DataFrame,
    column: str,
    measures: Mapping[str, Sequence[int]],
) -> pl.DataFrame:
    """The same with entities numbered from 0: one row per `entity` and `as_of_day`; `facts[column]`
    has the numbers.

    A total is the difference of two running sums. Only days on which a window begins or ends matter
    to it: days between two such cuts are one. Exact at day grain, free of ties, linear. A fact of
    an entity that nobody asks for, or older than all windows, is dropped first.
    """
    measures = {measure: tuple(dict.fromkeys(lookbacks)) for measure, lookbacks in measures.items()}
    lookbacks = sorted({lookback for each in measures.values() for lookback in each})
    is_known = entity.is_not_null()
    if entity.has_nulls():
        entity, as_of_day = entity.filter(is_known), as_of_day.filter(is_known)
    who, day = (series.to_numpy().astype(np.int32, copy=False) for series in (entity, as_of_day))
    numbers, known_day = (
        facts[name].to_numpy().astype(np.int32, copy=False) for name in (column, "known_day")
    )
    is_asked = np.zeros(int(max(who.max(initial=-1), numbers.max(initial=-1))) + 1, dtype=bool)
    is_asked[who] = True
    windows = _windows(day, known_day, lookbacks)
    totals = dict[str, np.ndarray]()
    names = list(measures)
    for some in (names[n : n + TOGETHER] for n in range(0, len(names), TOGETHER)):
        values = [facts[name].fill_null(0).to_numpy() for name in some]
        told = running_sums(
            numbers, windows.known, windows.cut_of, windows.last_cut, is_asked, values
        )
        asked = [(m, days) for m, name in enumerate(some) for days in measures[name]]
        found = np.empty((len(asked), len(who)), dtype=np.int64)
        places = np.array([(m, 1 + lookbacks.index(days)) for m, days in asked])
        differences(told, who, windows.night, windows.edges, places, found)
        totals |= {f"{some[m]}_{days}d": one for (m, days), one in zip(asked, found, strict=True)}
    if is_known.all():
        return pl.DataFrame(totals)
    where = pl.select(pl.when(is_known).then(is_known.cum_sum() - 1)).to_series()
    return pl.DataFrame(totals).select(pl.all().gather(where))


@dataclass(frozen=True)
class Windows:
    """Where windows begin and end, as numbers of cuts.

    `cut_of[known]`, `known` of each fact: the first cut that sees it, -1 where all do, or none.
    `night`, of each row: its column of `edges`, which has the cut of the night itself, and that of
    each lookback before it; up to `last_cut`.
    """

    known: np.ndarray
    cut_of: np.ndarray
    last_cut: int
    night: np.ndarray
    edges: np.ndarray


def _windows(day: np.ndarray, known_day: np.ndarray, lookbacks: Sequence[int]) -> Windows:
    """Cuts are numbered from 1. One that sees no fact is cut 0; those that see all are one."""
    oldest, first_night = int(known_day.min(initial=LATE)), int(day.min(initial=LATE))
    told = np.arange(oldest, int(known_day.max(initial=EARLY)) + 1)
    nightly = np.arange(first_night, int(day.max(initial=EARLY)) + 1)
    is_night = np.zeros(len(nightly), dtype=bool)
    is_night[day - first_night] = True
    nights = nightly[is_night]
    begins = nights - np.array([[0], *([days] for days in lookbacks)])
    cuts = np.unique(begins)
    unseeing = count_before(cuts, told + 1)
    cuts = cuts[min(unseeing, default=0) : max(unseeing, default=0) + 1]
    # the cuts up to a fact's day do not see it: it becomes known while that day lasts
    first_cuts = count_before(cuts, told + 1) + 1
    edges, night = count_before(cuts, begins + 1), count_before(nights, nightly)
    # what is compiled does not look whether a number lies outside: the cut of a needed fact is from
    # 1 to the last
    last_cut = int(edges.max(initial=0))
    is_needed = (first_cuts > max(edges.min(initial=LATE), 0)) & (first_cuts <= last_cut)
    if edges.min(initial=0) < 0 or night.max(initial=-1) >= len(nights):
        raise IndexError("a cut or a night has a number that none has")
    return Windows(
        known=(known_day - oldest).astype(np.int32) if len(told) else known_day,
        cut_of=np.where(is_needed, first_cuts, -1).astype(np.int32),
        last_cut=last_cut,
        night=night.astype(np.int32)[day - first_night],
        edges=edges.astype(np.int32),
    )
