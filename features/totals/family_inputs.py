"""The input of every feature family: spine rows with their order's own facts, and the history."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.asof import ROW_KEY, latest_fact, visible_facts
from features.calendars_and_countries import language_of
from features.clock import days_between
from features.stage import build_stages
from features.tables import Tables
from features.totals.entity_facts import EntityFacts, number_facts, service_of
from features.totals.entity_measures import SCANS_LOOKBACK
from features.totals.entity_totals import build_totals
from features.totals.order_facts import order_facts, returning_facts

# what a listing says in numbers
PRODUCT_NUMBERS = (
    "weight_g",
    "count_photos",
    "count_title_letters",
    "count_description_letters",
    "length_cm",
    "width_cm",
    "height_cm",
)


@dataclass(frozen=True)
class FamilyInputs:
    """The spine rows with the facts of their order, and the trailing totals of their entities.

    `rows` has one row per spine row, in its order: `order_id, as_of_day, as_of`, the stage with
    its milestones, the order's own columns, its entities, amounts and promises. `totals` has one
    table per entity, in the order of `rows`, with the trailing totals `<measure>_<lookback>d` over
    other orders only (null: entity unknown).
    """

    tables: Tables
    rows: pl.DataFrame
    totals: dict[str, pl.DataFrame]


def build_family_inputs(tables: Tables, spine: pl.DataFrame) -> FamilyInputs:
    """The inputs for the rows of `spine`, from the facts of all orders."""
    rows = build_rows(tables, spine)
    facts = gather_entity_facts(tables, returning_facts(tables["orders"]), scans_since(spine))
    return FamilyInputs(tables, rows, build_totals(facts, rows))


def scans_since(spine: pl.DataFrame) -> int:
    """The first day of scans that a feature of these rows can use."""
    return int(spine["as_of_day"].to_numpy().min(initial=2**31 - 1)) - SCANS_LOOKBACK


def gather_entity_facts(
    tables: Tables,
    returning: pl.DataFrame,
    scans_since: int | None = None,
    closed: pl.DataFrame | None = None,
) -> EntityFacts:
    """The facts of each order of `tables`, numbered by entity.

    See `features.totals.order_facts` for the other arguments.
    """
    return number_facts(tables, order_facts(tables, returning, scans_since, closed))


def build_rows(tables: Tables, spine: pl.DataFrame) -> pl.DataFrame:
    """The `rows` of `FamilyInputs`: the spine with each order's own facts."""
    return add_promises(tables, add_entities(tables, build_stages(tables, spine)))


def add_entities(tables: Tables, rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the columns of the order, of its first line and of that line's product."""
    columns = [
        "buyer_id",
        "store_id",
        "country",
        "lane",
        "total_usd",
        "shipping_usd",
        "count_installments",
        "payment_type",
        "voucher_usd",
        "buyer_postal_prefix",
    ]
    derived = {
        "service": service_of(pl.col("lane")),
        "language": language_of(pl.col("country")),
        "buyer_country": pl.coalesce("buyer_country", "country"),
    }
    placed = tables["orders"].select("order_id", *columns, placed_at="occurred_at", **derived)
    lines = visible_facts(rows, tables["order_lines"])
    first_line = (
        lines.sort("line_id", "product_id", "supplier_id")
        .group_by(ROW_KEY, maintain_order=True)
        .agg(
            pl.col("product_id").first(),
            pl.col("supplier_id").first(),
            pl.col("unit_price_usd").first(),
            pl.col("origin_country").first(),
            pl.col("supplier_postal_prefix").first(),
            highest_price_usd=pl.col("unit_price_usd").max(),
            count_products=pl.col("product_id").n_unique().cast(pl.Float64),
            items_usd=(pl.col("quantity") * pl.col("unit_price_usd")).sum(),
            count_units=pl.col("quantity").sum(),
            count_lines=pl.len().cast(pl.Float64),
            count_suppliers=pl.col("supplier_id").n_unique().cast(pl.Float64),
        )
    )
    rows = rows.join(placed, on="order_id", how="left", maintain_order="left")
    rows = rows.join(first_line, on=ROW_KEY, how="left", maintain_order="left")
    product = latest_fact(rows, tables["products"], ["category", *PRODUCT_NUMBERS], on="product_id")
    listed = visible_facts(rows, tables["products"], on="product_id")
    listed = listed.group_by(ROW_KEY).agg(listed_at=pl.col("occurred_at").min())
    rows = rows.join(product, on=ROW_KEY, how="left", maintain_order="left")
    return rows.join(listed, on=ROW_KEY, how="left", maintain_order="left")


def add_promises(tables: Tables, rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with `promised_at`, `ship_by_at`, `paid_at` and `days_to_promise` (negative if
    overdue)."""
    promises, events = tables["promises"], tables["order_events"]
    for kind, name in (("delivery", "promised_at"), ("dispatch", "ship_by_at")):
        fact = latest_fact(rows, promises.filter(pl.col("kind") == kind), ["promised_at"])
        rows = rows.join(
            fact.rename({"promised_at": name}), on=ROW_KEY, how="left", maintain_order="left"
        )
    paid = latest_fact(rows, events.filter(pl.col("event") == "paid"), ["occurred_at"])
    rows = rows.join(
        paid.rename({"occurred_at": "paid_at"}), on=ROW_KEY, how="left", maintain_order="left"
    )
    return rows.with_columns(days_to_promise=days_between(pl.col("as_of"), pl.col("promised_at")))
