"""Lane family: how fast and punctual the parcel's lane and carrier are, and how often they scan."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.feature import Feature
from features.totals.entity_measures import OPEN
from features.totals.family_inputs import FamilyInputs
from features.totals.parcel_facts import GAP_EDGES, TRANSIT_EDGES
from features.totals.smoothing import (
    chained_share,
    dispute_share,
    histogram,
    late_share,
    mean_handling_days,
    mean_transit_days,
    quantile,
)

FEATURES = [
    Feature(
        "lane_transit_days_90d",
        "days",
        "how long this lane takes now",
        "parcels on this lane took {value:.0f} day(s) on average in the last 90 days",
    ),
    Feature(
        "lane_transit_middle_days_90d",
        "days; half of the lane's parcels are faster",
        "how long this lane takes",
        "half of this lane's parcels take more than {value:.0f} day(s)",
    ),
    Feature(
        "lane_transit_slow_days_90d",
        "days; nine in ten of the lane's parcels are faster",
        "how long a slow parcel takes",
        "one in ten of this lane's parcels takes more than {value:.0f} day(s)",
    ),
    Feature(
        "lane_late_share_30d",
        "share of deliveries",
        "a lane that broke down recently",
        "{value:.0%} of this lane's deliveries in the last 30 days were late",
        is_monotone=True,
    ),
    Feature(
        "lane_late_share_90d",
        "share of deliveries",
        "a slow lane makes late parcels",
        "{value:.0%} of this lane's deliveries in the last 90 days were late",
        is_monotone=True,
    ),
    Feature(
        "lane_congestion",
        "mean days over 30 days / over 90 days; 1 is usual",
        "the lane is slower now",
        "this lane now takes {value:.1f} time(s) as long as usual",
        norm=1.0,
    ),
    Feature(
        "lane_gap_days_90d",
        "days; nine in ten gaps between scans are shorter",
        "how long this lane is usually without news",
        "one in ten gaps between scans on this lane is longer than {value:.0f} day(s)",
    ),
    Feature(
        "lane_exception_share_90d",
        "share of shipped orders",
        "some customs and postal services cause trouble",
        "{value:.0%} of this lane's parcels had an exception in the last 90 days",
        is_monotone=True,
    ),
    Feature(
        "lane_dispute_share_90d",
        "share of ended orders",
        "problems on a lane show in its disputes",
        "{value:.0%} of this lane's orders that ended in the last 90 days were disputed",
        is_monotone=True,
    ),
    Feature(
        "lane_dispute_share_30d",
        "share of ended orders",
        "problems on a lane show in its disputes",
        "{value:.0%} of this lane's orders that ended in the last 30 days were disputed",
        is_monotone=True,
    ),
    Feature("lane_count_open_orders", "orders", "how many orders are on this lane"),
    Feature(
        "carrier_transit_days_30d",
        "days",
        "how long this carrier takes now, to any country",
        "this carrier took {value:.0f} day(s) on average in the last 30 days",
    ),
    Feature(
        "carrier_congestion",
        "mean days over 30 days / over 90 days; 1 is usual",
        "a carrier that breaks down",
        "this carrier now takes {value:.1f} time(s) as long as usual",
        norm=1.0,
    ),
    Feature(
        "carrier_late_share_30d",
        "share of deliveries",
        "a carrier that broke down recently",
        "{value:.0%} of this carrier's deliveries in the last 30 days were late",
        is_monotone=True,
    ),
    Feature(
        "carrier_late_share_90d",
        "share of deliveries",
        "a slow carrier makes late parcels",
        "{value:.0%} of this carrier's deliveries in the last 90 days were late",
        is_monotone=True,
    ),
    Feature(
        "carrier_dispute_share_90d",
        "share of ended orders",
        "some carriers cost more than they save",
        "{value:.0%} of this carrier's orders that ended in the last 90 days were disputed",
        is_monotone=True,
    ),
    Feature(
        "supplier_handling_days_90d",
        "days",
        "how long this supplier takes to ship now",
        "this supplier took {value:.0f} day(s) on average to ship in the last 90 days",
        theme="dispatch",
    ),
    Feature(
        "supplier_shipped_late_share_90d",
        "share of shipped orders",
        "a supplier who misses the shipping deadline",
        "{value:.0%} of this supplier's parcels in the last 90 days were handed over late",
        theme="dispatch",
        is_monotone=True,
    ),
    Feature(
        "supplier_late_share_90d",
        "share of deliveries",
        "a supplier who ships late delivers late",
        "{value:.0%} of this supplier's deliveries in the last 90 days were late",
        theme="dispatch",
        is_monotone=True,
    ),
]
# Weight of the next larger group, as a number of parcels: a lane with few parcels is shrunk towards
# its carrier, and a carrier with few parcels towards the store.
STRENGTH = 10.0
CHAIN = ["lane", "service", "store_id"]


def transit_shares(inputs: FamilyInputs) -> np.ndarray:
    """(rows, bins): histogram of the lane's transit days over 90 days, as shares."""
    return histogram(inputs, CHAIN, "transit", TRANSIT_EDGES, STRENGTH)


def gap_shares(inputs: FamilyInputs) -> np.ndarray:
    """(rows, bins): histogram of the days between the lane's scans over 90 days, as shares."""
    return histogram(inputs, CHAIN, "gap", GAP_EDGES, STRENGTH)


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    totals = inputs.totals
    lane, service, store, supplier = (
        totals[e] for e in ("lane", "service", "store_id", "supplier_id")
    )
    transit, gaps = transit_shares(inputs), gap_shares(inputs)
    usual = mean_transit_days(lane, 90).fill_null(mean_transit_days(store, 90))
    half, most = np.full(len(transit), 0.5), np.full(len(transit), 0.9)
    return pl.DataFrame(
        {
            "lane_transit_days_90d": usual,
            "lane_transit_middle_days_90d": quantile(transit, TRANSIT_EDGES, half),
            "lane_transit_slow_days_90d": quantile(transit, TRANSIT_EDGES, most),
            "lane_late_share_30d": late_share(inputs, ["lane", "service"], 30),
            "lane_late_share_90d": late_share(inputs, ["lane"], 90),
            "lane_congestion": mean_transit_days(lane, 30) / mean_transit_days(lane, 90),
            "lane_gap_days_90d": quantile(gaps, GAP_EDGES, most),
            "lane_exception_share_90d": chained_share(
                inputs, ["lane"], 90, part="count_exceptions", whole="count_shipped", start=0.02
            ),
            "lane_dispute_share_90d": dispute_share(inputs, ["lane", "store_id"], 90),
            "lane_dispute_share_30d": dispute_share(inputs, ["lane", "store_id"], 30),
            "lane_count_open_orders": lane[OPEN],
            "carrier_transit_days_30d": mean_transit_days(service, 30),
            "carrier_congestion": mean_transit_days(service, 30) / mean_transit_days(service, 90),
            "carrier_late_share_30d": late_share(inputs, ["service"], 30),
            "carrier_late_share_90d": late_share(inputs, ["service"], 90),
            "carrier_dispute_share_90d": dispute_share(inputs, ["service", "store_id"], 90),
            "supplier_handling_days_90d": mean_handling_days(supplier, 90),
            "supplier_shipped_late_share_90d": chained_share(
                inputs,
                ["supplier_id"],
                90,
                part="count_shipped_late",
                whole="count_shipped",
                start=0.1,
            ),
            "supplier_late_share_90d": late_share(inputs, ["supplier_id"], 90),
        },
        nan_to_null=True,
    )
