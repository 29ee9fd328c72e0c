"""Orders, lines, promises, parcels and scans out of what the dumps showed.

A fact is known since the first dump that showed it (`Known`). What an order is (its buyer, country,
goods) is taken from the first row that says it, whenever that was read: the list of orders has no
country, the detail has. Sources of the fields: platform-rules 5.1 to 5.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from pipeline.settings.source_settings import SourceSettings
from pipeline.sources.aliexpress.dumps import SEEN
from pipeline.sources.aliexpress.record_checks import Rows
from pipeline.sources.instants import is_in_first_of_two_hours
from pipeline.sources.phrases import status_of

UNKNOWN = "unknown"
CLOSED = ("FINISH", "ARCHIVE")
DAY = timedelta(days=1)
_TELL_OF_SENDING = ("orders", "order_lines")


@dataclass(frozen=True)
class Known:
    """When the store knew a fact: when the first dump that shows it was taken, but not before it
    happened; of what the very first dumps show, when it happened, if the seller vouches for it
    (`history = "as_it_happened"`)."""

    first_dump: object
    vouched: bool

    @classmethod
    def of(cls, rows: Rows, settings: SourceSettings) -> Known:
        firsts = [frame[SEEN].min() for frame in rows.values() if frame.height]
        return cls(min(firsts, default=None), settings.history == "as_it_happened")  # type: ignore[type-var]

    def at(self, occurred: str = "occurred_at") -> pl.Expr:
        seen = pl.max_horizontal(SEEN, occurred)
        if not self.vouched or self.first_dump is None:
            return seen
        is_history = pl.col(SEEN) <= pl.lit(self.first_dump) + DAY
        return pl.when(is_history).then(pl.col(occurred)).otherwise(seen)


def first_of(rows: pl.DataFrame, key: list[str], *columns: str) -> pl.DataFrame:
    """One row per key: of each column the first value that was seen, and when the key was seen
    first."""
    ordered = rows.sort(SEEN, maintain_order=True)
    return ordered.group_by(key, maintain_order=True).agg(
        pl.col(SEEN).first(), *[pl.col(column).drop_nulls().first() for column in columns]
    )


def facts(rows: pl.DataFrame, key: list[str], at: str) -> pl.DataFrame:
    """Each moment that a field of `key` was said to be, as it was seen first: key, `occurred_at`,
    `SEEN`."""
    told = rows.filter(pl.col(at).is_not_null()).sort(SEEN, maintain_order=True)
    return told.unique([*key, at], keep="first", maintain_order=True).rename({at: "occurred_at"})


def order_frames(
    rows: Rows, known: Known, usd_per: Mapping[str, float], sheet: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """`orders, order_lines, products`. `sheet` (`product_id, category, supplier_id, weight_g`):
    what the platform's orders do not say of products."""
    rate = pl.col("currency").replace_strict(dict(usd_per), default=None, return_dtype=pl.Float64)
    orders = first_of(
        rows["orders"],
        ["order_id"],
        "placed_at",
        "buyer_id",
        "store_id",
        "country",
        "service",
        "total",
        "currency",
        "shipping",
    )
    lines = first_of(
        rows["order_lines"],
        ["order_id", "line_id"],
        "product_id",
        "title",
        "quantity",
        "unit_price",
        "line_total",
        "shipping",
        "currency",
        "service",
    ).rename({SEEN: "seen_line"})
    lines = lines.join(
        orders.select("order_id", "placed_at", SEEN, own="shipping"), on="order_id", how="left"
    )
    quantity = pl.col("quantity").fill_null(1.0)
    is_first = pl.int_range(pl.len()).over("order_id") == 0
    of_order = pl.col("shipping").is_null().all().over("order_id") & is_first
    lines = lines.with_columns(
        occurred_at=pl.col("placed_at"),
        quantity=quantity,
        unit_price_usd=pl.coalesce("unit_price", pl.col("line_total") / quantity) * rate,
        shipping_usd=pl.when(of_order)
        .then(pl.col("own"))
        .otherwise(pl.col("shipping"))
        .fill_null(0.0)
        * rate,
    ).join(sheet.select("product_id", "supplier_id"), on="product_id", how="left")
    worth = (pl.col("quantity") * pl.col("unit_price_usd") + pl.col("shipping_usd")).sum()
    sums = lines.group_by("order_id").agg(
        worth=worth,
        postage=pl.col("shipping_usd").sum(),
        by=pl.col("service").drop_nulls().first(),
        of_lines=pl.col("currency").drop_nulls().first(),
    )
    orders = orders.join(sums, on="order_id", how="left").with_columns(
        currency=pl.coalesce("currency", "of_lines")
    )
    total = pl.coalesce(pl.col("total") * rate, "worth")
    service = pl.coalesce("service", "by").fill_null(UNKNOWN)
    country = pl.col("country").fill_null(UNKNOWN)
    orders = orders.with_columns(
        buyer_id=pl.coalesce("buyer_id", pl.concat_str(pl.lit("buyer of "), "order_id")),
        store_id=pl.col("store_id").fill_null("store"),
        country=country,
        lane=pl.concat_str(service, pl.lit(">"), country),
        total_usd=total,
        shipping_usd=pl.min_horizontal(pl.coalesce(pl.col("shipping") * rate, "postage"), total),
        total_source=pl.coalesce("total", total / rate),
        count_installments=pl.lit(None, pl.Float64),
        occurred_at=pl.col("placed_at"),
    ).with_columns(known_at=known.at())
    lines = lines.with_columns(
        supplier_id=pl.col("supplier_id").fill_null(UNKNOWN), known_at=known.at()
    )
    return {"orders": orders, "order_lines": lines, "products": _products(lines, sheet)}


def _products(lines: pl.DataFrame, sheet: pl.DataFrame) -> pl.DataFrame:
    named = lines.sort("known_at", maintain_order=True).group_by("product_id", maintain_order=True)
    found = named.agg(
        pl.col("occurred_at").min(), pl.col("known_at").min(), pl.col("title").drop_nulls().first()
    )
    found = found.join(sheet.drop("supplier_id"), on="product_id", how="left")
    return found.with_columns(
        pl.col("category").fill_null(UNKNOWN), count_photos=pl.lit(None, pl.Float64)
    )


def after_placing(orders: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Where the clocks of `zone` count an hour twice, nothing happens to an order before it was
    placed: what seems to did so in the second of the two."""
    moved = []
    for column in ("paid_at", "sent_at", "ended_at"):
        at = pl.col(column)
        is_before = pl.max_horizontal(column, "placed_at") != at
        is_second = is_before & is_in_first_of_two_hours(at, zone)
        moved.append(pl.when(is_second).then(at + pl.duration(hours=1)).otherwise(at).alias(column))
    return orders.with_columns(moved)


def happenings(rows: Rows, known: Known) -> dict[str, pl.DataFrame]:
    """`order_events, promises, shipments, tracking`."""
    paid = facts(rows["orders"], ["order_id"], "paid_at").select(
        "order_id", "occurred_at", SEEN, event=pl.lit("paid")
    )
    paid = paid.unique("order_id", keep="first", maintain_order=True)
    ended = first_of(
        rows["orders"].filter(pl.col("status").is_in(CLOSED)),
        ["order_id"],
        "ended_at",
        "updated_at",
    )
    # when it was last changed comes close, unless that was after it was seen to be over
    about = pl.min_horizontal("updated_at", SEEN)
    closed = ended.select(
        "order_id", SEEN, occurred_at=pl.coalesce("ended_at", about), event=pl.lit("closed")
    )
    sent = _sent(rows)
    events = pl.concat([paid, closed.select(paid.columns)]).with_columns(
        event_id=pl.concat_str("order_id", pl.lit("-"), "event"), known_at=known.at()
    )
    carrier = pl.col("service").fill_null(UNKNOWN)
    nth = pl.int_range(1, pl.len() + 1).over("order_id").cast(pl.String)
    # a number is one parcel's, however often it is told
    is_own = pl.col("number").is_not_null() & pl.col("number").is_first_distinct()
    shipment_id = (
        pl.when(is_own).then("number").otherwise(pl.concat_str("order_id", pl.lit("-"), nth))
    )
    shipments = sent.with_columns(shipment_id=shipment_id, carrier=carrier, known_at=known.at())
    return {
        "order_events": events,
        "promises": _promises(paid, sent, rows["order_lines"], known),
        "shipments": shipments,
        "tracking": _tracking(rows, known),
    }


def _sent(rows: Rows) -> pl.DataFrame:
    """Each parcel handed over; and each moment that an order or its lines tell, where no parcel
    tells it. A finished order no longer tells; what an earlier dump said stays."""
    moment = ["order_id", "occurred_at"]
    parcels = facts(rows["parcels"], ["order_id", "number"], "sent_at").select(
        *moment, SEEN, "service", "number"
    )
    told = [
        facts(rows[kind], ["order_id"], "sent_at").select(*moment, SEEN, "service")
        for kind in _TELL_OF_SENDING
    ]
    every = pl.concat([*told, parcels], how="diagonal").sort(
        "occurred_at", SEEN, maintain_order=True
    )
    moments = every.group_by(moment, maintain_order=True).agg(
        pl.col(SEEN).min(), pl.col("service").drop_nulls().first()
    )
    numbered = parcels.filter(pl.col("number").is_not_null()).rename(
        {SEEN: "seen_parcel", "service": "own"}
    )
    sent = moments.join(numbered, on=moment, how="left", maintain_order="left_right")
    # the first parcel is the one that the order told of
    is_other = pl.int_range(pl.len()).over(moment) > 0
    return sent.with_columns(
        pl.when(is_other).then("seen_parcel").otherwise(SEEN).alias(SEEN),
        service=pl.coalesce("own", "service"),
    )


def _promises(
    paid: pl.DataFrame, sent: pl.DataFrame, lines: pl.DataFrame, known: Known
) -> pl.DataFrame:
    """Ready by payment + preparing days; there by that, and once it is sent by the day sent, +
    promised days."""
    days = lines.group_by("order_id").agg(pl.col("prepare_days", "commit_days").max())
    days = days.with_columns(pl.col("prepare_days", "commit_days").clip(upper_bound=365.0))
    made = paid.join(days, on="order_id", how="inner")
    first_sent = sent.unique("order_id", keep="first", maintain_order=True).join(
        days, on="order_id", how="inner"
    )
    ready = pl.col("occurred_at") + _days("prepare_days")
    parts = [
        made.select("order_id", "occurred_at", SEEN, kind=pl.lit("dispatch"), promised_at=ready),
        made.select(
            "order_id",
            "occurred_at",
            SEEN,
            kind=pl.lit("delivery"),
            promised_at=ready + _days("commit_days"),
        ),
        first_sent.select(
            "order_id",
            "occurred_at",
            SEEN,
            kind=pl.lit("delivery"),
            promised_at=pl.col("occurred_at") + _days("commit_days"),
        ),
    ]
    promises = pl.concat(parts).filter(pl.col("promised_at").is_not_null())
    nth = pl.int_range(1, pl.len() + 1).over("order_id", "kind").cast(pl.String)
    return promises.with_columns(
        promise_id=pl.concat_str("order_id", pl.lit("-"), "kind", pl.lit("-"), nth),
        known_at=known.at(),
    )


def _days(column: str) -> pl.Expr:
    return pl.duration(seconds=(pl.col(column) * 86_400).round().cast(pl.Int64))


def _tracking(rows: Rows, known: Known) -> pl.DataFrame:
    """Scans by the order that was asked for, else by the parcel's number; and the receipt that a
    parcel tells."""
    whose = (
        rows["parcels"]
        .filter(pl.col("number").is_not_null())
        .unique("number", keep="first", maintain_order=True)
    )
    scans = facts(
        rows["tracking"].with_columns(pl.col("number", "words").fill_null("")),
        ["number", "words"],
        "scanned_at",
    )
    scans = scans.join(
        whose.select("number", of_parcel="order_id"), on="number", how="left", maintain_order="left"
    )
    status, sub_status = status_of(pl.col("words"))
    told = scans.select(
        pl.coalesce("order_id", "of_parcel", pl.concat_str(pl.lit("of parcel "), "number")).alias(
            "order_id"
        ),
        "number",
        "words",
        "occurred_at",
        SEEN,
        pl.coalesce("status", status).alias("status"),
        sub_status=pl.coalesce("sub_status", sub_status),
    )
    receipts = facts(rows["parcels"], ["order_id", "number"], "received_at").select(
        "order_id",
        pl.col("number").fill_null(""),
        "occurred_at",
        SEEN,
        words=pl.lit("receipt"),
        status=pl.lit("Delivered"),
        sub_status=pl.lit("Delivered_Other"),
    )
    every = pl.concat([told, receipts], how="diagonal").sort(SEEN, "words", maintain_order=True)
    stamp = pl.col("occurred_at").dt.epoch("s")
    nth = pl.int_range(1, pl.len() + 1).over("order_id", "number", stamp)
    parts = [pl.col("order_id"), pl.col("number"), stamp.cast(pl.String), nth.cast(pl.String)]
    return every.with_columns(
        scan_id=pl.concat_str(*parts, separator="-"),
        shipment_id=pl.when(pl.col("number") == "")
        .then(pl.col("order_id"))
        .otherwise(pl.col("number")),
        known_at=known.at(),
    )
