"""Order facts as facts about their entities: product, supplier, lane, buyer, country, store ...

Entities are numbered, because whole numbers join and sort much faster than text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.calendars_and_countries import language_of
from features.tables import Tables
from features.totals.order_facts import CENTS

# OF_ORDER: an order has exactly one of each, from the start. OF_LINES: entities of its order lines,
# so it may have several.
OF_ORDER = ("lane", "service", "buyer_id", "country", "language", "store_id")
OF_LINES = ("product_id", "supplier_id", "category")
_LATER = pl.max_horizontal("known_day", "member_day").alias("known_day")


def number_of(entity: str) -> str:
    """Name of the column with an entity's number."""
    return f"{entity}_number"


def service_of(lane: pl.Expr) -> pl.Expr:
    """The carrier service, or region of origin, of a lane: the part before the `>`."""
    return lane.str.split(">").list.first()


@dataclass(frozen=True)
class EntityFacts:
    """The facts of some orders, with numbered entities.

    - `orders`: one row per order: `order_id`, `order` (its row number) and the number of each
      entity `OF_ORDER`.
    - `numbers`: for each entity, one row per value: `<entity>, <entity>_number`.
    - `kinds`: for each kind of facts, `order, known_day` and its measures.
    - `members`: for each entity `OF_LINES`, one row per order and value: `order, <entity>_number`
      and `member_day`, the day from which both are known.
    - `prices`: for `product_id` and `category`, one row per order line with its price.
    """

    orders: pl.DataFrame
    numbers: Mapping[str, pl.DataFrame]
    kinds: Mapping[str, pl.DataFrame]
    members: Mapping[str, pl.DataFrame]
    prices: Mapping[str, pl.DataFrame]

    def of_order(self, entity: str, facts: pl.DataFrame) -> pl.DataFrame:
        """`facts` of one kind with the number of their entity `OF_ORDER`; facts without one are
        dropped."""
        number = self.orders[number_of(entity)].gather(facts["order"])
        numbered = facts.with_columns(number)
        return numbered.filter(number.is_not_null()) if number.null_count() else numbered

    def of_lines(self, entity: str, facts: pl.DataFrame) -> pl.DataFrame:
        """`facts` of one kind, once for each of the order's values of an entity `OF_LINES`."""
        return self.of_members(self.members[entity], facts)

    def of_members(self, members: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
        """`facts` of one kind, once for each row of `members` with the same order."""
        return facts.join(members, on="order").with_columns(_LATER)

    def own_lines(
        self, entity: str, rows: pl.DataFrame
    ) -> tuple[pl.Series, pl.DataFrame, pl.DataFrame | None]:
        """Number the pairs of an order and its value of `entity` that occur in `rows`.

        Returns the pair number of each of `rows` (see `number_rows`), and the members and prices
        (None if the entity has none) of these pairs, with the column `pair`.
        """
        key = ["order", number_of(entity)]
        pairs = rows.select(key).drop_nulls().unique().with_row_index("pair")
        number = rows.select(key).join(pairs, on=key, how="left", maintain_order="left")["pair"]
        prices = self.prices[entity].join(pairs, on=key) if entity in self.prices else None
        return number, self.members[entity].join(pairs, on=key), prices


def number_facts(tables: Tables, kinds: Mapping[str, pl.DataFrame]) -> EntityFacts:
    """`kinds` of facts about the orders of `tables` with the numbers of their entities.

    `kinds` is the output of `features.totals.order_facts.order_facts`.
    """
    orders, numbers = _number_orders(tables)
    return EntityFacts(
        orders=orders,
        numbers=numbers,
        kinds=kinds,
        members=_members(tables, orders, numbers),
        prices={
            entity: _priced(tables, orders, numbers, entity)
            for entity in ("product_id", "category")
        },
    )


def number_rows(entity_facts: EntityFacts, rows: pl.DataFrame) -> pl.DataFrame:
    """Spine rows, in their order, with the numbers of their order and of all their entities."""
    rows = rows.join(
        entity_facts.orders, on="order_id", how="left", maintain_order="left", suffix="_of_order"
    )
    for entity in OF_LINES:
        rows = rows.join(entity_facts.numbers[entity], on=entity, how="left", maintain_order="left")
    return rows


def _number_orders(tables: Tables) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """The fields `orders` and `numbers` of `EntityFacts`."""
    orders = (
        tables["orders"]
        .select(
            "order_id",
            "buyer_id",
            "country",
            "store_id",
            "lane",
            service=service_of(pl.col("lane")),
            language=language_of(pl.col("country")),
        )
        .with_row_index("order")
    )
    lines, products = tables["order_lines"], tables["products"]
    values = {
        "product_id": lines["product_id"],
        "supplier_id": lines["supplier_id"],
        "category": products["category"],
    }
    numbers = {entity: _numbers(orders[entity]) for entity in OF_ORDER}
    numbers |= {entity: _numbers(column) for entity, column in values.items()}
    for entity in OF_ORDER:
        orders = orders.join(numbers[entity], on=entity, how="left", maintain_order="left")
    return orders.select("order_id", "order", *(number_of(entity) for entity in OF_ORDER)), numbers


def _numbers(column: pl.Series) -> pl.DataFrame:
    return column.drop_nulls().unique().to_frame().with_row_index(number_of(column.name))


def _members(
    tables: Tables, orders: pl.DataFrame, numbers: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    lines = tables["order_lines"].select(
        "order_id", "product_id", "supplier_id", member_day="known_day"
    )
    lines = lines.join(orders.select("order_id", "order"), on="order_id")
    products = tables["products"].select("product_id", "category", product_day="known_day")
    listed = lines.join(products, on="product_id").with_columns(
        member_day=pl.max_horizontal("member_day", "product_day")
    )
    return {
        entity: (listed if entity == "category" else lines)
        .join(numbers[entity], on=entity)
        .group_by("order", number_of(entity))
        .agg(pl.col("member_day").min())
        for entity in OF_LINES
    }


def _priced(
    tables: Tables, orders: pl.DataFrame, numbers: Mapping[str, pl.DataFrame], entity: str
) -> pl.DataFrame:
    """One row per order line with its price and the number of its product or category."""
    lines = _line_facts(tables).join(orders.select("order_id", "order"), on="order_id")
    if entity == "category":
        products = tables["products"].select("product_id", "category", member_day="known_day")
        lines = lines.join(products, on="product_id").with_columns(_LATER)
    return lines.join(numbers[entity], on=entity)


def _line_facts(tables: Tables) -> pl.DataFrame:
    """One row per order line: `order_id, product_id, known_day` and the unit price in cents."""
    cents = (pl.col("unit_price_usd") * CENTS).round().cast(pl.Int64)
    return tables["order_lines"].select(
        "order_id",
        "product_id",
        "known_day",
        count_lines=pl.lit(1, pl.Int64),
        sum_price_cents=cents,
    )
