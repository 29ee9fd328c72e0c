"""The scans of a parcel, and how its progress compares with other parcels on its lane."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.asof import ROW_KEY, visible_facts
from features.clock import SECONDS_A_DAY
from features.families.lane import gap_shares, transit_shares
from features.totals.family_inputs import FamilyInputs
from features.totals.parcel_facts import GAP_EDGES, TRANSIT_EDGES
from features.totals.quiet_parcels import milestone_level
from features.totals.smoothing import (
    mean,
    mean_handling_days,
    mean_transit_days,
    quantile,
    share_above,
)

RELEASED_BY_CUSTOMS = 5


def parcel_scans(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row with a visible scan: counts, last scan and furthest milestone.

    `milestone_at` is the instant at which the furthest milestone was first reached.
    """
    status, sub = pl.col("status"), pl.col("sub_status")
    at = pl.col("occurred_at")
    furthest = pl.col("level").max()
    held_at = at.filter(sub == "InTransit_CustomsRequiringInformation").max()
    waits_at = at.filter(status == "AvailableForPickup").max()
    scans = visible_facts(inputs.rows, inputs.tables["tracking"]).with_columns(
        level=milestone_level().cast(pl.Float64)
    )
    # a scan that is reported twice counts once
    scans = scans.unique([*ROW_KEY, "status", "sub_status", "occurred_at"], maintain_order=False)
    return scans.group_by(ROW_KEY).agg(
        last_scan_at=at.max(),
        count_scans=pl.len().cast(pl.Float64),
        count_exceptions=status.is_in(["Exception", "DeliveryFailure", "Expired"])
        .sum()
        .cast(pl.Float64),
        count_failed=(status == "DeliveryFailure").sum().cast(pl.Float64),
        milestone=furthest,
        milestone_at=at.filter(pl.col("level") == furthest).min(),
        is_held=(held_at.is_not_null() & (furthest < RELEASED_BY_CUSTOMS)).cast(pl.Float64),
        is_waiting=(waits_at.is_not_null() & (status != "Delivered").all()).cast(pl.Float64),
    )


def usual_handling_days(inputs: FamilyInputs) -> pl.Series:
    """Mean handling days of the order's supplier over 90 days; those of the store if unknown."""
    supplier, store = inputs.totals["supplier_id"], inputs.totals["store_id"]
    return mean_handling_days(supplier, 90).fill_null(mean_handling_days(store, 90))


def compare_with_lane(inputs: FamilyInputs, own: pl.DataFrame) -> pl.DataFrame:
    """The features that compare a parcel's time in transit and its scans with its lane's parcels.

    `own` has the parcel's own features with `road_days` (0 before shipment), `is_waiting` (not
    delivered) and `is_shipped`. The remaining time of a parcel of age `a` is distributed like the
    lane's transit times above `a`, less `a`.
    """
    road, is_waiting = own["road_days"].to_numpy(), own["is_waiting"].to_numpy()
    to_promise = own["logistics_days_to_promise"].to_numpy()
    transit = transit_shares(inputs)
    slower = share_above(transit, TRANSIT_EDGES, road)
    with np.errstate(invalid="ignore", divide="ignore"):
        late = share_above(transit, TRANSIT_EDGES, np.maximum(road + to_promise, road)) / slower
    # a parcel that is older than all parcels of its lane counts as late
    late = np.where(slower <= 1e-9, 1.0, late)
    # median of the transit times above the parcel's age
    expected = quantile(transit, TRANSIT_EDGES, np.minimum(1.0 - 0.5 * slower, 1.0 - 1e-9)) - road
    expected = np.maximum(expected, 0.0)
    silence = own["logistics_days_since_news"].to_numpy()
    mean_days = mean_transit_days(inputs.totals["lane"], 90).fill_null(
        mean_transit_days(inputs.totals["store_id"], 90)
    )
    mean_days_left = np.maximum(mean_days.to_numpy() - road, 0.0)
    unknown = np.full(len(road), np.nan)
    expected_scans = _scans_per_day(inputs).to_numpy() * road
    return pl.DataFrame(
        {
            "logistics_silence_rank": 1.0 - share_above(gap_shares(inputs), GAP_EDGES, silence),
            "logistics_scans_to_expected": np.where(
                own["is_shipped"].to_numpy() & is_waiting,
                own["logistics_count_scans"].to_numpy() - expected_scans,
                unknown,
            ),
            "logistics_lane_margin_days": np.where(
                is_waiting, to_promise - mean_days_left, unknown
            ),
            "logistics_expected_days_left": np.where(is_waiting, expected, unknown),
            "logistics_expected_late_days": np.where(is_waiting, expected - to_promise, unknown),
            "logistics_late_chance": np.where(is_waiting, late, unknown),
            "logistics_road_rank": np.where(is_waiting, 1.0 - slower, unknown),
        },
        nan_to_null=True,
    )


def _scans_per_day(inputs: FamilyInputs) -> pl.Series:
    """Scans per day in transit: the lane's scans / the transit days of its delivered parcels.

    Falls back to the carrier service and then to the store.
    """
    scans = [
        mean(inputs.totals[entity], "count_scans", "sum_transit_seconds", 90, 1.0) * SECONDS_A_DAY
        for entity in ("lane", "service", "store_id")
    ]
    return scans[0].fill_null(scans[1]).fill_null(scans[2])
