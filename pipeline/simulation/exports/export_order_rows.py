"""One row per order of a simulated store, with everything that the order answers of the Open
Platform need."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline.simulation.exports.export_files import first, local, read_raw, utc
from pipeline.simulation.exports.export_ids import LINE, ORDER, PRODUCT, number


def order_rows(raw: Path) -> pl.DataFrame:
    """One row per order of the store in `raw`, with local times and lists of its lines and parcels.
    A time is null if the event has not happened."""
    events, shipments = read_raw(raw, "order_events"), read_raw(raw, "shipments")
    disputes, rows = read_raw(raw, "disputes"), read_raw(raw, "orders")
    times = pl.concat(
        table.select("order_id", "occurred_at") for table in (rows, events, shipments, disputes)
    )
    changed = times.group_by("order_id").agg(pl.col("occurred_at").max())
    for columns in (
        first(events.filter(event="paid"), "paid"),
        first(events.filter(event="closed"), "ended"),
        first(shipments, "sent"),
        _promised_days(rows, read_raw(raw, "promises")),
        _lines(raw),
        _parcels(raw, shipments),
        disputes.select("order_id", is_disputed=pl.lit(True)).unique(),
        changed.select("order_id", changed=local("occurred_at")),
    ):
        rows = rows.join(columns, on="order_id", how="left", maintain_order="left")
    return rows.with_columns(
        pl.col("lane").str.split(">").list.first().alias("service"),
        number=number(ORDER, "order_id"),
        placed=local("occurred_at"),
        status=_status(),
        issue=_issue_status(),
    )


def _issue_status() -> pl.Expr:
    disputed = pl.when(pl.col("ended").is_null()).then(pl.lit("IN_ISSUE"))
    return (
        pl.when(pl.col("is_disputed").is_null())
        .then(pl.lit("NO_ISSUE"))
        .otherwise(disputed.otherwise(pl.lit("END_ISSUE")))
    )


def _status() -> pl.Expr:
    """The order's status. A closed order is finished, whether or not it was successful."""
    statuses = (
        (pl.col("ended").is_not_null(), "FINISH"),
        (pl.col("is_disputed").is_not_null(), "IN_ISSUE"),
        (pl.col("sent").is_not_null(), "WAIT_BUYER_ACCEPT_GOODS"),
        (pl.col("paid").is_not_null(), "WAIT_SELLER_SEND_GOODS"),
    )
    return pl.coalesce(
        *[pl.when(condition).then(pl.lit(status)) for condition, status in statuses],
        pl.lit("PLACE_ORDER_SUCCESS"),
    )


def _promised_days(orders: pl.DataFrame, promises: pl.DataFrame) -> pl.DataFrame:
    """Whole promised days: `prepare`, and `way`, the days from the order to the delivery less
    `prepare`.

    The platform counts `way` from the day of sending. Counting from there would reveal on the day
    of the order when it will be sent.
    """
    days = (utc("promised_at") - utc("occurred_at")).dt.total_seconds() / 86_400
    whole_days = promises.select("order_id", "kind", days=days.round().cast(pl.Int64))
    dispatch, delivery = (
        whole_days.filter(kind=kind).select("order_id", "days") for kind in ("dispatch", "delivery")
    )
    prepared = orders.select("order_id").join(
        dispatch.rename({"days": "prepare"}), on="order_id", how="inner"
    )
    return prepared.join(delivery, on="order_id", how="left").select(
        "order_id", "prepare", way=pl.col("days") - pl.col("prepare")
    )


def _lines(raw: Path) -> pl.DataFrame:
    """One row per order: the list of its lines."""
    titles = read_raw(raw, "products").select("product_id", "title")
    lines = read_raw(raw, "order_lines").join(
        titles, on="product_id", how="left", maintain_order="left"
    )
    line = pl.struct(
        "title",
        "quantity",
        id=number(LINE, "line_id"),
        product=number(PRODUCT, "product_id"),
        price="unit_price_usd",
        shipping="shipping_usd",
    )
    return lines.group_by("order_id", maintain_order=True).agg(lines=line)


def _parcels(raw: Path, shipments: pl.DataFrame) -> pl.DataFrame:
    """One row per order: the list of its parcels."""
    scans = pl.scan_csv(raw / "tracking.csv", infer_schema=False).filter(status="Delivered")
    received = scans.group_by("shipment_id").agg(received=local("occurred_at").min()).collect()
    parcels = shipments.join(received, on="shipment_id", how="left", maintain_order="left")
    parcel = pl.struct("carrier", "received", number="shipment_id", sent=local("occurred_at"))
    return parcels.group_by("order_id", maintain_order=True).agg(parcels=parcel)
