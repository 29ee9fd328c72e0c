"""Buyer family: what this buyer, and buyers of this country and language, did before."""

from __future__ import annotations

import polars as pl

from features.clock import SECONDS_A_DAY
from features.feature import LOW, Feature
from features.totals.entity_totals import OPEN
from features.totals.family_inputs import FamilyInputs
from features.totals.order_facts import CENTS
from features.totals.smoothing import dispute_share, mean

FEATURES = [
    Feature(
        "buyer_count_orders_365d",
        "earlier orders",
        "returning buyers know what they get",
        "the buyer ordered {value:.0f} times before within a year",
    ),
    Feature(
        "buyer_is_first_order",
        "1 if no other order is known of the last year, else 0",
        "a new buyer has no reason to be patient",
    ),
    Feature(
        "buyer_count_open_orders",
        "other orders",
        "one parcel that is late sours the others",
        "other open orders of this buyer: {value:.0f}",
    ),
    Feature(
        "buyer_count_disputes_365d",
        "disputes",
        "a buyer who disputed may again",
        "the buyer opened {value:.0f} disputes within a year",
    ),
    Feature(
        "buyer_dispute_share_365d",
        "share of ended orders, leaned on the country's",
        "habit",
        "{value:.0%} of this buyer's orders ended in a dispute (few orders lean on the country's share)",
    ),
    Feature(
        "buyer_count_not_received_365d",
        "disputes",
        "some addresses lose parcels",
        "the buyer said {value:.0f} times within a year that a parcel did not come",
    ),
    Feature(
        "buyer_count_not_as_described_365d",
        "disputes",
        "some buyers are hard to please",
        "the buyer said {value:.0f} times within a year that a product was not as described",
    ),
    Feature("buyer_count_withdrawn_365d", "disputes", "who withdraws can be talked to"),
    Feature(
        "buyer_refund_usd_365d",
        "USD",
        "money back once is asked for again",
        "the buyer got {value:.2f} USD back within a year",
    ),
    Feature(
        "buyer_days_to_dispute_365d",
        "days from order to dispute; null without one",
        "how patient this buyer was",
        "the buyer's earlier disputes came {value:.0f} days after the order",
        worse=LOW,
    ),
    Feature(
        "buyer_stars_365d",
        "stars, 1 to 5; null without a review",
        "a stern judge",
        "the buyer gives {value:.1f} stars",
        worse=LOW,
    ),
    Feature(
        "buyer_questions_per_order_365d",
        "messages an order",
        "who asks often is uneasy",
        "the buyer wrote {value:.1f} messages an order within a year",
    ),
    Feature(
        "country_dispute_share_365d",
        "share of ended orders",
        "customs, distance and habits differ by country",
        "{value:.0%} of the orders to this country were disputed over the last year",
        theme="lane",
    ),
    Feature(
        "country_not_received_share_365d",
        "share of ended orders",
        "some countries' posts lose more",
        "{value:.1%} of the orders to this country were disputed as not received over the last year",
        theme="lane",
    ),
    Feature(
        "country_not_as_described_share_365d",
        "share of ended orders",
        "sizes and tastes differ by country",
        theme="lane",
    ),
    Feature(
        "country_refunded_share_365d",
        "share of ended orders",
        "where refunds are usual, they are asked for",
        theme="lane",
    ),
    Feature(
        "country_withdrawn_share_365d",
        "share of ended orders",
        "where disputes are talked over, talk helps",
        theme="lane",
    ),
    Feature(
        "country_questions_per_order_365d",
        "messages an order",
        "how soon buyers of a country worry",
        theme="lane",
    ),
    Feature(
        "language_dispute_share_365d",
        "share of ended orders",
        "what is not understood is not forgiven",
        theme="lane",
    ),
]
COUNTRY = ["country", "store_id"]


def build(view: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    buyer, country = view.totals["buyer_id"], view.totals["country"]
    return pl.DataFrame(
        {
            "buyer_count_orders_365d": buyer["count_orders_365d"],
            "buyer_is_first_order": (buyer["count_orders_365d"] == 0).cast(pl.Float64),
            "buyer_count_open_orders": buyer[OPEN],
            "buyer_count_disputes_365d": buyer["count_disputes_365d"],
            "buyer_dispute_share_365d": dispute_share(view, ["buyer_id", *COUNTRY], 365),
            "buyer_count_not_received_365d": buyer["count_not_received_365d"],
            "buyer_count_not_as_described_365d": buyer["count_not_as_described_365d"],
            "buyer_count_withdrawn_365d": buyer["count_withdrawn_365d"],
            "buyer_refund_usd_365d": buyer["sum_refund_cents_365d"] / CENTS,
            "buyer_days_to_dispute_365d": mean(
                buyer, "sum_dispute_seconds", "count_disputes", 365, SECONDS_A_DAY
            ),
            "buyer_stars_365d": mean(buyer, "sum_star_hundredths", "count_reviews", 365, CENTS),
            "buyer_questions_per_order_365d": mean(buyer, "count_questions", "count_orders", 365),
            "country_dispute_share_365d": dispute_share(view, COUNTRY, 365),
            "country_not_received_share_365d": dispute_share(
                view, COUNTRY, 365, "count_not_received"
            ),
            "country_not_as_described_share_365d": dispute_share(
                view, COUNTRY, 365, "count_not_as_described"
            ),
            "country_refunded_share_365d": dispute_share(view, COUNTRY, 365, "count_refunded"),
            "country_withdrawn_share_365d": dispute_share(view, COUNTRY, 365, "count_withdrawn"),
            "country_questions_per_order_365d": mean(
                country, "count_questions", "count_orders", 365
            ),
            "language_dispute_share_365d": dispute_share(view, ["language", "store_id"], 365),
        }
    )
