"""What happened to other orders of the same product, supplier, category, lane, buyer, country and store.

For each entity: trailing totals of what was learned about its other orders. An order never counts in its own history.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.asof import trailing_totals
from features.facts import GAP_EDGES, TRANSIT_EDGES, bins, line_facts
from features.places import language_of
from features.tables import Tables

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
}  # fmt: skip


def service_of(lane: pl.Expr) -> pl.Expr:
    """The carrier service, or region of origin, of a lane: what stands before its `>`."""
    return lane.str.split(">").list.first()


def entity_totals(tables: Tables, rows: pl.DataFrame, kinds: Mapping[str, pl.DataFrame], entity: str) -> pl.DataFrame:
    """Trailing totals of the entity's measures per spine row, for its value of `entity`, other orders only."""
    members = _members(tables, entity)
    known = pl.max_horizontal("known_day", "member_day").alias("known_day")
    found = {kind: facts.join(members, on="order_id").with_columns(known) for kind, facts in kinds.items()}
    if entity in ("product_id", "category"):
        found["lines"] = _line_facts_of(tables, entity)
    totals: dict[str, pl.Series] = {}
    for facts in found.values():
        asked = {measure: days for measure, days in ENTITIES[entity].items() if measure in facts.columns}
        if not asked:
            continue
        own_facts = facts.join(rows.select("order_id").unique(), on="order_id", how="semi")
        everyone = trailing_totals(rows, facts, [entity], asked)
        own = trailing_totals(rows, own_facts, ["order_id", entity], asked)
        for measure, lookbacks in asked.items():
            for name in (f"{measure}_{days}d" for days in lookbacks):
                # a measure told by two kinds of facts (open: up when ordered, down when ended) is their sum
                others = everyone[name] - own[name]
                totals[name] = totals[name] + others if name in totals else others
    # a measure that no kind of facts tells is an error here
    return pl.DataFrame(totals).select(
        f"{m}_{days}d" for m, lookbacks in ENTITIES[entity].items() for days in lookbacks
    )


def _line_facts_of(tables: Tables, entity: str) -> pl.DataFrame:
    lines = line_facts(tables)
    if entity == "product_id":
        return lines
    products = tables["products"].select("product_id", "category", product_day="known_day")
    known = pl.max_horizontal("known_day", "product_day").alias("known_day")
    return lines.join(products, on="product_id").with_columns(known)


def _members(tables: Tables, entity: str) -> pl.DataFrame:
    """One row per order and entity it belongs to: `order_id, <entity>, member_day` (when both were known)."""
    orders = tables["orders"].select(
        pl.all(), service=service_of(pl.col("lane")), language=language_of(pl.col("country"))
    )
    if entity in orders.columns:
        return orders.select("order_id", entity, member_day="known_day").drop_nulls()
    lines = tables["order_lines"].select("order_id", "product_id", "supplier_id", member_day="known_day")
    if entity == "category":
        products = tables["products"].select("product_id", "category", product_day="known_day")
        lines = lines.join(products, on="product_id").with_columns(
            member_day=pl.max_horizontal("member_day", "product_day")
        )
    return lines.group_by("order_id", entity).agg(pl.col("member_day").min())
