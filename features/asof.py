"""Visible facts, the latest fact, and trailing totals per entity: the only place with windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from features.clock import count_before, is_visible
from features.tables import TABLES, Tables

ROW_KEY = ["order_id", "as_of_day"]


def visible(facts: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """The facts that were known when the day `as_of_day` started."""
    return facts.filter(is_visible(pl.col("known_day"), pl.lit(as_of_day)))


def newest_fact_day(tables: Tables, as_of_day: int | None = None) -> int | None:
    """The last day on which anything became known (before `as_of_day`, where given); None without facts."""
    days = []
    for name in TABLES:
        facts = tables[name] if as_of_day is None else visible(tables[name], as_of_day)
        if facts.height:
            days.append(int(facts["known_day"].to_numpy().max()))
    return max(days, default=None)


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

    One code per (entity, day). The facts are sorted by it and their measures prefix-summed, whole numbers in that
    order; two binary searches for each distinct (entity, as_of), in their order, and a difference. Facts of one code
    need no sum of their own: a search never ends among them. Exact at day grain, free of ties, linear but for the
    sort. A fact of an entity that nobody asks for is dropped first.
    """
    lookbacks = sorted({lookback for each in measures.values() for lookback in each})
    is_known = entity.is_not_null().to_numpy()
    who, day = entity.drop_nulls().to_numpy().astype(np.int64), as_of_day.to_numpy()[is_known].astype(np.int64)
    known_day, numbers = facts["known_day"].to_numpy(), facts[column].to_numpy()
    first = min(day.min(initial=0), known_day.min(initial=0)) - max(lookbacks)
    span = max(day.max(initial=0), known_day.max(initial=0)) - first + 1
    ends, place = distinct(who * span + (day - first))
    is_asked = np.zeros(max(who.max(initial=0), numbers.max(initial=0)) + 1, dtype=bool)
    is_asked[who] = True
    facts = facts.filter(pl.Series(is_asked[numbers]))
    codes, order = in_order(facts[column].to_numpy().astype(np.int64) * span + (facts["known_day"].to_numpy() - first))
    until = count_before(codes, ends)
    since = {lookback: count_before(codes, ends - lookback) for lookback in lookbacks}
    totals = {}
    for measure, asked_for in measures.items():
        prefix = np.zeros(len(order) + 1, dtype=np.int64)
        np.cumsum(facts[measure].cast(pl.Int64).fill_null(0).to_numpy()[order], out=prefix[1:])
        ever = prefix[until]
        for lookback in asked_for:
            totals[f"{measure}_{lookback}d"] = (ever - prefix[since[lookback]])[place]
    found = pl.DataFrame(totals)
    if is_known.all():
        return found
    where = pl.Series(np.where(is_known, np.cumsum(is_known) - 1, -1))
    return found.select(pl.all().gather(where.set(where < 0, None)))


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
