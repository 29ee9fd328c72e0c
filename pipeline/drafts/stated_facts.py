"""The facts of an order that a draft may state: its parcel, promises, messages and product."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.asof import visible
from features.last_said import last_said
from features.tables import Tables
from pipeline.drafts.buyer_facts import with_known_numbers
from pipeline.workspace.table_files import TableFiles

# the tables that `order_facts` reads, besides `products`
_TABLES = ("orders", "order_lines", "shipments", "tracking", "promises", "messages", "contacts")
# statuses that report no event of the parcel: the carrier has nothing, or nothing new
_NO_NEWS = ("NotFound", "Expired")
# a sub-status is more precise, but sources do not always have one
_STATUS = pl.coalesce("sub_status", "status")


def stored_order_facts(files: TableFiles, order_ids: pl.Series, as_of_day: int) -> pl.DataFrame:
    """`order_facts` of some orders; no others are read."""
    frames = {
        name: visible(files.read_facts(name, order_ids), as_of_day).drop("occurred_day")
        for name in _TABLES
    }
    frames["products"] = visible(
        files.read_products(frames["order_lines"]["product_id"].unique()), as_of_day
    )
    return order_facts(frames, files.zone, files.tracking_numbers)


def disputed_order_facts(
    tables: Tables, tracking_numbers: bool | None, as_of_day: int
) -> pl.DataFrame:
    """`order_facts` of every order in `tables`."""
    frames = {name: visible(tables[name], as_of_day) for name in (*_TABLES, "products")}
    return order_facts(frames, tables.zone, tracking_numbers)


def order_facts(
    frames: Mapping[str, pl.DataFrame], zone: str, tracking_numbers: bool | None
) -> pl.DataFrame:
    """One row per order with the facts that a draft may state.

    Parameters
    ----------
    frames
        The visible facts by table name.
    zone
        The store's zone: all times are local in it.
    tracking_numbers
        As `pipeline.drafts.buyer_facts.with_known_numbers` takes it.

    Returns
    -------
    pl.DataFrame
        `order_id, country, currency, total_usd, total_source, placed_at`; the parcel that was
        scanned last, else the first one sent: `shipment_id, carrier, sent_at`; its scans:
        `first_scan_at, last_scan_at, last_status, last_sub_status, last_location, status_since_at`
        (the first of the scans with that status), `news_at` (the last event), `delivered_at,
        delivered_location, count_scans`; `promised_at, ship_by_at`; the last message: `said_by,
        said_at, unanswered_since, topic`; `from_buyer_at, count_from_buyer, from_seller_at,
        count_from_seller`; `product_title, count_products`.

    """
    rows = frames["orders"].select(
        "order_id", "country", "currency", "total_usd", "total_source", placed_at="occurred_at"
    )
    scans = _scans(frames["tracking"])
    for facts in (
        _parcels(frames["shipments"], scans),
        scans.drop("scanned_id"),
        _promises(frames["promises"]),
        last_said(frames["messages"], frames["contacts"]).drop("first_words"),
        _messages(frames["messages"]),
        _products(frames["order_lines"], frames["products"]),
    ):
        rows = rows.join(facts, on="order_id", how="left", maintain_order="left")
    instants = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Datetime)]
    rows = rows.with_columns(pl.col(name).dt.convert_time_zone(zone) for name in instants)
    return with_known_numbers(rows, tracking_numbers)


def _scans(tracking: pl.DataFrame) -> pl.DataFrame:
    """One row per order with a scan."""
    at = pl.col("occurred_at")
    is_delivered = pl.col("status") == "Delivered"
    scans = tracking.sort("order_id", "occurred_at", "known_at", "scan_id").with_columns(
        run=_STATUS.rle_id().over("order_id")
    )
    return scans.group_by("order_id", maintain_order=True).agg(
        scanned_id=pl.col("shipment_id").last(),
        count_scans=at.n_unique(),
        first_scan_at=at.filter(~pl.col("status").is_in(_NO_NEWS)).first(),
        last_scan_at=at.last(),
        last_status=pl.col("status").last(),
        last_sub_status=pl.col("sub_status").last(),
        last_location=pl.col("location").last(),
        status_since_at=at.filter(pl.col("run") == pl.col("run").last()).first(),
        news_at=at.filter(~pl.col("status").is_in(_NO_NEWS)).last(),
        delivered_at=at.filter(is_delivered).first(),
        delivered_location=pl.col("location").filter(is_delivered).first(),
    )


def _parcels(shipments: pl.DataFrame, scans: pl.DataFrame) -> pl.DataFrame:
    """One row per order with a parcel: the one that was scanned last, else the first one sent."""
    sent = shipments.join(scans.select("order_id", "scanned_id"), on="order_id", how="left")
    is_other = (pl.col("shipment_id") != pl.col("scanned_id")).fill_null(False)
    return (
        sent.sort("order_id", is_other, "occurred_at", "shipment_id")
        .group_by("order_id", maintain_order=True)
        .agg(pl.col("shipment_id", "carrier").first(), sent_at=pl.col("occurred_at").first())
    )


def _promises(promises: pl.DataFrame) -> pl.DataFrame:
    due, kind = pl.col("promised_at"), pl.col("kind")
    return (
        promises.sort("order_id", "known_at", "occurred_at", "promised_at", "promise_id")
        .group_by("order_id")
        .agg(
            promised_at=due.filter(kind == "delivery").last(),
            ship_by_at=due.filter(kind == "dispatch").last(),
        )
    )


def _messages(messages: pl.DataFrame) -> pl.DataFrame:
    """One row per order with a message: how many of each side, the last ones, and the topic of the
    buyer's last one."""
    by_buyer, at = pl.col("sender") == "buyer", pl.col("occurred_at")
    return (
        messages.sort("order_id", "occurred_at", "message_id")
        .group_by("order_id")
        .agg(
            topic=pl.col("topic").filter(by_buyer).last(),
            from_buyer_at=at.filter(by_buyer).last(),
            from_seller_at=at.filter(~by_buyer).last(),
            count_from_buyer=by_buyer.sum(),
            count_from_seller=(~by_buyer).sum(),
        )
    )


def _products(lines: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """One row per order with a line: the title of its first line, and its number of products."""
    return (
        lines.join(products.select("product_id", "title"), on="product_id", how="left")
        .sort("order_id", "line_id")
        .group_by("order_id")
        .agg(product_title=pl.col("title").first(), count_products=pl.col("product_id").n_unique())
    )
