"""The canonical tables: the form of every source's data, and the only input of all other modules.

Each table states its grain ("one row per ..."), its key and its columns. Every row is one fact with
its own `occurred_at` and `known_at` (UTC). A wide source row, such as an order with its purchase,
hand-over and delivery, is several facts; ingest splits it. All columns of a row are known as soon
as the row is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features import clock
from features.table_schema import INSTANT, Column, Table, instant, number, text

__all__ = ["INSTANT", "TABLES", "UNSEEN", "Column", "Table", "Tables", "create_tables"]

# of a dispute, as far as they are known
CAUSES = ("not_received", "not_as_described", "other")
# how an order was paid
PAYMENT_TYPES = ("card", "bank_transfer", "wallet", "voucher", "cash_on_delivery", "other")
# characters of a message that are stored: enough to see what it is about
FIRST_WORDS = 120
# what a buyer's message wants, from harmless to dangerous; how soon; in what mood
INTENTS = (
    "thanks",
    "other",
    "where_is_it",
    "wrong_item",
    "broken",
    "wants_refund",
    "threatens_dispute",
)
URGENCIES = ("can_wait", "urgent")
SENTIMENTS = ("negative", "neutral", "positive")
# characters of a postal code that are stored: a town or a district, not a house
POSTAL_PREFIX = 5
# columns of a scored order: how likely each cause is, given a dispute
CAUSE_SHARES = [f"{cause}_share" for cause in CAUSES]
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "orders",
            "one row per order, as placed",
            ("order_id",),
            (
                text("order_id"),
                text("buyer_id"),
                text("store_id"),
                text("country"),
                # carrier service (or region of origin) > destination, fixed when ordered
                text("lane", is_required=False),
                text("currency"),
                # items + shipping - discount in USD; total_source: the same in `currency`
                number("total_usd"),
                number("shipping_usd", is_required=False),
                number("total_source"),
                number("count_installments", is_required=False),
                text("payment_type", *PAYMENT_TYPES, is_required=False),
                # the part of the total that was paid by voucher, gift card or store credit
                number("voucher_usd", is_required=False),
                # ISO code, where `country` is a region of it
                text("buyer_country", is_required=False),
                text("buyer_postal_prefix", is_required=False, longest=POSTAL_PREFIX),
            ),
        ),
        Table(
            "order_lines",
            "one row per order and line",
            ("order_id", "line_id"),
            (
                text("order_id"),
                text("line_id"),
                text("product_id"),
                text("supplier_id"),
                number("quantity", minimum=1.0),
                number("unit_price_usd"),
                number("shipping_usd"),
                # from where the line is sent: ISO code of the country, start of the postal code
                text("origin_country", is_required=False),
                text("supplier_postal_prefix", is_required=False, longest=POSTAL_PREFIX),
            ),
        ),
        Table(
            "products",
            "one row per product",
            ("product_id",),
            (
                text("product_id"),
                text("category"),
                text("title", is_required=False),
                number("weight_g", is_required=False),
                number("count_photos", is_required=False),
                # of the listing's title and description
                number("count_title_letters", is_required=False),
                number("count_description_letters", is_required=False),
                # of the parcel
                number("length_cm", is_required=False),
                number("width_cm", is_required=False),
                number("height_cm", is_required=False),
            ),
        ),
        Table(
            "promises",
            "one row per promise; a later promise replaces an earlier one",
            ("promise_id",),
            (
                text("promise_id"),
                text("order_id"),
                text("kind", "dispatch", "delivery"),
                instant("promised_at"),
            ),
        ),
        # outcome_observed: the outcome of this order was recorded, in a store that does not record
        # all outcomes
        Table(
            "order_events",
            "one row per event of an order",
            ("event_id",),
            (
                text("event_id"),
                text("order_id"),
                text("event", "paid", "closed", "outcome_observed"),
            ),
        ),
        Table(
            "shipments",
            "one row per parcel handed to a carrier",
            ("shipment_id",),
            (text("shipment_id"), text("order_id"), text("carrier", is_required=False)),
        ),
        # status and sub_status: the 17TRACK vocabulary
        Table(
            "tracking",
            "one row per carrier scan",
            ("scan_id",),
            (
                text("scan_id"),
                text("shipment_id"),
                text("order_id"),
                text(
                    "status",
                    "NotFound",
                    "InfoReceived",
                    "InTransit",
                    "Expired",
                    "AvailableForPickup",
                    "OutForDelivery",
                    "DeliveryFailure",
                    "Delivered",
                    "Exception",
                ),
                text("sub_status", is_required=False),
                # in the carrier's words: a city, a depot, a country
                text("location", is_required=False, longest=80),
            ),
        ),
        Table(
            "disputes",
            "one row per step of a dispute",
            ("step_id",),
            (
                text("step_id"),
                text("dispute_id"),
                text("order_id"),
                # the order's line that the dispute is about; null: the whole order, or not known
                text("line_id", is_required=False),
                # answered: by the seller; ruled: by the platform
                text("step", "opened", "answered", "withdrawn", "escalated", "ruled", "refunded"),
                text("cause", *CAUSES, "unknown"),
                # reason: the buyer's, in the source's words; liable: the losing side of a ruling
                text("reason", is_required=False),
                text("actor", "buyer", "seller", "platform", is_required=False),
                text("liable", "buyer", "seller", is_required=False),
                number("amount_usd", is_required=False),
            ),
        ),
        Table(
            "messages",
            "one row per message",
            ("message_id",),
            (
                text("message_id"),
                text("order_id"),
                text("sender", "buyer", "seller"),
                text("topic", is_required=False),
                # what was written, by a buyer or the seller: hostile text
                text("text", is_required=False, longest=FIRST_WORDS),
                # of a buyer's message; labelled by its text when loaded, unless the source does
                text("intent", *INTENTS, is_required=False),
                text("urgency", *URGENCIES, is_required=False),
                text("sentiment", *SENTIMENTS, is_required=False),
            ),
        ),
        Table(
            "contacts",
            "one row per contact made by the store",
            ("contact_id",),
            (
                text("contact_id"),
                text("order_id"),
                text("stage", is_required=False),
                text("outcome", is_required=False),
            ),
        ),
        Table(
            "reviews",
            "one row per review",
            ("review_id",),
            (text("review_id"), text("order_id"), number("score", minimum=1.0)),
        ),
    )
}

# columns that no feature uses, so a nightly run need not read them
UNSEEN: dict[str, tuple[str, ...]] = {
    "orders": ("currency", "total_source"),
    "products": ("title",),
    "promises": ("promise_id",),
    "order_events": ("event_id",),
    "shipments": ("shipment_id", "carrier"),
    "tracking": ("scan_id", "shipment_id", "location"),
    "disputes": ("step_id", "dispute_id", "line_id", "reason", "actor", "liable"),
    "messages": ("message_id", "text"),
    "contacts": ("contact_id", "outcome"),
    "reviews": ("review_id",),
}


# (first day, days), in the order of the days
LifeDays = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Tables:
    """The canonical tables of one store, with the local days of their facts.

    `frames[name]` has the table's columns plus `occurred_day` and `known_day` (int32 day numbers in
    `zone`). `has_partial_outcomes`: outcomes are recorded for some orders only, marked by an
    `outcome_observed` event. The other orders have no label; they never count as undisputed.
    `has_shipments`: the store records when parcels leave. If it does not, an order without a
    shipment may have left or not. `usual_life_days`: (first day, days within which nearly all
    orders of the store ended), see `features.closing_times`.
    """

    frames: Mapping[str, pl.DataFrame]
    zone: str
    has_partial_outcomes: bool = False
    has_shipments: bool = True
    usual_life_days: LifeDays = ()

    def __getitem__(self, name: str) -> pl.DataFrame:
        return self.frames[name]

    def select(self, name: str, *columns: str) -> pl.DataFrame:
        """Some columns of a table."""
        return self.frames[name].select(columns)

    def with_frames(self, frames: Mapping[str, pl.DataFrame]) -> Tables:
        """The same store with other frames."""
        return Tables(
            frames, self.zone, self.has_partial_outcomes, self.has_shipments, self.usual_life_days
        )


def create_tables(
    frames: Mapping[str, pl.DataFrame],
    *,
    zone: str,
    has_partial_outcomes: bool = False,
    has_shipments: bool = True,
    usual_life_days: LifeDays = (),
) -> Tables:
    """Tables from frames with the canonical columns.

    Tables that are not given are empty, and optional columns that are not given are null.
    """
    dated = {}
    for name, table in TABLES.items():
        frame = table.completed(frames.get(name, table.empty())).select(
            pl.col(c).cast(t) for c, t in table.schema.items()
        )
        dated[name] = frame.with_columns(
            occurred_day=clock.local_day(pl.col("occurred_at"), zone),
            known_day=clock.local_day(pl.col("known_at"), zone),
        )
    return Tables(dated, zone, has_partial_outcomes, has_shipments, usual_life_days)
