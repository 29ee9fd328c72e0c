"""Store family: how the whole store is doing now."""

from __future__ import annotations

import polars as pl

from features.clock import SECONDS_A_DAY
from features.feature import LOW, Feature
from features.totals.entity_measures import OPEN
from features.totals.family_inputs import FamilyInputs
from features.totals.order_facts import CENTS
from features.totals.smoothing import (
    chained_share,
    dispute_share,
    mean,
    mean_handling_days,
    mean_transit_days,
)

FEATURES = [
    Feature(
        "store_dispute_share_30d",
        "share of ended orders",
        "a bad month hits every order",
        "{value:.0%} of the store's orders that ended in the last 30 days were disputed",
    ),
    Feature("store_dispute_share_90d", "share of ended orders", "a bad season hits every order"),
    Feature(
        "store_open_orders_days",
        "days of sales, at the rate of the last 30 days",
        "a backlog delays every order",
        "the store's open orders equal {value:.0f} day(s) of sales",
    ),
    Feature(
        "store_rush",
        "orders per day over 30 days / over 365 days; 1 is usual",
        "a rush overloads staff and carriers",
        "the store gets {value:.1f} time(s) its usual number of orders",
        norm=1.0,
    ),
    Feature(
        "store_handling_days_30d",
        "days",
        "a backlog delays every order",
        "the store took {value:.0f} day(s) on average to ship in the last 30 days",
    ),
    Feature(
        "store_handling_trend",
        "days over 30 days minus days over 365 days",
        "packing is slower than usual",
        "the store takes {value:.1f} day(s) longer to ship than usual",
        norm=0.0,
    ),
    Feature(
        "store_shipped_late_share_30d",
        "share of shipped orders",
        "parcels that leave late arrive late",
        "{value:.0%} of the store's parcels in the last 30 days were handed over late",
    ),
    Feature(
        "store_transit_days_30d",
        "days",
        "peaks and strikes slow every lane",
        "parcels took {value:.0f} day(s) on average in the last 30 days",
    ),
    Feature(
        "store_transit_trend",
        "days over 30 days minus days over 365 days",
        "transport is slower than usual",
        "parcels take {value:.1f} day(s) longer than usual",
        norm=0.0,
    ),
    Feature(
        "store_reply_days_30d",
        "days; null without replies",
        "buyers who wait for an answer open disputes",
        "buyers waited {value:.1f} day(s) on average for an answer in the last 30 days",
    ),
    Feature(
        "store_reply_share_30d",
        "answers per question; null without questions",
        "unanswered questions turn into disputes",
        "{value:.0%} of the buyers' questions in the last 30 days were answered",
        worse=LOW,
    ),
    Feature(
        "store_stars_30d",
        "stars, 1 to 5; null without reviews",
        "what buyers think now",
        "buyers gave {value:.1f} star(s) on average in the last 30 days",
        worse=LOW,
    ),
]


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    store = inputs.totals["store_id"]
    orders_30d, orders_365d = store["count_orders_30d"], store["count_orders_365d"]
    handling, transit = mean_handling_days(store, 30), mean_transit_days(store, 30)
    return pl.DataFrame(
        {
            "store_dispute_share_30d": dispute_share(inputs, ["store_id"], 30),
            "store_dispute_share_90d": dispute_share(inputs, ["store_id"], 90),
            "store_open_orders_days": (store[OPEN] / (orders_30d / 30.0)).set(
                orders_30d == 0, None
            ),
            "store_rush": (orders_30d / 30.0 / (orders_365d / 365.0)).set(orders_365d == 0, None),
            "store_handling_days_30d": handling,
            "store_handling_trend": handling - mean_handling_days(store, 365),
            "store_shipped_late_share_30d": chained_share(
                inputs,
                ["store_id"],
                30,
                part="count_shipped_late",
                whole="count_shipped",
                start=0.1,
            ),
            "store_transit_days_30d": transit,
            "store_transit_trend": transit - mean_transit_days(store, 365),
            "store_reply_days_30d": mean(
                store, "sum_reply_seconds", "count_replies", 30, SECONDS_A_DAY
            ),
            "store_reply_share_30d": mean(store, "count_replies", "count_questions", 30),
            "store_stars_30d": mean(store, "sum_star_hundredths", "count_reviews", 30, CENTS),
        }
    )
