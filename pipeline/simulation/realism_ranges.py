"""What a simulated store shows beside what is published: one line per quantity.

The ranges are copied from where they were published, or, where nobody publishes any, are the
assumptions the simulator was made by: both are fixed, and a store outside of them is shown as it
is. Quality of a source: A paper or official figure, B press or survey, C a vendor's, agent's or
blog's claim.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

# so few rows tell nothing
LEAST_ROWS = 50
# where one figure is published instead of a range, so many points beside it still count as inside:
# our choice
TOLERANCE_POINTS = 8.0
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
OWN = "assumption; nobody publishes it"
GUIDE, CAINIAO, AGENT = "shop guides", "Cainiao, as a blog cites it", "freight agent's table"
SURVEY, PARCEL_GUIDE = "postal operators' survey, about 2017", "parcel guide, post to Russia"
ANY = pl.lit(True)


@dataclass(frozen=True)
class Published:
    """A quantity and its range. `value` is computed over the matured orders for which `among` is
    true."""

    quantity: str
    low: float
    high: float
    unit: str
    quality: str
    source: str
    value: pl.Expr
    among: pl.Expr = ANY


def _percent(is_so: pl.Expr) -> pl.Expr:
    return 100.0 * is_so.cast(pl.Float64).mean()


def _near(percent: float) -> tuple[float, float]:
    return percent - TOLERANCE_POINTS, percent + TOLERANCE_POINTS


def _is(column: str, *names: str) -> pl.Expr:
    return pl.col(column).is_in(names)


SENT, DISPUTED, ESCALATED = pl.col("is_handed_over"), pl.col("is_disputed"), pl.col("is_escalated")
NOT_RECEIVED, TRANSIT = pl.col("cause") == "not_received", pl.col("transit_days")
ARRIVED, PEAK = TRANSIT.is_not_null(), pl.col("is_peak")
ABOUT_GOODS = NOT_RECEIVED | (pl.col("cause") == "not_as_described")
LOG_TRANSIT = TRANSIT.log()
FIVE = _is("country", "US", "GB", "AU", "CA", "DE")
STANDARD, POST_TO_RUSSIA = (
    _is("service", "AE Standard"),
    _is("service", "China Post") & _is("country", "RU"),
)
# nothing, unless both seasons tell
PEAK_ADDITION = pl.when(PEAK.sum() >= LEAST_ROWS, (~PEAK).sum() >= LEAST_ROWS).then(
    TRANSIT.filter(PEAK).median() - TRANSIT.filter(~PEAK).median()
)
AFTER_PROMISE = pl.col("opened") - pl.col("promised")

DISPUTES = (
    Published(
        "disputed orders",
        2,
        5,
        "% of orders",
        "assumption",
        f"{OWN}; 1-8 % at the outside",
        _percent(DISPUTED),
    ),
    Published(
        "orders with money given back after a dispute",
        0,
        5,
        "% of orders",
        "C",
        "Wish calls refunds below 5 % normal for Chinese shops",
        _percent(pl.col("is_refunded")),
    ),
    Published(
        "not received, of disputes about parcel or goods, post lanes",
        *_near(45),
        "%",
        "assumption",
        f"{OWN}; 45, give or take 8",
        _percent(NOT_RECEIVED),
        ABOUT_GOODS & _is("service", *POST),
    ),
    Published(
        "not received, of disputes about parcel or goods, fast lanes",
        *_near(30),
        "%",
        "assumption",
        f"{OWN}; 30, give or take 8",
        _percent(NOT_RECEIVED),
        ABOUT_GOODS & _is("service", *FAST),
    ),
    Published(
        "not received after the promised day: days after it, median",
        5,
        20,
        "days",
        "C",
        "vendor: noticed 2-5 days after it, then 5-15 days of waiting",
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
        _percent(pl.col("is_withdrawn")),
        DISPUTED,
    ),
    Published(
        "escalated to the platform",
        15,
        25,
        "% of disputes",
        "assumption",
        OWN,
        _percent(ESCALATED),
        DISPUTED,
    ),
    Published(
        "escalated by the buyer on day 4 to 15",
        100,
        100,
        "% of buyers' escalations",
        "C",
        "platform's older rule, as sellers' guides print it",
        _percent(pl.col("escalation_day").is_between(4, 15)),
        pl.col("escalated_by") == "buyer",
    ),
    Published(
        "ruled against the seller",
        45,
        65,
        "% of rulings",
        "assumption",
        "assumption; a vendor's example has 48-64 %",
        _percent(pl.col("is_liable")),
        ESCALATED,
    ),
)

ROADS = (
    Published(
        "lost",
        0.5,
        2,
        "% of parcels",
        "assumption",
        "assumption; a forwarder claims 3.2 %",
        _percent(pl.col("is_lost")),
        SENT,
    ),
    Published(
        "held at customs",
        1,
        3,
        "% of parcels there",
        "assumption",
        OWN,
        _percent(pl.col("is_held")),
        pl.col("has_reached_customs"),
    ),
    Published(
        "returned",
        1,
        3,
        "% of parcels",
        "assumption",
        "assumption; a forwarder claims 10 % of air post",
        _percent(pl.col("is_returned")),
        SENT,
    ),
    Published(
        "promised handling, median",
        3,
        10,
        "days",
        "C",
        "sellers' guides: 3-10 days of preparation",
        pl.col("dispatch_promise_days").median(),
    ),
    Published(
        "spread of log transit inside a lane, no shocks or peaks",
        0.25,
        0.45,
        "standard deviation",
        "assumption",
        OWN,
        (LOG_TRANSIT - LOG_TRANSIT.mean().over("service", "country")).std(),
        ARRIVED & pl.col("is_ordinary"),
    ),
    Published(
        "transit longer from November to January, standard lane",
        4,
        10,
        "days between medians",
        "C",
        AGENT,
        PEAK_ADDITION,
        ARRIVED & STANDARD & FIVE,
    ),
    Published(
        "transit to Russia, all services, mean",
        15,
        30,
        "days",
        "B",
        "press: 25-30 in 2019, 15 in 2021",
        TRANSIT.mean(),
        ARRIVED & _is("country", "RU"),
    ),
)

SERVICE_RANGES = (
    ("AE Standard", 15, 45, GUIDE),
    ("AE Standard", 10, 18, CAINIAO),
    ("AE Premium", 7, 15, GUIDE),
    ("AE Premium", 5, 10, CAINIAO),
    ("AE Super Economy", 30, 60, GUIDE),
    ("AE Super Economy", 20, 45, CAINIAO),
    ("YW Line", 10, 20, GUIDE),
    ("EMS Express", 3, 10, GUIDE),
)
# on the standard lane, outside of the peak, which the same table tells apart
COUNTRY_RANGES = (("US", 12, 20), ("GB", 10, 18), ("AU", 14, 25), ("CA", 15, 22), ("DE", 11, 19))
STAGE_RANGES = (
    ("handling_days", "handling", 3, 7),
    ("international_days", "international", 10, 20),
    ("customs_days", "customs", 1, 3),
    ("last_mile_days", "last mile", 7, 14),
)
BASKETS = (
    Published(
        "baskets below 50 euro",
        *_near(56),
        "% of orders",
        "B",
        f"{SURVEY}; 56, give or take 8",
        _percent(pl.col("total_usd") < 50.0 * EURO_USD),
    ),
    Published(
        "baskets below 10 euro",
        *_near(16),
        "% of orders",
        "B",
        f"{SURVEY}; 16, give or take 8",
        _percent(pl.col("total_usd") < 10.0 * EURO_USD),
    ),
    Published(
        "parcels below 500 g",
        *_near(45),
        "% of orders",
        "B",
        f"{SURVEY}; 45, give or take 8",
        _percent(pl.col("weight_g") < 500.0),
    ),
    Published(
        "clothing, shoes and bags",
        *_near(33),
        "% of orders",
        "B",
        f"{SURVEY}; 33, give or take 8",
        _percent(_is("category", *CLOTHING)),
    ),
    Published(
        "electronics",
        *_near(21),
        "% of orders",
        "B",
        f"{SURVEY}; 21, give or take 8",
        _percent(_is("category", *ELECTRONICS)),
    ),
)
PUBLISHED = (
    *DISPUTES,
    *ROADS,
    *(
        Published(
            f"transit of {name}, median ({source})",
            low,
            high,
            "days",
            "C",
            source,
            TRANSIT.median(),
            ARRIVED & _is("service", name),
        )
        for name, low, high, source in SERVICE_RANGES
    ),
    *(
        Published(
            f"transit to {code} on the standard lane, median outside the peak",
            low,
            high,
            "days",
            "C",
            AGENT,
            TRANSIT.median(),
            ARRIVED & STANDARD & ~PEAK & _is("country", code),
        )
        for code, low, high in COUNTRY_RANGES
    ),
    *(
        Published(
            f"China Post to Russia: {name}, median",
            low,
            high,
            "days",
            "C",
            PARCEL_GUIDE,
            pl.col(column).median(),
            ARRIVED & POST_TO_RUSSIA,
        )
        for column, name, low, high in STAGE_RANGES
    ),
    *BASKETS,
)


def measures(matured: pl.DataFrame) -> pl.DataFrame:
    """One row per quantity of `PUBLISHED`. `got` and `is_inside` are null where fewer than
    `LEAST_ROWS` orders tell."""
    rows = []
    for line in PUBLISHED:
        among = matured.filter(line.among)
        got = among.select(line.value).item() if among.height >= LEAST_ROWS else None
        rows.append(
            {
                "quantity": line.quantity,
                "got": got,
                "published_low": float(line.low),
                "published_high": float(line.high),
                "unit": line.unit,
                "is_inside": None if got is None else line.low <= got <= line.high,
                "count_orders": among.height,
                "quality": line.quality,
                "source": line.source,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"got": pl.Float64, "is_inside": pl.Boolean})
