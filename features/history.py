"""What happened to earlier orders, as countable facts, and shares of it per product, supplier, lane, buyer, store.

A fact about an order becomes a fact about its product when both are known: joining two facts gives one that is known
on the later of their days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from features.asof import ROW_KEY, latest_fact, trailing_totals, visible_facts
from features.clock import SECONDS_A_DAY, seconds_between
from features.spine import closings, first_known
from features.stage import NOT_YET_MOVING, build_stages
from features.tables import Tables

LOOKBACKS = (30, 90, 365)
MEASURES = (
    "count_orders", "count_outcomes", "count_disputes",
    "count_shipped", "sum_handling_seconds",
    "count_delivered", "count_late", "sum_transit_seconds",
)  # fmt: skip
_DISPUTES = ("count_outcomes", "count_disputes")
_DISPATCHED = ("count_shipped", "sum_handling_seconds")
_DELIVERED = ("count_delivered", "count_late", "sum_transit_seconds")
# what is counted per entity
ENTITIES: dict[str, tuple[str, ...]] = {
    "product_id": ("count_orders", *_DISPUTES),
    "supplier_id": ("count_orders", *_DISPUTES, *_DISPATCHED, *_DELIVERED),
    "category": _DISPUTES,
    "lane": (*_DISPUTES, *_DELIVERED),
    "buyer_id": ("count_orders", *_DISPUTES),
    "country": _DISPUTES,
    "store_id": (*_DISPUTES, *_DISPATCHED, *_DELIVERED),
}


@dataclass(frozen=True)
class View:
    """What a family of features sees: the tables, the spine rows with their entities and stage, and the history.

    `rows` has one row per spine row, in its order: `order_id, as_of_day, as_of`, the stage with its instants, the
    order's own columns, `ENTITIES` and the amounts. `totals` has, per entity and in the order of `rows`, the trailing
    totals `<measure>_<lookback>d` without what the order itself contributed.
    """

    tables: Tables
    rows: pl.DataFrame
    totals: dict[str, pl.DataFrame]


def build_view(tables: Tables, spine: pl.DataFrame) -> View:
    rows = add_entities(tables, build_stages(tables, spine))
    facts = order_facts(tables)
    totals = {entity: entity_totals(tables, rows, facts, entity) for entity in ENTITIES}
    return View(tables, rows, totals)


def add_entities(tables: Tables, rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the order's columns and those of its first line and of that line's product."""
    orders = ["buyer_id", "store_id", "country", "lane", "total_usd", "shipping_usd", "count_installments"]
    placed = tables["orders"].select("order_id", *orders, placed_at="occurred_at")
    seen = visible_facts(rows, tables["order_lines"])
    first_line = (
        seen.sort("line_id", "product_id", "supplier_id")
        .group_by(ROW_KEY, maintain_order=True)
        .agg(
            pl.col("product_id").first(),
            pl.col("supplier_id").first(),
            pl.col("unit_price_usd").first(),
            count_units=pl.col("quantity").sum(),
            count_lines=pl.len().cast(pl.Float64),
            count_suppliers=pl.col("supplier_id").n_unique().cast(pl.Float64),
        )
    )
    rows = rows.join(placed, on="order_id", how="left", maintain_order="left")
    rows = rows.join(first_line, on=ROW_KEY, how="left", maintain_order="left")
    product = latest_fact(rows, tables["products"], ["category", "weight_g", "count_photos"], on="product_id")
    return rows.join(product, on=ROW_KEY, how="left", maintain_order="left")


def order_facts(tables: Tables) -> pl.DataFrame:
    """One row per order and thing learned of it: `order_id, known_day` and a count or sum for each of `MEASURES`.

    An outcome is the first of a dispute and a closing; where outcomes are recorded for some orders only, the first of
    a dispute and the record: an order nobody reported on counts in no share.
    """
    opened = first_known(tables["disputes"].filter(pl.col("step") == "opened"), "known_day")
    if tables.has_partial_outcomes:
        ended = first_known(tables["order_events"].filter(pl.col("event") == "outcome_observed"), "known_day")
    else:
        ended = closings(tables).select("order_id", known_day="closed_day").drop_nulls()
    outcomes = pl.concat([opened, ended.select("order_id", "known_day")])
    orders = tables["orders"].select("order_id", placed_at="occurred_at", order_day="known_day")
    moved = tables["tracking"].filter(~pl.col("status").is_in(NOT_YET_MOVING))
    shipped = _first_fact(pl.concat([tables["shipments"].select(_FACT), moved.select(_FACT)]))
    delivered = _first_fact(tables["tracking"].filter(pl.col("status") == "Delivered").select(_FACT))
    parts = [
        tables["orders"].select("order_id", "known_day", count_orders=1),
        outcomes.group_by("order_id").agg(pl.col("known_day").min()).with_columns(count_outcomes=1),
        opened.with_columns(count_disputes=1),
        _handled(shipped, orders),
        _transported(shipped, delivered),
        _late(delivered, tables["promises"]),
    ]
    facts = pl.concat(parts, how="diagonal_relaxed").join(orders, on="order_id")
    known = pl.max_horizontal("known_day", "order_day")
    counts = [pl.col(measure).cast(pl.Int64).fill_null(0) for measure in MEASURES]
    return facts.select("order_id", known.alias("known_day"), *counts)


def _handled(shipped: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    seconds = seconds_between(pl.col("placed_at"), pl.col("occurred_at"))
    return shipped.join(orders, on="order_id").select(
        "order_id", "known_day", count_shipped=1, sum_handling_seconds=seconds
    )


def _transported(shipped: pl.DataFrame, delivered: pl.DataFrame) -> pl.DataFrame:
    """Known when the delivery is: a delivery scan is itself a sign of shipping, so `shipped` is never known later."""
    shipped = shipped.select("order_id", shipped_at="occurred_at")
    seconds = seconds_between(pl.col("shipped_at"), pl.col("occurred_at"))
    return delivered.join(shipped, on="order_id").select(
        "order_id", "known_day", count_delivered=1, sum_transit_seconds=seconds
    )


def _late(delivered: pl.DataFrame, promises: pl.DataFrame) -> pl.DataFrame:
    """One row per order delivered after the promise first made, known when both the delivery and the promise are."""
    first = promises.filter(pl.col("kind") == "delivery").sort("order_id", "known_at", "promised_at")
    first = first.group_by("order_id", maintain_order=True).first()
    joined = delivered.join(first.select("order_id", "promised_at", promise_day="known_day"), on="order_id")
    return joined.filter(seconds_between(pl.col("promised_at"), pl.col("occurred_at")) > 0).select(
        "order_id", known_day=pl.max_horizontal("known_day", "promise_day"), count_late=1
    )


_FACT = ("order_id", "known_day", "known_at", "occurred_at")


def _first_fact(facts: pl.DataFrame) -> pl.DataFrame:
    """One row per order: the fact learned first (of several learned at once, the one that happened first)."""
    ordered = facts.sort("order_id", "known_at", "occurred_at")
    return ordered.group_by("order_id", maintain_order=True).first()


def entity_totals(tables: Tables, rows: pl.DataFrame, facts: pl.DataFrame, entity: str) -> pl.DataFrame:
    """Trailing totals of the entity's measures per spine row, for its value of `entity`, other orders only."""
    facts = facts.join(_members(tables, entity), on="order_id").with_columns(
        known_day=pl.max_horizontal("known_day", "member_day")
    )
    measures = ENTITIES[entity]
    everyone = trailing_totals(rows, facts, [entity], measures, LOOKBACKS)
    own_facts = facts.join(rows.select("order_id").unique(), on="order_id", how="semi")
    own = trailing_totals(rows, own_facts, ["order_id", entity], measures, LOOKBACKS)
    names = [f"{measure}_{lookback}d" for measure in measures for lookback in LOOKBACKS]
    return everyone.select(names) - own.select(names)


def _members(tables: Tables, entity: str) -> pl.DataFrame:
    """One row per order and entity it belongs to: `order_id, <entity>, member_day` (when both were known)."""
    if entity in tables["orders"].columns:
        return tables["orders"].select("order_id", entity, member_day="known_day")
    lines = tables["order_lines"].select("order_id", "product_id", "supplier_id", member_day="known_day")
    if entity == "category":
        products = tables["products"].select("product_id", "category", product_day="known_day")
        lines = lines.join(products, on="product_id").with_columns(
            member_day=pl.max_horizontal("member_day", "product_day")
        )
    return lines.group_by("order_id", entity).agg(pl.col("member_day").min())


def smoothed_share(
    totals: pl.DataFrame, *, part: str, whole: str, lookback: int, prior: pl.Series, strength: float
) -> pl.Series:
    """part / whole over the lookback, shrunk towards `prior` as if `strength` earlier cases had shown it.

    One value per spine row in [0, 1]. Most products have under five orders, whose raw share is noise (Efron & Morris
    1975); with none at all the share is the prior.
    """
    hits, cases = totals[f"{part}_{lookback}d"], totals[f"{whole}_{lookback}d"]
    return (hits.fill_null(0) + strength * prior) / (cases.fill_null(0) + strength)


def mean_handling_days(totals: pl.DataFrame, lookback: int) -> pl.Series:
    """Mean days from order to shipping, over the orders shipped in the lookback; null where there was none."""
    return _mean_days(totals, "sum_handling_seconds", "count_shipped", lookback)


def mean_transit_days(totals: pl.DataFrame, lookback: int) -> pl.Series:
    """Mean days from shipping to delivery, over the orders delivered in the lookback; null where there was none."""
    return _mean_days(totals, "sum_transit_seconds", "count_delivered", lookback)


def _mean_days(totals: pl.DataFrame, seconds: str, count: str, lookback: int) -> pl.Series:
    cases = totals[f"{count}_{lookback}d"]
    days = totals[f"{seconds}_{lookback}d"] / SECONDS_A_DAY
    return (days / cases).set(cases == 0, None)


def late_share(view: View, entity: str, lookback: int) -> pl.Series:
    """Share of late deliveries of the entity, smoothed towards the store's, and that towards one in ten."""
    prior = pl.Series("prior", [0.1]).new_from_index(0, view.rows.height)
    for each in dict.fromkeys(("store_id", entity)):
        prior = smoothed_share(
            view.totals[each],
            part="count_late", whole="count_delivered", lookback=lookback, prior=prior, strength=20.0,
        )  # fmt: skip
    return prior


def dispute_share(view: View, chain: Sequence[str], lookback: int) -> pl.Series:
    """Dispute share of the first entity of `chain`, each smoothed towards the next, the last towards 5 %.

    5 % is the upper end of what sellers' guides call usual; it matters only for the first orders of a store.
    """
    prior = pl.Series("prior", [0.05]).new_from_index(0, view.rows.height)
    for entity in reversed(chain):
        prior = smoothed_share(
            view.totals[entity],
            part="count_disputes", whole="count_outcomes", lookback=lookback, prior=prior, strength=20.0,
        )  # fmt: skip
    return prior
