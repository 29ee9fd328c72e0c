"""Trailing totals over other orders of the same product, supplier, lane, buyer, country or store.

An order never counts in its own history: the totals of all orders are computed first, and then the
order's own facts are subtracted. On a cluster the facts are summed by day where they are stored
(`daily_sums`), and only these sums move to where they are totalled (`totals_of_sums`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from features.asof import totals_of, trailing_totals
from features.totals.entity_facts import OF_LINES, OF_ORDER, EntityFacts, number_of, number_rows
from features.totals.entity_measures import ENTITIES, measures_of, merge_lookbacks, total_names

Totals = dict[str, pl.DataFrame]
SUM_COLUMNS = ("known_day", "measure", "amount")


def build_totals(entity_facts: EntityFacts, rows: pl.DataFrame) -> Totals:
    """The trailing totals of each entity over other orders, in the order of `rows`."""
    return subtract_own(entity_facts, rows, total_everyone(entity_facts, rows))


def total_everyone(entity_facts: EntityFacts, rows: pl.DataFrame) -> Totals:
    """The trailing totals of each entity over all orders, in the order of `rows`.

    `entity_facts` has the facts of all orders.
    """
    rows = number_rows(entity_facts, rows)
    return _totals_of_entities(
        entity_facts, {entity: (rows[number_of(entity)], rows["as_of_day"]) for entity in ENTITIES}
    )


def total_part(entity_facts: EntityFacts, as_of_day: int) -> Totals:
    """What some orders contribute to the totals of one night.

    Returns per entity one row per value: `<entity>` and its totals. Totals are sums, so the totals
    of all orders are the sums over any partition of them.
    """
    night = pl.Series([as_of_day], dtype=pl.Int32)
    requests = {
        entity: (numbers[number_of(entity)], night.new_from_index(0, numbers.height))
        for entity, numbers in entity_facts.numbers.items()
    }
    totals = _totals_of_entities(entity_facts, requests)
    return {
        entity: totals[entity].insert_column(0, entity_facts.numbers[entity][entity])
        for entity in requests
    }


def total_requests(entity_facts: EntityFacts, requests: Mapping[str, pl.DataFrame]) -> Totals:
    """What some orders contribute to the totals of any nights.

    `requests` has per entity one row per value and night: `<entity>, as_of_day`. Returns per entity
    one row for each request whose value these orders have: `request` (its row number) and its
    totals.
    """
    asked = {
        entity: frame.with_row_index("request").join(
            entity_facts.numbers[entity], on=entity, maintain_order="left"
        )
        for entity, frame in requests.items()
    }
    totals = _totals_of_entities(
        entity_facts,
        {entity: (rows[number_of(entity)], rows["as_of_day"]) for entity, rows in asked.items()},
    )
    return {
        entity: totals[entity].insert_column(0, rows["request"]) for entity, rows in asked.items()
    }


def _totals_of_entities(
    entity_facts: EntityFacts, requests: Mapping[str, tuple[pl.Series, pl.Series]]
) -> Totals:
    """`requests` has per entity the entity numbers and the days, two series of the same length."""
    totals: dict[str, dict[str, pl.Series]] = {entity: {} for entity in ENTITIES}
    for entity, facts in _facts_by_entity(entity_facts):
        measures = measures_of(entity, facts)
        for total in totals_of(*requests[entity], facts, number_of(entity), measures):
            # a measure of two kinds of facts (count_open: 1 if ordered, -1 if ended) is their sum
            former = totals[entity].get(total.name)
            totals[entity][total.name] = total if former is None else former + total
    # `select` fails if a measure is in no kind of facts
    return {
        entity: pl.DataFrame(of_entity).select(total_names(entity))
        for entity, of_entity in totals.items()
    }


def subtract_own(entity_facts: EntityFacts, rows: pl.DataFrame, everyone: Totals) -> Totals:
    """`everyone` without the facts of each row's own order.

    `entity_facts` has at least the facts of the orders in `rows`.
    """
    rows = number_rows(entity_facts, rows)
    others = {
        entity: {total.name: total for total in totals} for entity, totals in everyone.items()
    }
    for facts in entity_facts.kinds.values():
        # an order has one entity of each `OF_ORDER`, so its own totals are the same for all
        by_entity = {entity: measures_of(entity, facts) for entity in OF_ORDER}
        groups = [((m,), days) for each in by_entity.values() for m, days in each.items()]
        if union := merge_lookbacks(*groups):
            own = totals_of(rows["order"], rows["as_of_day"], facts, "order", union)
            for entity, measures in by_entity.items():
                _subtract(others[entity], own, measures)
    for entity in OF_LINES:
        pair, own_facts = _own_line_facts(entity_facts, entity, rows)
        for facts in own_facts:
            measures = measures_of(entity, facts)
            own = totals_of(pair, rows["as_of_day"], facts, "pair", measures)
            _subtract(others[entity], own, measures)
    return {entity: pl.DataFrame(totals) for entity, totals in others.items()}


def _own_line_facts(
    entity_facts: EntityFacts, entity: str, rows: pl.DataFrame
) -> tuple[pl.Series, Iterator[pl.DataFrame]]:
    """The `pair` of each of `rows`, and the facts of the pairs, one kind at a time."""
    pair, members, prices = entity_facts.own_lines(entity, rows)

    def own_facts() -> Iterator[pl.DataFrame]:
        for facts in entity_facts.kinds.values():
            if measures := measures_of(entity, facts):
                narrow = facts.select("order", "known_day", *measures)
                yield entity_facts.of_members(members, narrow)
        if prices is not None:
            yield prices

    return pair, own_facts()


def _subtract(
    others: dict[str, pl.Series], own: pl.DataFrame, measures: Mapping[str, tuple[int, ...]]
) -> None:
    for name in (
        f"{measure}_{days}d" for measure, lookbacks in measures.items() for days in lookbacks
    ):
        others[name] = others[name] - own[name]


def daily_sums(entity_facts: EntityFacts) -> pl.DataFrame:
    """All facts, summed by day: `entity, value, known_day, measure, amount` (int64, never 0).

    However many orders one store, lane or product has, only these sums leave the machine that
    stores its facts. If two kinds of facts have the same measure, their sums are two rows.
    """
    parts = []
    for entity, facts in _facts_by_entity(entity_facts):
        column = number_of(entity)
        measures = list(measures_of(entity, facts))
        daily = facts.group_by(column, "known_day").agg(pl.col(measures).sum())
        sums = daily.unpivot(
            index=[column, "known_day"], variable_name="measure", value_name="amount"
        )
        named = sums.filter(pl.col("amount") != 0).join(entity_facts.numbers[entity], on=column)
        parts.append(
            named.select(
                pl.lit(entity).alias("entity"), pl.col(entity).alias("value"), *SUM_COLUMNS
            )
        )
    return pl.concat(parts)


def totals_of_sums(entity: str, requests: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """The totals of one entity over all orders, one row per row of `requests`, in its order.

    `requests` has `value, as_of_day`. `sums` has `value, known_day, measure, amount` of all orders
    with these values, in any number of parts.
    """
    measure, amount = pl.col("measure"), pl.col("amount")
    daily = sums.group_by("value", "known_day").agg(
        amount.filter(measure == m).sum().alias(m) for m in ENTITIES[entity]
    )
    return trailing_totals(requests, daily, ["value"], ENTITIES[entity]).select(total_names(entity))


def _facts_by_entity(entity_facts: EntityFacts) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each entity with each kind of facts about it, numbered.

    The kinds come one at a time, because together they need much memory.
    """
    for facts in entity_facts.kinds.values():
        for entity in OF_ORDER:
            if measures_of(entity, facts):
                yield entity, entity_facts.of_order(entity, facts)
    for entity in OF_LINES:
        for facts in entity_facts.kinds.values():
            if measures := measures_of(entity, facts):
                narrow = facts.select("order", "known_day", *measures)
                yield entity, entity_facts.of_lines(entity, narrow)
        if entity in entity_facts.prices:
            yield entity, entity_facts.prices[entity]
