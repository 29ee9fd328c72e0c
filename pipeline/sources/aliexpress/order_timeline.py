"""What happens to an order: its events, promises, parcels, scans and messages, from the rows of the
dumps.

Sources of the fields: platform-rules 5.1 to 5.3.
"""

from __future__ import annotations

import polars as pl

from pipeline.sources.aliexpress.dumps import SEEN
from pipeline.sources.aliexpress.implied_steps import (
    LAST_CHANGE,
    PAID,
    RECEIVED,
    SENT,
    implied,
    with_implied,
)
from pipeline.sources.aliexpress.order_records import UNKNOWN, KnownAtRule, facts, first_of
from pipeline.sources.aliexpress.record_checks import Rows
from pipeline.sources.conversation.message_orders import with_orders
from pipeline.sources.conversation.message_topics import topic_of
from pipeline.sources.phrases import status_of

CLOSED = ("FINISH", "ARCHIVE")
_KINDS_WITH_SENT_AT = ("orders", "order_lines")


def timeline_frames(rows: Rows, rule: KnownAtRule) -> dict[str, pl.DataFrame]:
    """The tables `order_events`, `promises`, `shipments`, `tracking`, `messages` and `reviews`."""
    paid = facts(rows["orders"], ["order_id"], "paid_at").select(
        "order_id", "occurred_at", SEEN, event=pl.lit("paid")
    )
    paid = paid.unique("order_id", keep="first", maintain_order=True)
    implied_paid = implied(rows["orders"], PAID).select(*paid.columns[:-1], event=pl.lit("paid"))
    paid = with_implied(paid, implied_paid)
    ended = first_of(
        rows["orders"].filter(pl.col("status").is_in(CLOSED)),
        ["order_id"],
        "ended_at",
        "updated_at",
    )
    closed = ended.select(
        "order_id", SEEN, occurred_at=pl.coalesce("ended_at", LAST_CHANGE), event=pl.lit("closed")
    )
    sent = _sent(rows)
    events = pl.concat([paid, closed.select(paid.columns)]).with_columns(
        event_id=pl.concat_str("order_id", pl.lit("-"), "event"), known_at=rule.known_at()
    )
    carrier = pl.col("service").fill_null(UNKNOWN)
    nth = pl.int_range(1, pl.len() + 1).over("order_id").cast(pl.String)
    # a tracking number identifies one parcel, even if several rows have it
    has_own_number = pl.col("number").is_not_null() & pl.col("number").is_first_distinct()
    shipment_id = (
        pl.when(has_own_number)
        .then("number")
        .otherwise(pl.concat_str("order_id", pl.lit("-"), nth))
    )
    shipments = sent.with_columns(
        shipment_id=shipment_id, carrier=carrier, known_at=rule.known_at()
    )
    return {
        "order_events": events,
        "promises": _promises(paid, sent, rows["order_lines"], rule),
        "shipments": shipments,
        "tracking": _tracking(rows, rule),
        "messages": _messages(rows, rule),
        "reviews": _reviews(rows["reviews"], rule),
    }


def _sent(rows: Rows) -> pl.DataFrame:
    """One row per parcel handed over, and per such time of an order or line without a parcel.

    A finished order no longer has the time it was sent; the time in earlier dumps is kept. An order
    that the platform calls sent, without a time, was sent about when it last changed.
    """
    moment = ["order_id", "occurred_at"]
    parcels = facts(rows["parcels"], ["order_id", "number"], "sent_at").select(
        *moment, SEEN, "service", "number"
    )
    without_number = [
        facts(rows[kind], ["order_id"], "sent_at").select(*moment, SEEN, "service")
        for kind in _KINDS_WITH_SENT_AT
    ]
    every = pl.concat([*without_number, parcels], how="diagonal").sort(
        "occurred_at", SEEN, maintain_order=True
    )
    moments = every.group_by(moment, maintain_order=True).agg(
        pl.col(SEEN).min(), pl.col("service").drop_nulls().first()
    )
    numbered = parcels.filter(pl.col("number").is_not_null()).rename(
        {SEEN: "seen_parcel", "service": "parcel_service"}
    )
    sent = moments.join(numbered, on=moment, how="left", maintain_order="left_right")
    # the order's time is that of its first parcel
    is_other = pl.int_range(pl.len()).over(moment) > 0
    sent = sent.with_columns(
        pl.when(is_other).then("seen_parcel").otherwise(SEEN).alias(SEEN),
        service=pl.coalesce("parcel_service", "service"),
    )
    by_status = implied(rows["orders"], SENT).with_columns(
        parcel_service=pl.col("service"), seen_parcel=SEEN, number=pl.lit(None, pl.String)
    )
    return with_implied(sent, by_status.select(sent.columns))


def _promises(
    paid: pl.DataFrame, sent: pl.DataFrame, lines: pl.DataFrame, rule: KnownAtRule
) -> pl.DataFrame:
    """Dispatch by payment + days to prepare; delivery by that + days of transit.

    Once an order is sent, there is another promise of delivery: time sent + days of transit.
    """
    days = lines.group_by("order_id").agg(pl.col("prepare_days", "commit_days").max())
    days = days.with_columns(pl.col("prepare_days", "commit_days").clip(upper_bound=365.0))
    paid_orders = paid.join(days, on="order_id", how="inner")
    first_sent = sent.unique("order_id", keep="first", maintain_order=True).join(
        days, on="order_id", how="inner"
    )
    ready = pl.col("occurred_at") + _days("prepare_days")
    parts = [
        paid_orders.select(
            "order_id", "occurred_at", SEEN, kind=pl.lit("dispatch"), promised_at=ready
        ),
        paid_orders.select(
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
        known_at=rule.known_at(),
    )


def _days(column: str) -> pl.Expr:
    return pl.duration(seconds=(pl.col(column) * 86_400).round().cast(pl.Int64))


def _tracking(rows: Rows, rule: KnownAtRule) -> pl.DataFrame:
    """Scans, joined to orders by the request or else the parcel's number, and parcels' receipts."""
    every = pl.concat([_scans(rows), _receipts(rows)], how="diagonal")
    every = every.sort(SEEN, "words", maintain_order=True)
    stamp = pl.col("occurred_at").dt.epoch("s")
    nth = pl.int_range(1, pl.len() + 1).over("order_id", "number", stamp)
    parts = [pl.col("order_id"), pl.col("number"), stamp.cast(pl.String), nth.cast(pl.String)]
    return every.with_columns(
        scan_id=pl.concat_str(*parts, separator="-"),
        shipment_id=pl.when(pl.col("number") == "")
        .then(pl.col("order_id"))
        .otherwise(pl.col("number")),
        known_at=rule.known_at(),
    )


def _scans(rows: Rows) -> pl.DataFrame:
    numbered = (
        rows["parcels"]
        .filter(pl.col("number").is_not_null())
        .unique("number", keep="first", maintain_order=True)
        .select("number", parcel_order_id="order_id")
    )
    tracking = rows["tracking"].with_columns(pl.col("number", "words").fill_null(""))
    scans = facts(tracking, ["number", "words"], "scanned_at")
    scans = scans.join(numbered, on="number", how="left", maintain_order="left")
    status, sub_status = status_of(pl.col("words"))
    of_parcel = pl.concat_str(pl.lit("of parcel "), "number")
    return scans.select(
        pl.coalesce("order_id", "parcel_order_id", of_parcel).alias("order_id"),
        "number",
        "words",
        "occurred_at",
        SEEN,
        pl.coalesce("status", status).alias("status"),
        sub_status=pl.coalesce("sub_status", sub_status),
    )


def _receipts(rows: Rows) -> pl.DataFrame:
    """Parcels that the buyer received, by their own time or by the status of the order."""
    is_receipt = {
        "words": pl.lit("receipt"),
        "status": pl.lit("Delivered"),
        "sub_status": pl.lit("Delivered_Other"),
    }
    of_parcels = facts(rows["parcels"], ["order_id", "number"], "received_at").select(
        "order_id", pl.col("number").fill_null(""), "occurred_at", SEEN, **is_receipt
    )
    of_orders = implied(rows["orders"], RECEIVED).select(
        "order_id", "occurred_at", SEEN, number=pl.lit(""), **is_receipt
    )
    return with_implied(of_parcels, of_orders.select(of_parcels.columns))


def _reviews(rows: pl.DataFrame, rule: KnownAtRule) -> pl.DataFrame:
    """The first rating of each line of an order; a buyer may add words to it, and no stars."""
    lines = rows.with_columns(pl.coalesce("line_id", "order_id"))
    rated = first_of(lines, ["order_id", "line_id"], "rated_at", "score")
    return rated.with_columns(
        review_id=pl.concat_str("order_id", pl.lit("-"), "line_id"), occurred_at="rated_at"
    ).with_columns(known_at=rule.known_at())


def _messages(rows: Rows, rule: KnownAtRule) -> pl.DataFrame:
    """The messages whose order is known or follows from buyer, product and time."""
    written = facts(rows["messages"], ["message_id"], "sent_at")
    written = written.unique("message_id", keep="first", maintain_order=True)
    messages = with_orders(written, rows["orders"], rows["order_lines"])
    return messages.with_columns(topic=topic_of(pl.col("text")), known_at=rule.known_at())
