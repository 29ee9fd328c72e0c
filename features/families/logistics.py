"""Logistics family: the parcel's progress compared with its promise and with its lane."""

from __future__ import annotations

import polars as pl

from features.asof import ROW_KEY
from features.clock import days_between
from features.families.parcel_progress import compare_with_lane, parcel_scans, usual_handling_days
from features.feature import LOW, Feature
from features.stage import STAGES, UNKNOWN
from features.totals.family_inputs import FamilyInputs

FEATURES = [
    Feature(
        "logistics_stage",
        "0 before shipment, 1 dispatch, 2 in transit, 3 delivered; null if unknown",
        "each stage has its own reasons to complain",
    ),
    Feature(
        "logistics_days_to_promise",
        "days, negative when overdue",
        "buyers start to complain when the promised day passes",
        "{value:.0f} day(s) left until the promised day",
        "{value:.0f} day(s) past the promised day",
        LOW,
    ),
    Feature(
        "logistics_days_to_ship_by",
        "days, negative when overdue; null once shipped, or if the stage is unknown",
        "an order not shipped in time arrives late, or never",
        "{value:.0f} day(s) left to ship",
        "{value:.0f} day(s) past the shipping deadline",
        LOW,
        theme="dispatch",
    ),
    Feature(
        "logistics_days_in_stage",
        "days",
        "a parcel that does not move worries its buyer",
        "{value:.0f} day(s) in this stage",
    ),
    Feature(
        "logistics_days_since_news",
        "days since hand-over or the last scan; null before",
        "without news, buyers first ask and then complain",
        "no news of the parcel for {value:.0f} day(s)",
    ),
    Feature(
        "logistics_silence_rank",
        "share of the lane's gaps between scans that were shorter; null without news",
        "on a lane with few scans, silence means less",
        "no scan for longer than {value:.0%} of the gaps between scans on this lane",
    ),
    Feature(
        "logistics_count_scans",
        "scans",
        "how well the parcel can be followed",
        "{value:.0f} scan(s) so far",
        worse=LOW,
    ),
    Feature(
        "logistics_scans_to_expected",
        "scans minus the lane's usual number by this day; null before hand-over",
        "fewer scans than usual: stuck, or never handed over",
        "{value:.0f} scan(s) more than usual at this point",
        "{value:.0f} scan(s) fewer than usual at this point",
        LOW,
        norm=0.0,
    ),
    Feature(
        "logistics_milestone",
        "0 none, 1 announced, 2 accepted, 3 left, 4 arrived, 5 released, 6 out for delivery",
        "how far the parcel has come",
    ),
    Feature(
        "logistics_days_since_milestone",
        "days; null before the first",
        "a parcel can be scanned without moving forward",
        "the parcel has not moved forward for {value:.0f} day(s)",
    ),
    Feature(
        "logistics_is_held",
        "1 if customs asked for information and has not released it, else 0",
        "the buyer may be asked for papers or duty",
        "customs is holding the parcel",
        norm=0.0,
    ),
    Feature(
        "logistics_is_waiting_for_pickup",
        "1 if it waits at a pick-up point, else 0",
        "a parcel that is not picked up goes back",
        "the parcel is waiting to be picked up",
        norm=0.0,
    ),
    Feature(
        "logistics_count_failed_deliveries",
        "scans",
        "no one was at home, or the address is wrong",
        "failed delivery attempts: {value:.0f}",
    ),
    Feature(
        "logistics_count_exceptions",
        "scans",
        "customs trouble, failed delivery, damage or loss",
        "the carrier reported {value:.0f} exception(s)",
    ),
    Feature(
        "logistics_handling_days",
        "days",
        "slow dispatch uses up the promised time",
        "the order took {value:.0f} day(s) to ship",
        theme="dispatch",
    ),
    Feature(
        "logistics_handling_margin_days",
        "days from hand-over to the shipping deadline, negative when late",
        "a late hand-over makes a late delivery",
        "handed over {value:.0f} day(s) before the shipping deadline",
        "handed over {value:.0f} day(s) after the shipping deadline",
        LOW,
        theme="dispatch",
    ),
    Feature(
        "logistics_handling_to_usual",
        "days to ship, so far or in all / the supplier's mean; 1 is usual",
        "an order that waits longer than others is stuck",
        "handling takes {value:.1f} time(s) as long as usual",
        theme="dispatch",
        norm=1.0,
    ),
    Feature(
        "logistics_delivered_late_days",
        "days, negative when early; null before delivery",
        "a buyer who waited longer than promised is less forgiving",
        "delivered {value:.0f} day(s) after the promised day",
        "delivered {value:.0f} day(s) before the promised day",
    ),
    Feature(
        "logistics_lane_margin_days",
        "days, negative when too short; null once delivered",
        "time left until the promise, minus the time this lane usually needs",
        "{value:.0f} day(s) to spare at this lane's usual speed",
        "at this lane's usual speed the parcel will be {value:.0f} day(s) late",
        LOW,
    ),
    Feature(
        "logistics_expected_days_left",
        "days, median of the lane's parcels of this age; null once delivered",
        "when the parcel will arrive",
        "about {value:.0f} day(s) to delivery, judging by parcels of this age on this lane",
    ),
    Feature(
        "logistics_expected_late_days",
        "days, negative when in time; null once delivered",
        "the expected arrival compared with the promise",
        "expected to arrive {value:.0f} day(s) after the promised day",
        "expected to arrive {value:.0f} day(s) before the promised day",
    ),
    Feature(
        "logistics_late_chance",
        "share of the lane's parcels of this age that arrive after the promised day",
        "the probability that the promise is broken",
        "{value:.0%} of parcels of this age on this lane would arrive after the promised day",
        is_monotone=True,
    ),
    Feature(
        "logistics_road_rank",
        "share of the lane's parcels that were faster; null once delivered",
        "the parcel should have arrived already",
        "in transit longer than {value:.0%} of parcels on this lane",
    ),
]


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    rows = inputs.rows.join(parcel_scans(inputs), on=ROW_KEY, how="left", maintain_order="left")
    rows = rows.with_columns(
        shipped_at=pl.min_horizontal("handed_over_at", "moving_at", "delivered_at"),
        usual_handling=usual_handling_days(inputs),
    )
    own = _own_features(rows)
    return pl.concat([own, compare_with_lane(inputs, own)], how="horizontal").select(
        f.name for f in FEATURES
    )


def _own_features(rows: pl.DataFrame) -> pl.DataFrame:
    """The features of the parcel itself, and the columns that `compare_with_lane` needs."""
    as_of = pl.col("as_of")
    is_shipped = pl.col("shipped_at").is_not_null()
    stage_since = pl.coalesce("delivered_at", "moving_at", "handed_over_at", "placed_at")
    handling = days_between(pl.col("placed_at"), pl.coalesce("shipped_at", "as_of"))
    # without shipments on record an order may have left: nothing is known of its way
    is_unsent = ~is_shipped & (pl.col("stage") != UNKNOWN)
    return rows.select(
        logistics_stage=pl.col("stage").replace_strict(
            {s: i for i, s in enumerate(STAGES)}, default=None, return_dtype=pl.Float64
        ),
        logistics_days_to_promise="days_to_promise",
        logistics_days_to_ship_by=pl.when(is_unsent).then(
            days_between(as_of, pl.col("ship_by_at"))
        ),
        logistics_days_in_stage=pl.when(is_shipped | is_unsent).then(
            days_between(stage_since, as_of)
        ),
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
        logistics_handling_to_usual=pl.when(
            (pl.col("usual_handling") > 0) & (is_shipped | is_unsent)
        ).then(handling / pl.col("usual_handling")),
        logistics_delivered_late_days=days_between(pl.col("promised_at"), pl.col("delivered_at")),
        road_days=pl.when(is_shipped)
        .then(days_between(pl.col("shipped_at"), as_of))
        .when(is_unsent)
        .then(0.0),
        is_waiting=pl.col("delivered_at").is_null(),
        is_shipped=is_shipped,
    )
