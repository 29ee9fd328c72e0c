"""The groups by which a store is judged: which orders are in which, and sums over parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from features.asof import visible
from features.tables import Tables

# the columns of `USED` in `order_outcomes`, and those that `groups_of` needs on top
GROUPED = {
    "order_lines": ("order_id", "product_id", "supplier_id", "known_day"),
    "products": ("product_id", "category", "known_day"),
    "shipments": ("carrier",),
}
DIMENSIONS = ("category", "product", "country", "carrier", "supplier", "lane")


def groups_of(
    tables: Tables, outcomes: pl.DataFrame, dimensions: Sequence[str], as_of_day: int
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield each dimension with the groups of each order: rows of `order_id, value`.

    `outcomes` has one row per order: `order_id, country, lane`. An order with two products is in
    both groups, so groups may add up to more than the total.
    """
    orders = outcomes.select("order_id")
    by_line = {"product": "product_id", "supplier": "supplier_id", "category": "category"}
    lines = pl.DataFrame()
    if by_line.keys() & set(dimensions):
        facts = tables["order_lines"].select("order_id", "product_id", "supplier_id", "known_day")
        lines = visible(facts.join(orders, on="order_id", how="semi"), as_of_day)
        products = visible(tables["products"], as_of_day).select("product_id", "category")
        lines = lines.join(products, on="product_id", how="left")
    for dimension in dimensions:
        if dimension in by_line:
            members = lines.select("order_id", value=pl.col(by_line[dimension])).unique()
        elif dimension == "carrier":
            shipments = tables["shipments"].select("order_id", "carrier", "known_day")
            shipments = visible(shipments.join(orders, on="order_id", how="semi"), as_of_day)
            members = shipments.select("order_id", value="carrier").unique()
        else:
            members = outcomes.select("order_id", value=pl.col(dimension))
        members = orders.join(members, on="order_id", how="left")
        yield dimension, members.with_columns(pl.col("value").fill_null("unknown"))


def add_up_groups(parts: Iterable[pl.DataFrame], dimensions: Sequence[str]) -> pl.DataFrame:
    """The sums of the parts' `count_groups`, in the same order of rows."""
    counts = pl.concat(parts).group_by("dimension", "value").sum()
    return counts.sort(
        pl.col("dimension").replace_strict({"all": -1} | {d: n for n, d in enumerate(dimensions)}),
        "value",
    )
