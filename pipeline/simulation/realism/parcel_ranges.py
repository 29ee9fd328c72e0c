"""Published and assumed ranges of parcels: loss, customs, returns, handling and transit times."""

from __future__ import annotations

import polars as pl

from pipeline.simulation.realism.published_quantity import AGENT, OWN, Published, is_one_of, percent

# quantities over fewer orders than these are not computed
LEAST_ROWS = 50
GUIDE, CAINIAO = "shop guides", "Cainiao, cited by a blog"
PARCEL_GUIDE = "parcel guide, post to Russia"
SENT, TRANSIT, PEAK = pl.col("is_handed_over"), pl.col("transit_days"), pl.col("is_peak")
DELIVERED, LOG_TRANSIT = TRANSIT.is_not_null(), TRANSIT.log()
# the countries of the freight agent's table
AGENT_COUNTRIES = is_one_of("country", "US", "GB", "AU", "CA", "DE")
STANDARD = is_one_of("service", "AE Standard")
POST_TO_RUSSIA = is_one_of("service", "China Post") & is_one_of("country", "RU")
# null unless both seasons have enough orders
PEAK_ADDITION = pl.when(PEAK.sum() >= LEAST_ROWS, (~PEAK).sum() >= LEAST_ROWS).then(
    TRANSIT.filter(PEAK).median() - TRANSIT.filter(~PEAK).median()
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
# on the standard lane outside the peak; the table lists the peak separately
COUNTRY_RANGES = (("US", 12, 20), ("GB", 10, 18), ("AU", 14, 25), ("CA", 15, 22), ("DE", 11, 19))
STAGE_RANGES = (
    ("handling_days", "handling", 3, 7),
    ("international_days", "international", 10, 20),
    ("customs_days", "customs", 1, 3),
    ("last_mile_days", "last mile", 7, 14),
)
PARCELS = (
    Published(
        "lost",
        0.5,
        2,
        "% of parcels",
        "assumption",
        "assumption; a forwarder claims 3.2 %",
        percent(pl.col("is_lost")),
        SENT,
    ),
    Published(
        "held at customs",
        1,
        3,
        "% of parcels at customs",
        "assumption",
        OWN,
        percent(pl.col("is_held")),
        pl.col("has_reached_customs"),
    ),
    Published(
        "returned",
        1,
        3,
        "% of parcels",
        "assumption",
        "assumption; a forwarder claims 10 % of air post",
        percent(pl.col("is_returned")),
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
        "spread of log transit days within a lane, without shocks or peaks",
        0.25,
        0.45,
        "standard deviation",
        "assumption",
        OWN,
        (LOG_TRANSIT - LOG_TRANSIT.mean().over("service", "country")).std(),
        DELIVERED & pl.col("is_ordinary"),
    ),
    Published(
        "extra transit days from November to January, standard lane",
        4,
        10,
        "days between medians",
        "C",
        AGENT,
        PEAK_ADDITION,
        DELIVERED & STANDARD & AGENT_COUNTRIES,
    ),
    Published(
        "transit to Russia, all services, mean",
        15,
        30,
        "days",
        "B",
        "press: 25-30 in 2019, 15 in 2021",
        TRANSIT.mean(),
        DELIVERED & is_one_of("country", "RU"),
    ),
    *(
        Published(
            f"transit of {name}, median ({source})",
            low,
            high,
            "days",
            "C",
            source,
            TRANSIT.median(),
            DELIVERED & is_one_of("service", name),
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
            DELIVERED & STANDARD & ~PEAK & is_one_of("country", code),
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
            DELIVERED & POST_TO_RUSSIA,
        )
        for column, name, low, high in STAGE_RANGES
    ),
)
