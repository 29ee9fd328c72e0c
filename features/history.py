"""What happened to other orders of the same product, supplier, category, lane, buyer, country and store.

For each entity: trailing totals of what was learned about its other orders. An order never counts in its own history.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.asof import totals_of, trailing_totals
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


def build_totals(tables: Tables, rows: pl.DataFrame, kinds: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Per entity, in the order of `rows`: the trailing totals of its measures, other orders only."""
    orders, numbers = _number_orders(tables)
    rows = rows.join(orders, on="order_id", how="left", maintain_order="left", suffix="_of_order")
    for entity in ("product_id", "supplier_id", "category"):
        rows = rows.join(numbers[entity], on=entity, how="left", maintain_order="left")
    told = {kind: facts.join(orders, on="order_id") for kind, facts in kinds.items()}
    found: dict[str, dict[str, pl.Series]] = {entity: {} for entity in ENTITIES}
    for facts in told.values():
        _add_of_orders(found, rows, facts)
    for entity, members in _members(tables, orders, numbers).items():
        for facts in told.values():
            joined = facts.join(members, on="order").with_columns(_LATER)
            _add_of_lines(found[entity], rows, joined, entity)
        if entity != "supplier_id":
            _add_of_lines(found[entity], rows, _priced(tables, orders, numbers, entity), entity)
    # a measure that no kind of facts tells is an error here
    return {
        entity: pl.DataFrame(found[entity]).select(
            f"{m}_{days}d" for m, lookbacks in asked.items() for days in lookbacks
        )
        for entity, asked in ENTITIES.items()
    }


# the entities that an order has from the start, and one of each
OF_ORDER = ("lane", "service", "buyer_id", "country", "language", "store_id")
_LATER = pl.max_horizontal("known_day", "member_day").alias("known_day")


def _number(entity: str) -> str:
    return f"{entity}_number"


def _number_orders(tables: Tables) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """One row per order: its number and those of its entities (whole numbers join and sort much faster than text);
    and, for the entities of lines, the number of each."""
    orders = tables["orders"].select(
        "order_id",
        "buyer_id", "country", "store_id", "lane",
        service=service_of(pl.col("lane")), language=language_of(pl.col("country")),
    ).with_row_index("order")  # fmt: skip
    for entity in OF_ORDER:
        orders = orders.join(_numbers(orders[entity]), on=entity, how="left", maintain_order="left")
    lines, products = tables["order_lines"], tables["products"]
    values = {"product_id": lines["product_id"], "supplier_id": lines["supplier_id"], "category": products["category"]}
    kept = orders.select("order_id", "order", *(_number(entity) for entity in OF_ORDER))
    return kept, {entity: _numbers(column) for entity, column in values.items()}


def _numbers(column: pl.Series) -> pl.DataFrame:
    return column.drop_nulls().unique().to_frame().with_row_index(_number(column.name))


def _add_of_orders(found: dict[str, dict[str, pl.Series]], rows: pl.DataFrame, facts: pl.DataFrame) -> None:
    """Totals of the order's entities from one kind of facts. What the order itself told is the same for all of them."""
    asked = {entity: _asked_of(entity, facts) for entity in OF_ORDER}
    union = _asked(*(((measure,), lookbacks) for each in asked.values() for measure, lookbacks in each.items()))
    if not union:
        return
    as_of_day = rows["as_of_day"]
    own = totals_of(rows["order"], as_of_day, facts, "order", union)
    for entity, measures in asked.items():
        if measures:
            column = _number(entity)
            told = facts.filter(pl.col(column).is_not_null())
            _add(found[entity], totals_of(rows[column], as_of_day, told, column, measures), own)


def _add_of_lines(found: dict[str, pl.Series], rows: pl.DataFrame, facts: pl.DataFrame, entity: str) -> None:
    """The same for an entity of which an order may have several."""
    if measures := _asked_of(entity, facts):
        column = _number(entity)
        everyone = totals_of(rows[column], rows["as_of_day"], facts, column, measures)
        own_facts = facts.join(rows.select("order").unique(), on="order", how="semi")
        _add(found, everyone, trailing_totals(rows, own_facts, ["order", column], measures))


def _asked_of(entity: str, facts: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    return {measure: days for measure, days in ENTITIES[entity].items() if measure in facts.columns}


def _add(found: dict[str, pl.Series], everyone: pl.DataFrame, own: pl.DataFrame) -> None:
    """A measure told by two kinds of facts (open: up when ordered, down when ended) is their sum."""
    for total in everyone:
        others = total - own[total.name]
        found[total.name] = found[total.name] + others if total.name in found else others


def _members(tables: Tables, orders: pl.DataFrame, numbers: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """For each entity of lines, one row per order and value: `order, <entity>_number, member_day` (when both were
    known)."""
    lines = tables["order_lines"].select("order_id", "product_id", "supplier_id", member_day="known_day")
    lines = lines.join(orders.select("order_id", "order"), on="order_id")
    products = tables["products"].select("product_id", "category", product_day="known_day")
    listed = lines.join(products, on="product_id").with_columns(
        member_day=pl.max_horizontal("member_day", "product_day")
    )
    return {
        entity: (listed if entity == "category" else lines)
        .join(numbers[entity], on=entity)
        .group_by("order", _number(entity))
        .agg(pl.col("member_day").min())
        for entity in ("product_id", "supplier_id", "category")
    }


def _priced(tables: Tables, orders: pl.DataFrame, numbers: Mapping[str, pl.DataFrame], entity: str) -> pl.DataFrame:
    """One row per order line with its price, for its product or for that product's category."""
    lines = line_facts(tables).join(orders.select("order_id", "order"), on="order_id")
    if entity == "category":
        products = tables["products"].select("product_id", "category", member_day="known_day")
        lines = lines.join(products, on="product_id").with_columns(_LATER)
    return lines.join(numbers[entity], on=entity)
