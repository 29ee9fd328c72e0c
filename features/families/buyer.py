"""Buyer family: what this buyer, and buyers with the same country or language, did before."""

from __future__ import annotations

import polars as pl

from features.clock import SECONDS_A_DAY
from features.feature import LOW, Feature
from features.totals.entity_measures import OPEN
from features.totals.family_inputs import FamilyInputs
from features.totals.order_facts import CENTS
from features.totals.smoothing import dispute_share, mean

FEATURES = [
    Feature(
        "buyer_count_orders_365d",
        "earlier orders",
        "returning buyers know what they will get",
        "the buyer's other orders in the last year: {value:.0f}",
    ),
    Feature(
        "buyer_is_first_order",
        "1 if no other order of the last year is known, else 0",
        "a new buyer has no reason to be patient",
    ),
    Feature(
        "buyer_count_open_orders",
        "other orders",
        "one late parcel spoils the others",
        "this buyer's other open orders: {value:.0f}",
    ),
    Feature(
        "buyer_count_disputes_365d",
        "disputes",
        "a buyer who disputed before may do so again",
        "the buyer opened {value:.0f} dispute(s) in the last year",
        is_monotone=True,
    ),
    Feature(
        "buyer_dispute_share_365d",
        "share of ended orders, shrunk towards the country's",
        "some buyers dispute often",
        "{value:.0%} of this buyer's orders ended in a dispute, "
        "adjusted towards the country's share if orders are few",
        needs="buyer_count_orders_365d",
        is_monotone=True,
    ),
    Feature(
        "buyer_count_not_received_365d",
        "disputes",
        "parcels get lost at some addresses",
        "the buyer opened {value:.0f} dispute(s) about missing parcels in the last year",
        is_monotone=True,
    ),
    Feature(
        "buyer_count_not_as_described_365d",
        "disputes",
        "some buyers are hard to please",
        "the buyer opened {value:.0f} dispute(s) about goods not as described in the last year",
        is_monotone=True,
    ),
    Feature(
        "buyer_count_withdrawn_365d", "disputes", "a buyer who withdraws disputes is open to talks"
    ),
    Feature(
        "buyer_refund_usd_365d",
        "USD",
        "a buyer who got a refund may ask for another",
        "the buyer was refunded {value:.2f} USD in the last year",
        is_monotone=True,
    ),
    Feature(
        "buyer_days_to_dispute_365d",
        "days from order to dispute; null without one",
        "how patient this buyer was",
        "the buyer opened earlier disputes {value:.0f} day(s) after ordering, on average",
        worse=LOW,
    ),
    Feature(
        "buyer_stars_365d",
        "stars, 1 to 5; null without a review",
        "some buyers are strict reviewers",
        "the buyer gives {value:.1f} star(s) on average",
        worse=LOW,
        is_monotone=True,
    ),
    Feature(
        "buyer_questions_per_order_365d",
        "messages per order",
        "a buyer who asks often is uneasy",
        "the buyer wrote {value:.1f} message(s) per order in the last year",
    ),
    Feature(
        "country_dispute_share_365d",
        "share of ended orders",
        "customs, distance and habits differ by country",
        "{value:.0%} of the orders to this country were disputed in the last year",
        theme="lane",
        is_monotone=True,
    ),
    Feature(
        "country_not_received_share_365d",
        "share of ended orders",
        "some countries' postal services lose more parcels",
        "{value:.1%} of the orders to this country in the last year had a not-received dispute",
        theme="lane",
        is_monotone=True,
    ),
    Feature(
        "country_not_as_described_share_365d",
        "share of ended orders",
        "sizes and tastes differ by country",
        theme="lane",
        is_monotone=True,
    ),
    Feature(
        "country_refunded_share_365d",
        "share of ended orders",
        "where refunds are common, buyers ask for them",
        theme="lane",
        is_monotone=True,
    ),
    Feature(
        "country_withdrawn_share_365d",
        "share of ended orders",
        "where disputes are often withdrawn, talking helps",
        theme="lane",
    ),
    Feature(
        "country_questions_per_order_365d",
        "messages per order",
        "how soon buyers in a country worry",
        theme="lane",
    ),
    Feature(
        "language_dispute_share_365d",
        "share of ended orders",
        "misunderstandings lead to disputes",
        theme="lane",
        is_monotone=True,
    ),
]
COUNTRY = ["country", "store_id"]


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    buyer, country = inputs.totals["buyer_id"], inputs.totals["country"]
    return pl.DataFrame(
        {
            "buyer_count_orders_365d": buyer["count_orders_365d"],
            "buyer_is_first_order": (buyer["count_orders_365d"] == 0).cast(pl.Float64),
            "buyer_count_open_orders": buyer[OPEN],
            "buyer_count_disputes_365d": buyer["count_disputes_365d"],
            "buyer_dispute_share_365d": dispute_share(inputs, ["buyer_id", *COUNTRY], 365),
            "buyer_count_not_received_365d": buyer["count_not_received_365d"],
            "buyer_count_not_as_described_365d": buyer["count_not_as_described_365d"],
            "buyer_count_withdrawn_365d": buyer["count_withdrawn_365d"],
            "buyer_refund_usd_365d": buyer["sum_refund_cents_365d"] / CENTS,
            "buyer_days_to_dispute_365d": mean(
                buyer, "sum_dispute_seconds", "count_disputes", 365, SECONDS_A_DAY
            ),
            "buyer_stars_365d": mean(buyer, "sum_star_hundredths", "count_reviews", 365, CENTS),
            "buyer_questions_per_order_365d": mean(buyer, "count_questions", "count_orders", 365),
            "country_dispute_share_365d": dispute_share(inputs, COUNTRY, 365),
            "country_not_received_share_365d": dispute_share(
                inputs, COUNTRY, 365, "count_not_received"
            ),
            "country_not_as_described_share_365d": dispute_share(
                inputs, COUNTRY, 365, "count_not_as_described"
            ),
            "country_refunded_share_365d": dispute_share(inputs, COUNTRY, 365, "count_refunded"),
            "country_withdrawn_share_365d": dispute_share(inputs, COUNTRY, 365, "count_withdrawn"),
            "country_questions_per_order_365d": mean(
                country, "count_questions", "count_orders", 365
            ),
            "language_dispute_share_365d": dispute_share(inputs, ["language", "store_id"], 365),
        }
    )
