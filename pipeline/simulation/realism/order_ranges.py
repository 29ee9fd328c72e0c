"""Published and assumed ranges of disputes and baskets."""

from __future__ import annotations

import polars as pl

from pipeline.simulation.realism.published_quantity import (
    OWN,
    SURVEY,
    Published,
    is_one_of,
    near,
    percent,
)

EURO_USD = 1.08  # about the rate of 2024
POST, FAST = ("China Post", "AE Super Economy"), ("AE Premium", "EMS Express")
CLOTHING = (
    "dresses",
    "blouses",
    "t-shirts",
    "trousers",
    "coats",
    "underwear",
    "swimwear",
    "shoes",
    "bags",
)
ELECTRONICS = (
    "phone cases",
    "screen protectors",
    "cables",
    "headphones",
    "smart watches",
    "power banks",
    "computer parts",
)
DISPUTED, ESCALATED = pl.col("is_disputed"), pl.col("is_escalated")
NOT_RECEIVED = pl.col("cause") == "not_received"
ABOUT_PARCEL_OR_GOODS = NOT_RECEIVED | (pl.col("cause") == "not_as_described")
AFTER_PROMISE = pl.col("opened") - pl.col("promised")

DISPUTES = (
    Published(
        "disputed orders",
        2,
        5,
        "% of orders",
        "assumption",
        f"{OWN}; plausible limits 1-8 %",
        percent(DISPUTED),
    ),
    Published(
        "orders refunded after a dispute",
        0,
        5,
        "% of orders",
        "C",
        "Wish calls refunds below 5 % normal for Chinese shops",
        percent(pl.col("is_refunded")),
    ),
    Published(
        "not received, share of disputes about parcel or goods, post lanes",
        *near(45),
        "%",
        "assumption",
        f"{OWN}; 45 ± 8 points",
        percent(NOT_RECEIVED),
        ABOUT_PARCEL_OR_GOODS & is_one_of("service", *POST),
    ),
    Published(
        "not received, share of disputes about parcel or goods, fast lanes",
        *near(30),
        "%",
        "assumption",
        f"{OWN}; 30 ± 8 points",
        percent(NOT_RECEIVED),
        ABOUT_PARCEL_OR_GOODS & is_one_of("service", *FAST),
    ),
    Published(
        "days from the promised day to a later dispute, not received, median",
        5,
        20,
        "days",
        "C",
        "vendor: buyers notice 2-5 days after the promise, then wait 5-15 days",
        AFTER_PROMISE.median(),
        NOT_RECEIVED & (AFTER_PROMISE >= 0.0),
    ),
    Published(
        "withdrawn",
        15,
        25,
        "% of disputes",
        "assumption",
        OWN,
        percent(pl.col("is_withdrawn")),
        DISPUTED,
    ),
    Published(
        "escalated to the platform",
        15,
        25,
        "% of disputes",
        "assumption",
        OWN,
        percent(ESCALATED),
        DISPUTED,
    ),
    Published(
        "escalated by the buyer on day 4 to 15",
        100,
        100,
        "% of buyers' escalations",
        "C",
        "platform's older rule, from sellers' guides",
        percent(pl.col("escalation_day").is_between(4, 15)),
        pl.col("escalated_by") == "buyer",
    ),
    Published(
        "ruled against the seller",
        45,
        65,
        "% of rulings",
        "assumption",
        "assumption; a vendor's example has 48-64 %",
        percent(pl.col("is_liable")),
        ESCALATED,
    ),
)
BASKETS = (
    Published(
        "baskets below 50 euro",
        *near(56),
        "% of orders",
        "B",
        f"{SURVEY}; 56 ± 8 points",
        percent(pl.col("total_usd") < 50.0 * EURO_USD),
    ),
    Published(
        "baskets below 10 euro",
        *near(16),
        "% of orders",
        "B",
        f"{SURVEY}; 16 ± 8 points",
        percent(pl.col("total_usd") < 10.0 * EURO_USD),
    ),
    Published(
        "parcels below 500 g",
        *near(45),
        "% of orders",
        "B",
        f"{SURVEY}; 45 ± 8 points",
        percent(pl.col("weight_g") < 500.0),
    ),
    Published(
        "clothing, shoes and bags",
        *near(33),
        "% of orders",
        "B",
        f"{SURVEY}; 33 ± 8 points",
        percent(is_one_of("category", *CLOTHING)),
    ),
    Published(
        "electronics",
        *near(21),
        "% of orders",
        "B",
        f"{SURVEY}; 21 ± 8 points",
        percent(is_one_of("category", *ELECTRONICS)),
    ),
)
