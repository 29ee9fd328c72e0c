"""The facts from a mapping as canonical tables. Missing columns are filled as described in
docs/reference/mapping.md."""

from __future__ import annotations

from collections.abc import Mapping as Names
from hashlib import sha256

import polars as pl

from features.tables import TABLES
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.incomplete_orders import IS_OF_LINES
from pipeline.sources.mapped.mapped_disputes import dispute_steps
from pipeline.sources.mapped.mapped_facts import MappedFacts, rate_of
from pipeline.sources.mapped.mapping import HELPER_COLUMNS, MONEY, Mapping
from pipeline.sources.mapped.order_amounts import WAYS
from pipeline.sources.mapped.overlaps import IDENTITY, RANK
from pipeline.sources.reading.payment_words import payment_type

UNKNOWN = "unknown"
# these tables exist even without facts
NEEDED = ("orders", "order_lines")
# tables whose ids may be missing: the id is then made of these columns and a running number
NUMBERED: Names[str, tuple[str, ...]] = {
    "promises": ("order_id", "kind"),
    "order_events": ("order_id", "event"),
    "shipments": ("order_id",),
    "tracking": ("order_id", "status"),
    "messages": ("order_id",),
    "contacts": ("order_id",),
    "reviews": ("order_id",),
}


def join_facts(all_facts: list[MappedFacts], files: list[str]) -> dict[str, pl.DataFrame]:
    """All facts by table, with every column that a mapping may give, `FILE`, `ROW` and what
    `overlaps.merged` needs. `files`: from the oldest to the newest."""
    parts = {name: [each.facts for each in all_facts if each.table == name] for name in TABLES}
    rank = pl.col(FILE).replace_strict(files, range(len(files)), return_dtype=pl.Int64)
    return {
        name: _joined(name, parts[name]).with_columns(rank.alias(RANK))
        for name in TABLES
        if parts[name] or name in NEEDED
    }


def build_tables(
    mapped: Names[str, pl.DataFrame], mapping: Mapping, usd_per: Names[str, float]
) -> dict[str, pl.DataFrame]:
    """The frames of the tables that have facts, and always `orders`, `order_lines` and `products`.
    Each row has the `FILE` and `ROW` from which it came, an order also `IS_OF_LINES`. `mapped`:
    each fact once, by table."""
    orders = mapped["orders"].with_columns(
        order_id=pl.col("order_id").fill_null(""),
        currency=pl.col("currency").str.to_uppercase().fill_null(mapping.store.currency),
        rate=rate_of(pl.col("currency"), mapping, usd_per),
    )
    of_orders = orders.unique("order_id", keep="first", maintain_order=True)
    of_orders = of_orders.select(
        "order_id",
        placed_at="occurred_at",
        placed_known="known_at",
        order_rate="rate",
        order_shipping="shipping",
    )
    frames = {
        name: _numbered(name, _dated(frame, of_orders))
        for name, frame in mapped.items()
        if name != "orders"
    }
    lines = _lines(frames.get("order_lines"), of_orders, frames.get("products", _empty_products()))
    frames["order_lines"] = lines
    frames["orders"] = _orders(orders, lines, mapping)
    frames["products"] = _products(frames.get("products"), lines)
    if "disputes" in frames:
        frames["disputes"] = dispute_steps(frames["disputes"], lines, mapping, usd_per)
    return {name: _shaped(name, frame) for name, frame in frames.items()}


def _joined(name: str, parts: list[pl.DataFrame]) -> pl.DataFrame:
    """All facts of a table, with every column that a mapping may give for it."""
    schema = {FILE: pl.String(), ROW: pl.Int64(), **TABLES[name].schema}
    schema |= dict.fromkeys(MONEY.get(name, {}), pl.Float64())
    schema |= dict.fromkeys(HELPER_COLUMNS.get(name, ()), pl.String())
    schema |= WAYS if name == "orders" else {}
    schema[IDENTITY] = pl.String()
    empty = pl.DataFrame(schema=schema)
    return pl.concat([empty, *parts], how="diagonal_relaxed").select(
        pl.col(c).cast(t) for c, t in schema.items()
    )


def _dated(frame: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """A fact without a time takes the times of its order. A fact without `known_at` was known when
    it occurred."""
    if "order_id" in frame.columns:
        frame = frame.join(orders, on="order_id", how="left", maintain_order="left")
        has_no_time = pl.col("occurred_at").is_null()
        frame = frame.with_columns(
            occurred_at=pl.coalesce("occurred_at", "placed_at"),
            known_at=pl.coalesce("known_at", pl.when(has_no_time).then("placed_known")),
        )
    return frame.with_columns(known_at=pl.coalesce("known_at", "occurred_at"))


def _numbered(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The facts with an id for those that have none."""
    columns = NUMBERED.get(name)
    if not columns:
        return frame
    key = TABLES[name].key[0]
    # by time, so that a fact has the same number whichever file it comes from
    nth = pl.int_range(1, pl.len() + 1).over(columns, order_by="occurred_at").cast(pl.String)
    parts = [pl.col(column).fill_null("") for column in columns]
    new_id = pl.concat_str(*parts, nth, separator="-")
    frame = frame.with_columns(pl.coalesce(key, new_id).alias(key))
    if name == "tracking":
        return frame.with_columns(shipment_id=pl.coalesce("shipment_id", "order_id"))
    return frame


def _lines(
    mapped: pl.DataFrame | None, orders: pl.DataFrame, products: pl.DataFrame
) -> pl.DataFrame:
    """The order lines. If no line has its own shipping, the first line gets that of the order."""
    frame = mapped if mapped is not None else _joined("order_lines", [])
    if "order_shipping" not in frame.columns:
        frame = _dated(frame, orders)
    supplier = products.select("product_id", "supplier").unique(
        "product_id", keep="first", maintain_order=True
    )
    frame = frame.join(supplier, on="product_id", how="left", maintain_order="left")
    nth = pl.int_range(1, pl.len() + 1).over("order_id")
    gets_all = pl.col("shipping").is_null().all().over("order_id") & (nth == 1)
    quantity = pl.col("quantity").fill_null(1.0)
    shipping = pl.when(gets_all).then(pl.col("order_shipping")).otherwise(pl.col("shipping"))
    shipping = shipping.fill_null(0.0)
    rate = pl.col("order_rate").fill_null(1.0)
    return frame.with_columns(
        line_id=pl.coalesce("line_id", nth.cast(pl.String).str.zfill(3)),
        quantity=quantity,
        supplier_id=pl.coalesce("supplier_id", "supplier", pl.lit(UNKNOWN)),
        unit_price_usd=pl.coalesce("unit_price", pl.col("line_total") / quantity) * rate,
        shipping_usd=shipping * rate,
    )


def _anonymous(buyers: pl.Series) -> pl.Series:
    """Replace e-mail addresses by ids, so that the list, the page and the log do not show them. An
    address in upper case is the same buyer as in lower case."""
    known = buyers.drop_nulls().unique()
    mails = known.filter(known.str.contains("@")).to_list()
    return buyers.replace(mails, [mail_id(mail) for mail in mails])


def mail_id(mail: str) -> str:
    """The id of the buyer with this e-mail address."""
    return f"buyer-{sha256(mail.strip().lower().encode()).hexdigest()[:12]}"


def _orders(orders: pl.DataFrame, lines: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    lines_usd = (pl.col("quantity") * pl.col("unit_price_usd") + pl.col("shipping_usd")).sum()
    sums = lines.group_by("order_id").agg(
        lines_usd=lines_usd, lines_shipping_usd=pl.col("shipping_usd").sum()
    )
    frame = orders.join(sums, on="order_id", how="left", maintain_order="left")
    frame = frame.with_columns(_anonymous(frame["buyer_id"]))
    total = pl.coalesce(pl.col("total") * pl.col("rate"), "lines_usd")
    country = pl.col("country").fill_null(mapping.store.country)
    order_id = pl.when(pl.col("order_id") != "").then(pl.col("order_id"))
    return frame.with_columns(
        order_id=order_id,
        buyer_id=pl.coalesce("buyer_id", pl.concat_str(pl.lit("buyer of "), "order_id")),
        store_id=pl.col("store_id").fill_null(mapping.store.name),
        country=country,
        lane=pl.coalesce(
            "lane", pl.concat_str(pl.col("service").fill_null(UNKNOWN), pl.lit(">"), country)
        ),
        payment_type=payment_type(pl.col("payment_type")),
        # spreadsheets keep leading zeros behind an apostrophe
        buyer_postal_prefix=pl.col("buyer_postal_prefix").str.strip_chars(" '"),
        total_usd=total,
        **{IS_OF_LINES: pl.col("total").is_null()},
        shipping_usd=pl.min_horizontal(
            pl.coalesce(pl.col("shipping") * pl.col("rate"), "lines_shipping_usd"), total
        ),
        total_source=total / pl.col("rate"),
        known_at=pl.coalesce("known_at", "occurred_at"),
    )


def _products(mapped: pl.DataFrame | None, lines: pl.DataFrame) -> pl.DataFrame:
    """The products of the file and those that only order lines name. A product without a date is
    known from its first order on."""
    sold = lines.filter(pl.col("product_id").is_not_null()).group_by(
        "product_id", maintain_order=True
    )
    first = sold.agg(
        first_at=pl.col("occurred_at").min(),
        first_known=pl.col("known_at").min(),
        name=pl.col("title").drop_nulls().first(),
    )
    listed = _empty_products() if mapped is None else mapped
    both = listed.join(
        first, on="product_id", how="full", coalesce=True, maintain_order="left_right"
    )
    # a product without a sale and without a date becomes known last of all
    happened = pl.coalesce("occurred_at", "first_at", pl.lit(lines["known_at"].max()))
    known = pl.coalesce("known_at", "first_known", happened)
    known = pl.when(pl.col(ROW).is_null()).then(pl.max_horizontal(known, happened)).otherwise(known)
    exists = pl.col(ROW).is_not_null() | pl.col("first_at").is_not_null()
    return both.filter(exists).with_columns(
        category=pl.col("category").fill_null(UNKNOWN),
        title=pl.coalesce("title", "name"),
        count_title_letters=pl.coalesce(
            "count_title_letters", pl.coalesce("title", "name").str.len_chars().cast(pl.Float64)
        ),
        occurred_at=happened,
        known_at=known,
    )


def _empty_products() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            FILE: pl.String(),
            ROW: pl.Int64(),
            **TABLES["products"].schema,
            "supplier": pl.String(),
        }
    )


def _shaped(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Only the columns of the table with their types, `FILE`, `ROW` and `IS_OF_LINES` of orders."""
    schema = {FILE: pl.String(), ROW: pl.Int64(), **TABLES[name].schema}
    schema |= {IS_OF_LINES: pl.Boolean()} if name == "orders" else {}
    return frame.select(pl.col(column).cast(kind) for column, kind in schema.items())
