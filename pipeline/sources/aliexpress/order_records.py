"""Orders, order lines and products, from the rows of the dumps.

A fact is known from the first dump that contains it (`KnownAtRule`). The fixed properties of an
order (buyer, country, goods) come from the first row that has them, even if it was read later: the
list of orders has no country, but the detail has. Sources of the fields: platform-rules 5.1 to 5.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from pipeline.settings.source_settings import SourceSettings
from pipeline.sources.aliexpress.dumps import SEEN
from pipeline.sources.aliexpress.record_checks import Rows
from pipeline.sources.instants import is_first_of_repeated_hour

UNKNOWN = "unknown"
DAY = timedelta(days=1)
_ORDER_COLUMNS = (
    "placed_at",
    "buyer_id",
    "store_id",
    "country",
    "service",
    "total",
    "currency",
    "shipping",
)
_LINE_COLUMNS = (
    "product_id",
    "title",
    "quantity",
    "unit_price",
    "line_total",
    "shipping",
    "currency",
    "service",
)


@dataclass(frozen=True)
class KnownAtRule:
    """When the store knew a fact.

    A fact is known from the time of the first dump that contains it, but not before it happened.
    With `history = "as_it_happened"` in the config, facts in dumps of the first day are known from
    when they happened.
    """

    first_dump_at: object
    is_as_it_happened: bool

    @classmethod
    def of(cls, rows: Rows, settings: SourceSettings) -> KnownAtRule:
        """The rule for the rows of all dumps and the store's settings."""
        firsts = [frame[SEEN].min() for frame in rows.values() if frame.height]
        return cls(min(firsts, default=None), settings.history == "as_it_happened")  # type: ignore[type-var]

    def known_at(self, occurred: str = "occurred_at") -> pl.Expr:
        """`known_at` from the columns `SEEN` and `occurred`."""
        seen = pl.max_horizontal(SEEN, occurred)
        if not self.is_as_it_happened or self.first_dump_at is None:
            return seen
        is_history = pl.col(SEEN) <= pl.lit(self.first_dump_at) + DAY
        return pl.when(is_history).then(pl.col(occurred)).otherwise(seen)


def first_of(rows: pl.DataFrame, key: list[str], *columns: str) -> pl.DataFrame:
    """One row per key: the first value seen of each column, and when the key was first seen."""
    ordered = rows.sort(SEEN, maintain_order=True)
    return ordered.group_by(key, maintain_order=True).agg(
        pl.col(SEEN).first(), *[pl.col(column).drop_nulls().first() for column in columns]
    )


def facts(rows: pl.DataFrame, key: list[str], at: str) -> pl.DataFrame:
    """One row per key and distinct time in column `at`, as first seen.

    `at` is renamed to `occurred_at`; the other columns are kept.
    """
    dated = rows.filter(pl.col(at).is_not_null()).sort(SEEN, maintain_order=True)
    return dated.unique([*key, at], keep="first", maintain_order=True).rename({at: "occurred_at"})


def order_frames(
    rows: Rows, rule: KnownAtRule, usd_per: Mapping[str, float], catalogue: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """The tables `orders`, `order_lines` and `products`.

    `catalogue` (`product_id, category, supplier_id, weight_g`) has the properties of products that
    the platform's orders lack.
    """
    rate = pl.col("currency").replace_strict(dict(usd_per), default=None, return_dtype=pl.Float64)
    orders = first_of(rows["orders"], ["order_id"], *_ORDER_COLUMNS)
    lines = _priced_lines(rows["order_lines"], orders, rate).join(
        catalogue.select("product_id", "supplier_id"), on="product_id", how="left"
    )
    orders = _orders(orders, lines, rate).with_columns(known_at=rule.known_at())
    lines = lines.with_columns(
        supplier_id=pl.col("supplier_id").fill_null(UNKNOWN), known_at=rule.known_at()
    )
    return {"orders": orders, "order_lines": lines, "products": _products(lines, catalogue)}


def _priced_lines(rows: pl.DataFrame, orders: pl.DataFrame, rate: pl.Expr) -> pl.DataFrame:
    """One row per order line, with its price and shipping in USD.

    If no line of an order has a shipping amount, the first line gets the order's. A line is known
    when its order is: `SEEN` is the order's.
    """
    lines = first_of(rows, ["order_id", "line_id"], *_LINE_COLUMNS).rename({SEEN: "seen_line"})
    lines = lines.join(
        orders.select("order_id", "placed_at", SEEN, order_shipping="shipping"),
        on="order_id",
        how="left",
    )
    quantity = pl.col("quantity").fill_null(1.0)
    is_first = pl.int_range(pl.len()).over("order_id") == 0
    takes_order_shipping = pl.col("shipping").is_null().all().over("order_id") & is_first
    shipping = (
        pl.when(takes_order_shipping)
        .then(pl.col("order_shipping"))
        .otherwise(pl.col("shipping"))
        .fill_null(0.0)
    )
    return lines.with_columns(
        occurred_at=pl.col("placed_at"),
        quantity=quantity,
        unit_price_usd=pl.coalesce("unit_price", pl.col("line_total") / quantity) * rate,
        shipping_usd=shipping * rate,
    )


def _orders(orders: pl.DataFrame, lines: pl.DataFrame, rate: pl.Expr) -> pl.DataFrame:
    """One row per order; amounts that the order lacks are the sums of its lines."""
    lines_usd = (pl.col("quantity") * pl.col("unit_price_usd") + pl.col("shipping_usd")).sum()
    sums = lines.group_by("order_id").agg(
        lines_usd=lines_usd,
        lines_shipping_usd=pl.col("shipping_usd").sum(),
        lines_service=pl.col("service").drop_nulls().first(),
        lines_currency=pl.col("currency").drop_nulls().first(),
    )
    orders = orders.join(sums, on="order_id", how="left").with_columns(
        currency=pl.coalesce("currency", "lines_currency")
    )
    total = pl.coalesce(pl.col("total") * rate, "lines_usd")
    shipping = pl.coalesce(pl.col("shipping") * rate, "lines_shipping_usd")
    service = pl.coalesce("service", "lines_service").fill_null(UNKNOWN)
    country = pl.col("country").fill_null(UNKNOWN)
    return orders.with_columns(
        buyer_id=pl.coalesce("buyer_id", pl.concat_str(pl.lit("buyer of "), "order_id")),
        store_id=pl.col("store_id").fill_null("store"),
        country=country,
        lane=pl.concat_str(service, pl.lit(">"), country),
        total_usd=total,
        shipping_usd=pl.min_horizontal(shipping, total),
        total_source=pl.coalesce("total", total / rate),
        count_installments=pl.lit(None, pl.Float64),
        occurred_at=pl.col("placed_at"),
    )


def _products(lines: pl.DataFrame, catalogue: pl.DataFrame) -> pl.DataFrame:
    by_product = lines.sort("known_at", maintain_order=True).group_by(
        "product_id", maintain_order=True
    )
    products = by_product.agg(
        pl.col("occurred_at").min(), pl.col("known_at").min(), pl.col("title").drop_nulls().first()
    ).join(catalogue.drop("supplier_id"), on="product_id", how="left")
    return products.with_columns(
        pl.col("category").fill_null(UNKNOWN), count_photos=pl.lit(None, pl.Float64)
    )


def after_placing(orders: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Move times that seem to be before the order was placed by an hour, as summer time ends.

    The local time in `zone` repeats for an hour then. Nothing happens to an order before it was
    placed, so such a time belongs to the second pass.
    """
    moved = []
    for column in ("paid_at", "sent_at", "ended_at"):
        at = pl.col(column)
        is_before = pl.max_horizontal(column, "placed_at") != at
        is_second = is_before & is_first_of_repeated_hour(at, zone)
        moved.append(pl.when(is_second).then(at + pl.duration(hours=1)).otherwise(at).alias(column))
    return orders.with_columns(moved)
