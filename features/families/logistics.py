"""Logistics family: where the parcel is against what was promised and against what its lane usually
needs."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.asof import ROW_KEY, visible_facts
from features.clock import days_between
from features.families.lane import gap_shares, transit_shares
from features.feature import LOW, Feature
from features.stage import STAGES
from features.totals.family_inputs import FamilyInputs
from features.totals.order_facts import GAP_EDGES, TRANSIT_EDGES
from features.totals.smoothing import (
    mean,
    mean_handling_days,
    mean_transit_days,
    quantile,
    share_above,
)

FEATURES = [
    Feature(
        "logistics_stage",
        "0 before shipment, 1 dispatch, 2 in transit, 3 delivered",
        "each stage has its own reasons to complain",
    ),
    Feature(
        "logistics_days_to_promise",
        "days, negative when overdue",
        "buyers start to complain when the promised day passes",
        "{value:.0f} days left to the promised day",
        "{value:.0f} days past the promised day",
        LOW,
    ),
    Feature(
        "logistics_days_to_ship_by",
        "days, negative when overdue; null once shipped",
        "an order not shipped in time arrives late, or never",
        "{value:.0f} days left to ship",
        "{value:.0f} days past the day to ship by",
        LOW,
        theme="dispatch",
    ),
    Feature(
        "logistics_days_in_stage",
        "days",
        "a parcel that stands still worries its buyer",
        "{value:.0f} days in this stage",
    ),
    Feature(
        "logistics_days_since_news",
        "days since hand-over or the last scan; null before",
        "silence is what makes buyers ask, then complain",
        "no news of the parcel for {value:.0f} days",
    ),
    Feature(
        "logistics_silence_rank",
        "share of the lane's gaps between scans that were shorter; null without news",
        "a lane that is always silent means less by it",
        "silent for longer than {value:.0%} of this lane's waits between scans",
    ),
    Feature(
        "logistics_count_scans",
        "scans",
        "how well the parcel can be followed",
        "{value:.0f} scans so far",
        worse=LOW,
    ),
    Feature(
        "logistics_scans_to_expected",
        "scans less what the lane shows by this day; null before hand-over",
        "fewer scans than usual: stuck, or never handed over",
        "{value:.0f} scans more than usual by this day",
        "{value:.0f} scans fewer than usual by this day",
        LOW,
        norm=0.0,
    ),
    Feature(
        "logistics_milestone",
        "0 none, 1 told, 2 accepted, 3 left, 4 arrived, 5 released, 6 out for delivery",
        "how far the parcel has come",
    ),
    Feature(
        "logistics_days_since_milestone",
        "days; null before the first",
        "moving scans that lead nowhere",
        "no step forward for {value:.0f} days",
    ),
    Feature(
        "logistics_is_held",
        "1 if customs asked for information and has not released it, else 0",
        "the buyer may be asked for papers or duty",
        "customs holds the parcel",
        norm=0.0,
    ),
    Feature(
        "logistics_is_waiting_for_pickup",
        "1 if it waits at a pick-up point, else 0",
        "a parcel not fetched goes back",
        "the parcel waits to be fetched",
        norm=0.0,
    ),
    Feature(
        "logistics_count_failed_deliveries",
        "scans",
        "nobody at home, wrong address",
        "failed deliveries: {value:.0f}",
    ),
    Feature(
        "logistics_count_exceptions",
        "scans",
        "customs, failed delivery, damage or loss was reported",
        "{value:.0f} exceptions reported by the carrier",
    ),
    Feature(
        "logistics_handling_days",
        "days",
        "slow dispatch uses up the promised time",
        "it took {value:.0f} days to ship",
        theme="dispatch",
    ),
    Feature(
        "logistics_handling_margin_days",
        "days from hand-over to the day to ship by, negative when late",
        "a late hand-over makes a late delivery",
        "handed over {value:.0f} days before the day to ship by",
        "handed over {value:.0f} days after the day to ship by",
        LOW,
        theme="dispatch",
    ),
    Feature(
        "logistics_handling_to_usual",
        "days waited, or taken, to ship beside the supplier's mean; 1 is usual",
        "an order that waits longer than others is stuck",
        "handling takes {value:.1f} times as long as usual",
        theme="dispatch",
        norm=1.0,
    ),
    Feature(
        "logistics_delivered_late_days",
        "days, negative when early; null before delivery",
        "a buyer who waited longer than promised is less forgiving",
        "delivered {value:.0f} days after the promised day",
        "delivered {value:.0f} days before the promised day",
    ),
    Feature(
        "logistics_lane_margin_days",
        "days, negative when too short; null once delivered",
        "promised time left, less what this lane still usually needs",
        "{value:.0f} days to spare at this lane's usual speed",
        "at this lane's usual speed it will be {value:.0f} days late",
        LOW,
    ),
    Feature(
        "logistics_expected_days_left",
        "days, middle of the lane's parcels as old as this; null once delivered",
        "when it will be there",
        "about {value:.0f} days to go, as parcels of this age on this lane have it",
    ),
    Feature(
        "logistics_expected_late_days",
        "days, negative when in time; null once delivered",
        "the expected arrival beside the promise",
        "expected {value:.0f} days after the promised day",
        "expected {value:.0f} days before the promised day",
    ),
    Feature(
        "logistics_late_chance",
        "share of the lane's parcels as old as this that arrived after the promised day",
        "the chance that the promise is broken",
        "{value:.0%} of this lane's parcels as old as this one would come after its promised day",
    ),
    Feature(
        "logistics_road_rank",
        "share of the lane's parcels that were faster; null once delivered",
        "a parcel that should be there already",
        "on its way for longer than {value:.0%} of this lane's parcels take",
    ),
]
MILESTONES = {
    "InfoReceived": 1,
    "InTransit_PickedUp": 2,
    "InTransit_Departure": 3,
    "InTransit_Arrival": 4,
    "InTransit_CustomsProcessing": 4,
    "InTransit_CustomsRequiringInformation": 4,
    "InTransit_CustomsReleased": 5,
    "OutForDelivery_Other": 6,
    "AvailableForPickup_Other": 6,
    "Delivered_Other": 6,
}


def build(view: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    rows = view.rows.join(_scans(view), on=ROW_KEY, how="left", maintain_order="left").with_columns(
        shipped_at=pl.min_horizontal("handed_over_at", "moving_at", "delivered_at"),
        usual_handling=_usual_handling(view),
    )
    as_of = pl.col("as_of")
    is_shipped = pl.col("shipped_at").is_not_null()
    since = pl.coalesce("delivered_at", "moving_at", "handed_over_at", "placed_at")
    waited = days_between(pl.col("placed_at"), pl.coalesce("shipped_at", "as_of"))
    own = rows.select(
        logistics_stage=pl.col("stage").replace_strict(
            {s: i for i, s in enumerate(STAGES)}, return_dtype=pl.Float64
        ),
        logistics_days_to_promise="days_to_promise",
        logistics_days_to_ship_by=pl.when(~is_shipped).then(
            days_between(as_of, pl.col("ship_by_at"))
        ),
        logistics_days_in_stage=days_between(since, as_of),
        logistics_days_since_news=days_between(
            pl.max_horizontal("last_scan_at", "shipped_at"), as_of
        ),
        logistics_count_scans=pl.col("count_scans").fill_null(0.0),
        logistics_milestone=pl.col("milestone").fill_null(0.0),
        logistics_days_since_milestone=days_between(pl.col("milestone_at"), as_of),
        logistics_is_held=pl.col("is_held").fill_null(0.0),
        logistics_is_waiting_for_pickup=pl.col("is_waiting").fill_null(0.0),
        logistics_count_failed_deliveries=pl.col("count_failed").fill_null(0.0),
        logistics_count_exceptions=pl.col("count_exceptions").fill_null(0.0),
        logistics_handling_days=days_between(pl.col("placed_at"), pl.col("shipped_at")),
        logistics_handling_margin_days=days_between(pl.col("shipped_at"), pl.col("ship_by_at")),
        logistics_handling_to_usual=pl.when(pl.col("usual_handling") > 0).then(
            waited / pl.col("usual_handling")
        ),
        logistics_delivered_late_days=days_between(pl.col("promised_at"), pl.col("delivered_at")),
        road_days=pl.when(is_shipped)
        .then(days_between(pl.col("shipped_at"), as_of))
        .otherwise(0.0),
        is_waiting=pl.col("delivered_at").is_null(),
        is_shipped=is_shipped,
    )
    return pl.concat([own, _beside_the_lane(view, own)], how="horizontal").select(
        f.name for f in FEATURES
    )


def _scans(view: FamilyInputs) -> pl.DataFrame:
    """One row per spine row with a visible scan: how many, the last, the furthest milestone and
    when it was reached."""
    status, sub = pl.col("status"), pl.col("sub_status")
    at = pl.col("occurred_at")
    level = pl.coalesce(
        sub.replace_strict(MILESTONES, default=None), status.replace_strict(MILESTONES, default=0)
    )
    held_at = at.filter(sub == "InTransit_CustomsRequiringInformation").max()
    waits_at = at.filter(status == "AvailableForPickup").max()
    seen = visible_facts(view.rows, view.tables["tracking"]).with_columns(
        level=level.cast(pl.Float64)
    )
    # a scan told twice is one scan
    seen = seen.unique([*ROW_KEY, "status", "sub_status", "occurred_at"], maintain_order=False)
    return seen.group_by(ROW_KEY).agg(
        last_scan_at=at.max(),
        count_scans=pl.len().cast(pl.Float64),
        count_exceptions=status.is_in(["Exception", "DeliveryFailure", "Expired"])
        .sum()
        .cast(pl.Float64),
        count_failed=(status == "DeliveryFailure").sum().cast(pl.Float64),
        milestone=pl.col("level").max(),
        milestone_at=at.filter(pl.col("level") == pl.col("level").max()).min(),
        is_held=(held_at.is_not_null() & (pl.col("level").max() < 5)).cast(pl.Float64),
        is_waiting=(waits_at.is_not_null() & (status != "Delivered").all()).cast(pl.Float64),
    )


def _usual_handling(view: FamilyInputs) -> pl.Series:
    supplier, store = view.totals["supplier_id"], view.totals["store_id"]
    return mean_handling_days(supplier, 90).fill_null(mean_handling_days(store, 90))


def _beside_the_lane(view: FamilyInputs, own: pl.DataFrame) -> pl.DataFrame:
    """What the lane's other parcels say of one that has been on the road so long, silent so long,
    scanned so often.

    The remaining time of a parcel as old as `a` has the lane's transit times above `a` as its
    spread.
    """
    road, is_waiting = own["road_days"].to_numpy(), own["is_waiting"].to_numpy()
    left = own["logistics_days_to_promise"].to_numpy()
    transit = transit_shares(view)
    longer = share_above(transit, TRANSIT_EDGES, road)
    with np.errstate(invalid="ignore", divide="ignore"):
        late = share_above(transit, TRANSIT_EDGES, np.maximum(road + left, road)) / longer
    # no parcel of the lane was ever as old: it counts as late
    late = np.where(longer <= 1e-9, 1.0, late)
    expected = quantile(transit, TRANSIT_EDGES, np.minimum(1.0 - 0.5 * longer, 1.0 - 1e-9)) - road
    expected = np.maximum(expected, 0.0)
    silence = own["logistics_days_since_news"].to_numpy()
    mean_days = mean_transit_days(view.totals["lane"], 90).fill_null(
        mean_transit_days(view.totals["store_id"], 90)
    )
    still = np.maximum(mean_days.to_numpy() - road, 0.0)
    nothing = np.full(len(road), np.nan)
    shown = _scans_a_day(view).to_numpy() * road
    return pl.DataFrame(
        {
            "logistics_silence_rank": 1.0 - share_above(gap_shares(view), GAP_EDGES, silence),
            "logistics_scans_to_expected": np.where(
                own["is_shipped"].to_numpy() & is_waiting,
                own["logistics_count_scans"].to_numpy() - shown,
                nothing,
            ),
            "logistics_lane_margin_days": np.where(is_waiting, left - still, nothing),
            "logistics_expected_days_left": np.where(is_waiting, expected, nothing),
            "logistics_expected_late_days": np.where(is_waiting, expected - left, nothing),
            "logistics_late_chance": np.where(is_waiting, late, nothing),
            "logistics_road_rank": np.where(is_waiting, 1.0 - longer, nothing),
        },
        nan_to_null=True,
    )


def _scans_a_day(view: FamilyInputs) -> pl.Series:
    """Scans a day on the road: the lane's scans over the days its delivered parcels took."""
    scans = [
        mean(view.totals[entity], "count_scans", "sum_transit_seconds", 90, 1.0) * 86_400.0
        for entity in ("lane", "service", "store_id")
    ]
    return scans[0].fill_null(scans[1]).fill_null(scans[2])
