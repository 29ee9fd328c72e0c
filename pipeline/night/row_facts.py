"""What a row of the list says about its order without a click: the order's value, the parcel, what
was said last, and links. Only facts of the listed orders are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from features.asof import visible
from features.clock import day_number
from features.last_said import last_said
from pipeline.drafts.buyer_facts import UNKNOWN, tracking_number, with_known_numbers
from pipeline.output.contact_list_columns import ROW_FACTS, URLS
from pipeline.settings.link_settings import Links
from pipeline.workspace.table_files import TableFiles


def add_row_facts(
    listed: pl.DataFrame, files: TableFiles, links: Links, as_of: date
) -> pl.DataFrame:
    """`listed` (`order_id, buyer_id, product_id`) with the columns `ROW_FACTS`.

    Times are local, in the store's zone, without an offset; null where nothing is known.
    """
    day, ids = day_number(as_of), listed["order_id"]

    def facts_of(name: str) -> pl.DataFrame:
        return visible(files.read_facts(name, ids), day)

    orders = facts_of("orders").select("order_id", "store_id", order_value_usd="total_usd")
    parts = (orders, _parcels(facts_of("shipments"), facts_of("tracking")))
    rows = listed.select("order_id", "buyer_id", "product_id")
    for part in (*parts, last_said(facts_of("messages"), facts_of("contacts"))):
        rows = rows.join(part, on="order_id", how="left", maintain_order="left")
    numbers = with_known_numbers(rows, files.tracking_numbers)
    rows = rows.with_columns(
        pl.Series(
            "tracking_number",
            [tracking_number(row) for row in numbers.iter_rows(named=True)],
            dtype=pl.String,
        )
    )
    urls = [_urls(row, links) for row in rows.iter_rows(named=True)]
    rows = rows.with_columns(
        *(local_time(name, files.zone) for name in ("last_scan_at", "said_at", "unanswered_since")),
        *(pl.Series(name, [url[name] for url in urls], dtype=pl.String) for name in URLS),
    )
    return listed.hstack(rows.select(ROW_FACTS))


def local_time(name: str, zone: str) -> pl.Expr:
    """A UTC column as wall-clock time in the zone."""
    return pl.col(name).dt.convert_time_zone(zone).dt.replace_time_zone(None)


def _parcels(shipments: pl.DataFrame, scans: pl.DataFrame) -> pl.DataFrame:
    """One row per order with a parcel or a scan: its last scan and that parcel's carrier; without
    a scan, the parcel sent last."""
    sent = shipments.sort("order_id", "occurred_at", "shipment_id")
    scanned = scans.sort("order_id", "occurred_at", "known_at", "scan_id")
    has_detail = pl.col("sub_status").str.starts_with(pl.col("status") + "_")
    last = scanned.group_by("order_id", maintain_order=True).agg(
        pl.col("shipment_id").last(),
        last_scan=pl.when(has_detail).then("sub_status").otherwise("status").last(),
        last_scan_at=pl.col("occurred_at").last(),
        last_scan_location=pl.col("location").last(),
    )
    sent_last = sent.group_by("order_id", maintain_order=True).agg(
        sent_id=pl.col("shipment_id").last(), sent_by=pl.col("carrier").last()
    )
    is_known = pl.col("carrier").str.to_lowercase() != UNKNOWN
    carriers = sent.filter(is_known).unique("shipment_id", keep="last", maintain_order=True)
    rows = sent_last.join(last, on="order_id", how="full", coalesce=True).with_columns(
        shipment_id=pl.coalesce("shipment_id", "sent_id")
    )
    rows = rows.join(carriers.select("shipment_id", "carrier"), on="shipment_id", how="left")
    is_named = pl.col("sent_by").str.to_lowercase() != UNKNOWN
    sent_by = pl.when(is_named).then("sent_by")
    return rows.with_columns(carrier=pl.coalesce("carrier", sent_by)).drop("sent_id", "sent_by")


def _urls(row: Mapping[str, Any], links: Links) -> dict[str, str | None]:
    return links.of_store(row["store_id"]).of(row)
