"""As-of joins: visible facts, the latest fact, and trailing totals per entity.

This is the only module that applies lookback windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.clock import count_before, is_visible
from features.running_sums import RunningSums, differences, running_sums
from features.tables import TABLES, Tables

ROW_KEY = ["order_id", "as_of_day"]
# number of measures that are summed in one pass
MEASURES_PER_PASS = 6
# after and before all days
LATE, EARLY = 2**31 - 1, -(2**31)


def visible(facts: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """The facts that were known when the day `as_of_day` started."""
    return facts.filter(is_visible(pl.col("known_day"), pl.lit(as_of_day)))


def newest_fact_day(tables: Tables) -> int | None:
    """The last `known_day` in any table; None if all tables are empty."""
    return max(
        (int(tables[name]["known_day"].to_numpy().max()) for name in TABLES if tables[name].height),
        default=None,
    )


def visible_facts(rows: pl.DataFrame, facts: pl.DataFrame, on: str = "order_id") -> pl.DataFrame:
    """Join each spine row with the facts about its entity that are visible at its as_of.

    `rows` has the columns `order_id, as_of_day` and `on`. The result has one row per spine row and
    visible fact; spine rows without a visible fact are dropped.
    """
    keys = rows.select(list(dict.fromkeys([*ROW_KEY, on])))
    known = is_visible(pl.col("known_day"), pl.col("as_of_day"))
    return keys.join(facts, on=on, how="inner").filter(known)


def latest_fact(
    rows: pl.DataFrame, facts: pl.DataFrame, columns: Sequence[str], on: str = "order_id"
) -> pl.DataFrame:
    """One row per spine row with a visible fact: `columns` of the fact with the last `known_at`.

    Ties are broken by `occurred_at` and then by the values of `columns`, never by row order.
    """
    order = ["known_at", "occurred_at", *columns]
    ordered = visible_facts(rows, facts, on).sort(order)
    return ordered.group_by(ROW_KEY, maintain_order=True).agg(pl.col(c).last() for c in columns)


def trailing_totals(
    rows: pl.DataFrame,
    facts: pl.DataFrame,
    key: Sequence[str],
    measures: Mapping[str, Sequence[int]],
) -> pl.DataFrame:
    """Totals of measures over the facts with the same key known in `[as_of - lookback, as_of)`.

    `rows` has the columns `key` and `as_of_day`; `facts` has `key`, `known_day` and the measures,
    which are whole numbers, so a total is exact and does not depend on the order of the facts.
    `measures` maps each measure to its lookbacks in days.

    Returns one row per row of `rows`, in its order, with the columns `<measure>_<lookback>d`
    (int64): 0 if there is no fact, null if the key is null.
    """
    key = list(key)
    numbered = rows.select(key).unique().drop_nulls().with_row_index("entity")
    numbered_rows = rows.select([*key, "as_of_day"]).join(
        numbered, on=key, how="left", maintain_order="left"
    )
    numbered_facts = facts.select([*key, "known_day", *measures]).join(
        numbered, on=key, how="inner"
    )
    return totals_of(
        numbered_rows["entity"], numbered_rows["as_of_day"], numbered_facts, "entity", measures
    )


def totals_of(
    entity: pl.Series,
    as_of_day: pl.Series,
    facts: pl.DataFrame,
    column: str,
    measures: Mapping[str, Sequence[int]],
) -> pl.DataFrame:
    """`trailing_totals` for entities that are numbered from 0.

    Returns one row per value of `entity` and `as_of_day`, which have the same length.
    `facts[column]` has the entity numbers of the facts.

    A total is the difference of two running sums. It depends only on the days on which a window
    begins or ends, so all days between two such cuts are treated as one. The totals are exact at
    day grain, and the time is linear in the number of facts and rows. Facts of entities that are
    not in `entity`, and facts older than all windows, are dropped first.
    """
    measures = {measure: tuple(dict.fromkeys(lookbacks)) for measure, lookbacks in measures.items()}
    lookbacks = sorted({lookback for each in measures.values() for lookback in each})
    is_known = entity.is_not_null()
    if entity.has_nulls():
        entity, as_of_day = entity.filter(is_known), as_of_day.filter(is_known)
    row_entity, row_day = (
        series.to_numpy().astype(np.int32, copy=False) for series in (entity, as_of_day)
    )
    fact_entity, known_day = (
        facts[name].to_numpy().astype(np.int32, copy=False) for name in (column, "known_day")
    )
    count_entities = int(max(row_entity.max(initial=-1), fact_entity.max(initial=-1))) + 1
    is_needed = np.zeros(count_entities, dtype=bool)
    is_needed[row_entity] = True
    windows = _windows(row_day, known_day, lookbacks)
    totals = dict[str, np.ndarray]()
    names = list(measures)
    for first in range(0, len(names), MEASURES_PER_PASS):
        in_pass = {name: measures[name] for name in names[first : first + MEASURES_PER_PASS]}
        values = [facts[name].fill_null(0).to_numpy() for name in in_pass]
        sums = running_sums(
            fact_entity, windows.known, windows.cut_of, windows.last_cut, is_needed, values
        )
        totals |= _window_totals(sums, row_entity, windows, lookbacks, in_pass)
    if is_known.all():
        return pl.DataFrame(totals)
    row_numbers = pl.select(pl.when(is_known).then(is_known.cum_sum() - 1)).to_series()
    return pl.DataFrame(totals).select(pl.all().gather(row_numbers))


@dataclass(frozen=True)
class Windows:
    """The days on which windows begin or end, as numbers of cuts.

    `known` has one value per fact, and `cut_of[known]` is the first cut that sees the fact: -1 if
    all cuts see it, or none. `night` has one value per row: its column of `edges`. Row 0 of
    `edges` has the cut of the night itself, and each further row the cut of one lookback before
    it. Cuts go up to `last_cut`.
    """

    known: np.ndarray
    cut_of: np.ndarray
    last_cut: int
    night: np.ndarray
    edges: np.ndarray


def _window_totals(
    sums: RunningSums,
    row_entity: np.ndarray,
    windows: Windows,
    lookbacks: Sequence[int],
    measures: Mapping[str, Sequence[int]],
) -> dict[str, np.ndarray]:
    """`<measure>_<lookback>d` -> totals, one per row; `sums` has the measures in this order."""
    requests = [(m, name, days) for m, name in enumerate(measures) for days in measures[name]]
    numbers = np.array([(m, 1 + lookbacks.index(days)) for m, _, days in requests])
    totals = np.empty((len(requests), len(row_entity)), dtype=np.int64)
    differences(sums, row_entity, windows.night, windows.edges, numbers, totals)
    return {
        f"{name}_{days}d": total for (_, name, days), total in zip(requests, totals, strict=True)
    }


def _windows(row_days: np.ndarray, known_days: np.ndarray, lookbacks: Sequence[int]) -> Windows:
    """Number the cuts from 1. Cuts that see no fact are cut 0; those that see all facts are one."""
    oldest, first_night = int(known_days.min(initial=LATE)), int(row_days.min(initial=LATE))
    fact_days = np.arange(oldest, int(known_days.max(initial=EARLY)) + 1)
    all_nights = np.arange(first_night, int(row_days.max(initial=EARLY)) + 1)
    is_night = np.zeros(len(all_nights), dtype=bool)
    is_night[row_days - first_night] = True
    nights = all_nights[is_night]
    begins = nights - np.array([[0], *([days] for days in lookbacks)])
    cuts = np.unique(begins)
    count_unseeing = count_before(cuts, fact_days + 1)
    cuts = cuts[min(count_unseeing, default=0) : max(count_unseeing, default=0) + 1]
    # a cut on or before the day of a fact does not see it: the fact becomes known during that day
    first_cuts = count_before(cuts, fact_days + 1) + 1
    edges, night = count_before(cuts, begins + 1), count_before(nights, all_nights)
    # the cuts of needed facts must be 1 to last_cut; numpy would count a negative one from the end
    last_cut = int(edges.max(initial=0))
    is_needed = (first_cuts > max(edges.min(initial=LATE), 0)) & (first_cuts <= last_cut)
    if edges.min(initial=0) < 0 or night.max(initial=-1) >= len(nights):
        raise IndexError("the number of a cut or a night is out of range")
    return Windows(
        known=(known_days - oldest).astype(np.int32) if len(fact_days) else known_days,
        cut_of=np.where(is_needed, first_cuts, -1).astype(np.int32),
        last_cut=last_cut,
        night=night.astype(np.int32)[row_days - first_night],
        edges=edges.astype(np.int32),
    )
