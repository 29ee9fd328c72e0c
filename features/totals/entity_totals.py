"""What happened to other orders of the same product, supplier, category, lane, buyer, country and
store.

For each entity: trailing totals of what was learned about its other orders. An order never counts
in its own history: the totals of everyone, then less what the order itself told. On a cluster
everyone's facts are summed by day where they lie (`daily_sums`), and only the sums move to where
they are totalled (`totals_of_sums`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from features.asof import totals_of, trailing_totals
from features.totals.entity_facts import OF_LINES, OF_ORDER, EntityFacts, number_of, number_rows
from features.totals.order_facts import GAP_EDGES, TRANSIT_EDGES, bins

LOOKBACKS = (30, 90, 365)
# what is open now is all that ever began less all that ended
EVER = 10_000
_ALL, _QUARTER, _YEAR, _EVER = LOOKBACKS, (90,), (365,), (EVER,)
_OPEN = ("count_open",)
OPEN = f"count_open_{EVER}d"
_SHARES = ("count_outcomes", "count_disputes")
_CAUSES = ("count_not_received", "count_not_as_described")
_RATINGS = ("count_reviews", "sum_star_hundredths")
_HANDLING = ("count_shipped", "sum_handling_seconds", "count_shipped_late")
_TRANSIT = ("count_delivered", "count_late", "sum_transit_seconds", *bins("transit", TRANSIT_EDGES))
_PRICES = ("count_lines", "sum_price_cents")


def _asked(*groups: tuple[tuple[str, ...], tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Measure -> lookbacks, in order; a measure of several groups has the lookbacks of all."""
    found: dict[str, set[int]] = {}
    for measures, lookbacks in groups:
        for measure in measures:
            found.setdefault(measure, set()).update(lookbacks)
    return {measure: tuple(sorted(lookbacks)) for measure, lookbacks in found.items()}


# what is totalled per entity, and over which days
ENTITIES: dict[str, Mapping[str, tuple[int, ...]]] = {
    "product_id": _asked(
        (("count_orders", *_SHARES), _ALL),
        (_RATINGS, (90, 365)),
        ((*_CAUSES, "count_refunded", "count_returning", *_PRICES), _YEAR),
    ),
    "supplier_id": _asked(
        ((*_SHARES, "count_orders"), _ALL),
        ((*_HANDLING, "count_delivered", "count_late", "sum_transit_seconds"), _QUARTER),
        ((*_CAUSES, *_RATINGS, "count_refunded"), _YEAR),
        (_OPEN, _EVER),
    ),
    "category": _asked((_SHARES, _ALL), ((*_CAUSES, "count_refunded", *_RATINGS, *_PRICES), _YEAR)),
    "lane": _asked(
        ((*_SHARES, "count_delivered", "count_late", "sum_transit_seconds"), (30, 90)),
        ((*bins("transit", TRANSIT_EDGES), "count_exceptions", "count_shipped"), _QUARTER),
        (("count_scans", *bins("gap", GAP_EDGES)), _QUARTER),
        (_OPEN, _EVER),
    ),
    "service": _asked(
        (("count_delivered", "count_late", "sum_transit_seconds"), (30,)),
        ((*_SHARES, *_TRANSIT, *bins("gap", GAP_EDGES), "count_scans"), _QUARTER),
    ),
    "buyer_id": _asked(
        (("count_orders", "count_questions", *_SHARES, *_CAUSES, *_RATINGS), _YEAR),
        (("count_withdrawn", "sum_refund_cents", "sum_dispute_seconds"), _YEAR),
        (_OPEN, _EVER),
    ),
    "country": _asked(
        ((*_SHARES, *_CAUSES), _YEAR),
        (("count_refunded", "count_withdrawn", "count_questions", "count_orders"), _YEAR),
    ),
    "language": _asked((_SHARES, _YEAR)),
    "store_id": _asked(
        ((*_SHARES, "count_shipped", "sum_handling_seconds"), _ALL),
        (("count_delivered", "count_late", "sum_transit_seconds"), _ALL),
        (("count_orders", "count_shipped_late", *_RATINGS), (30, 365)),
        (("count_replies", "sum_reply_seconds", "count_questions"), (30,)),
        ((*bins("transit", TRANSIT_EDGES), *bins("gap", GAP_EDGES), "count_scans"), _QUARTER),
        ((*_CAUSES, "count_refunded", "count_returning", "count_withdrawn"), _YEAR),
        (_OPEN, _EVER),
    ),
}


Totals = dict[str, pl.DataFrame]
SUM = ("known_day", "measure", "amount")


def longest_lookback(*measures: str) -> int:
    return max(max(asked[m]) for asked in ENTITIES.values() for m in measures if m in asked)


# how far back scans of any use to a row lie
SCANS_LOOKBACK = longest_lookback("count_scans", *bins("gap", GAP_EDGES))


def total_names(entity: str) -> list[str]:
    return [
        f"{measure}_{days}d"
        for measure, lookbacks in ENTITIES[entity].items()
        for days in lookbacks
    ]


def build_totals(told: EntityFacts, rows: pl.DataFrame) -> Totals:
    """Per entity, in the order of `rows`: the trailing totals of its measures, other orders
    only."""
    return subtract_own(told, rows, total_everyone(told, rows))


def total_everyone(told: EntityFacts, rows: pl.DataFrame) -> Totals:
    """Per entity, in the order of `rows`: the trailing totals of its measures over all orders,
    `told` of all."""
    rows = number_rows(told, rows)
    return _totals_of_entities(
        told, {entity: (rows[number_of(entity)], rows["as_of_day"]) for entity in ENTITIES}
    )


def total_part(told: EntityFacts, as_of_day: int) -> Totals:
    """What some orders, `told` of all of them, add to everyone's totals of one night: per entity
    one row per value, `<entity>` and its totals. Totals are sums, so those of all orders are the
    sums of those of any parts of them."""
    night = pl.Series([as_of_day], dtype=pl.Int32)
    asked = {
        entity: (numbers[number_of(entity)], night.new_from_index(0, numbers.height))
        for entity, numbers in told.numbers.items()
    }
    totals = _totals_of_entities(told, asked)
    return {
        entity: totals[entity].insert_column(0, told.numbers[entity][entity]) for entity in asked
    }


def _totals_of_entities(
    told: EntityFacts, asked: Mapping[str, tuple[pl.Series, pl.Series]]
) -> Totals:
    """`asked`: per entity the numbers, and as many days."""
    found: dict[str, dict[str, pl.Series]] = {entity: {} for entity in ENTITIES}
    for entities, facts in _facts_by_entity(told):
        for entity in entities:
            if measures := _asked_of(entity, facts):
                of_entity = told.of_order(entity, facts) if entities == OF_ORDER else facts
                for total in totals_of(*asked[entity], of_entity, number_of(entity), measures):
                    # a measure told by two kinds of facts (open: up when ordered, down when ended)
                    # is their sum
                    former = found[entity].get(total.name)
                    found[entity][total.name] = total if former is None else former + total
    # a measure that no kind of facts tells is an error here
    return {
        entity: pl.DataFrame(totals).select(total_names(entity)) for entity, totals in found.items()
    }


def subtract_own(told: EntityFacts, rows: pl.DataFrame, everyone: Totals) -> Totals:
    """`everyone` without what each row's own order told; `told` of these orders at least."""
    rows = number_rows(told, rows)
    others = {
        entity: {total.name: total for total in totals} for entity, totals in everyone.items()
    }
    for facts in told.kinds.values():
        # the same for all entities of which an order has one
        asked = {entity: _asked_of(entity, facts) for entity in OF_ORDER}
        if union := _asked(*(((m,), days) for each in asked.values() for m, days in each.items())):
            own = totals_of(rows["order"], rows["as_of_day"], facts, "order", union)
            for entity, measures in asked.items():
                _subtract(others[entity], own, measures)
    for entity in OF_LINES:
        pair, members, prices = told.own_lines(entity, rows)
        for facts in told.kinds.values():
            if measures := _asked_of(entity, facts):
                own_facts = told.of_members(members, facts.select("order", "known_day", *measures))
                _subtract(
                    others[entity],
                    totals_of(pair, rows["as_of_day"], own_facts, "pair", measures),
                    measures,
                )
        if prices is not None:
            measures = _asked_of(entity, prices)
            _subtract(
                others[entity],
                totals_of(pair, rows["as_of_day"], prices, "pair", measures),
                measures,
            )
    return {entity: pl.DataFrame(totals) for entity, totals in others.items()}


def _subtract(
    others: dict[str, pl.Series], own: pl.DataFrame, measures: Mapping[str, tuple[int, ...]]
) -> None:
    for name in (
        f"{measure}_{days}d" for measure, lookbacks in measures.items() for days in lookbacks
    ):
        others[name] = others[name] - own[name]


def daily_sums(told: EntityFacts) -> pl.DataFrame:
    """All that `told` tells, summed by day: `entity, value, known_day, measure, amount` (int64;
    none is 0).

    However many orders one store, lane or product has, this is all that leaves the place where
    their facts lie. Sums of one measure by two kinds of facts are two rows.
    """
    found = []
    for entities, facts in _facts_by_entity(told):
        for entity in entities:
            if measures := _asked_of(entity, facts):
                column = number_of(entity)
                of_entity = told.of_order(entity, facts) if entities == OF_ORDER else facts
                daily = of_entity.group_by(column, "known_day").agg(pl.col(list(measures)).sum())
                sums = daily.unpivot(
                    index=[column, "known_day"], variable_name="measure", value_name="amount"
                )
                named = sums.filter(pl.col("amount") != 0).join(told.numbers[entity], on=column)
                found.append(
                    named.select(
                        pl.lit(entity).alias("entity"), pl.col(entity).alias("value"), *SUM
                    )
                )
    return pl.concat(found)


def totals_of_sums(entity: str, asked: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """Everyone's totals of one entity, one row per row of `asked` (`value, as_of_day`), in its
    order.

    `sums`: the `value, known_day, measure, amount` of all orders of the values asked for, in any
    number of parts.
    """
    measure, amount = pl.col("measure"), pl.col("amount")
    daily = sums.group_by("value", "known_day").agg(
        amount.filter(measure == m).sum().alias(m) for m in ENTITIES[entity]
    )
    return trailing_totals(asked, daily, ["value"], ENTITIES[entity]).select(total_names(entity))


def _facts_by_entity(told: EntityFacts) -> Iterator[tuple[Sequence[str], pl.DataFrame]]:
    """Each kind of facts with the entities it is told of, and those `OF_LINES` with their numbers,
    one at a time: together they are large."""
    for facts in told.kinds.values():
        yield OF_ORDER, facts
    for entity in OF_LINES:
        for facts in told.kinds.values():
            if measures := _asked_of(entity, facts):
                yield (
                    (entity,),
                    told.of_lines(entity, facts.select("order", "known_day", *measures)),
                )
        if entity in told.prices:
            yield (entity,), told.prices[entity]


def _asked_of(entity: str, facts: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    return {measure: days for measure, days in ENTITIES[entity].items() if measure in facts.columns}
