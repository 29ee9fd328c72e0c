"""Logistics family: where the parcel is against what was promised and against what its lane usually needs."""

from __future__ import annotations

import polars as pl

from features.asof import ROW_KEY, latest_fact, visible_facts
from features.clock import days_between
from features.feature import LOW, Feature
from features.history import View, dispute_share, late_share, mean_handling_days, mean_transit_days
from features.stage import STAGES

FEATURES = [
    Feature("logistics_stage", "0 before shipment, 1 dispatch, 2 in transit, 3 delivered",
            "each stage has its own reasons to complain"),
    Feature("logistics_days_to_promise", "days, negative when overdue",
            "buyers start to complain when the promised day passes", "{value:.0f} days left to the promised day",
            "{value:.0f} days past the promised day", LOW),
    Feature("logistics_days_to_ship_by", "days, negative when overdue; null once shipped",
            "an order not shipped in time arrives late, or never",
            "{value:.0f} days left to ship", "{value:.0f} days past the day to ship by", LOW),
    Feature("logistics_days_in_stage", "days", "a parcel that stands still worries its buyer",
            "{value:.0f} days in this stage"),
    Feature("logistics_days_since_news", "days since hand-over or the last scan; null before",
            "silence is what makes buyers ask, then complain", "no news of the parcel for {value:.0f} days"),
    Feature("logistics_count_scans", "scans", "how well the parcel can be followed", "{value:.0f} scans so far",
            worse=LOW),
    Feature("logistics_count_exceptions", "scans", "customs, failed delivery, damage or loss was reported",
            "{value:.0f} exceptions reported by the carrier"),
    Feature("logistics_handling_days", "days", "slow dispatch uses up the promised time",
            "it took {value:.0f} days to ship"),
    Feature("logistics_delivered_late_days", "days, negative when early; null before delivery",
            "a buyer who waited longer than promised is less forgiving",
            "delivered {value:.0f} days after the promised day",
            "delivered {value:.0f} days before the promised day"),
    Feature("logistics_lane_margin_days", "days, negative when too short; null once delivered",
            "promised time left, less what this lane still usually needs",
            "{value:.0f} days to spare at this lane's usual speed",
            "at this lane's usual speed it will be {value:.0f} days late", LOW),
    Feature("lane_transit_days_90d", "days", "how long this lane takes now",
            "this lane took {value:.0f} days on average over the last 90 days"),
    Feature("lane_late_share_90d", "share of deliveries", "a slow lane makes late parcels",
            "{value:.0%} of this lane's deliveries of the last 90 days were late"),
    Feature("lane_dispute_share_90d", "share of ended orders", "trouble on a lane shows in its disputes",
            "{value:.0%} of this lane's orders that ended in the last 90 days were disputed"),
    Feature("supplier_handling_days_90d", "days", "how long this supplier takes to ship now",
            "this supplier took {value:.0f} days to ship over the last 90 days"),
    Feature("supplier_late_share_90d", "share of deliveries", "a supplier who ships late delivers late",
            "{value:.0%} of this supplier's deliveries of the last 90 days were late"),
]  # fmt: skip


def build(view: View) -> pl.DataFrame:
    """One row per spine row, in its order."""
    rows = _with_promises_and_scans(view)
    totals = view.totals
    transit = mean_transit_days(totals["lane"], 90).fill_null(mean_transit_days(totals["store_id"], 90))
    as_of = pl.col("as_of")
    is_shipped, is_delivered = pl.col("shipped_at").is_not_null(), pl.col("delivered_at").is_not_null()
    days_to_promise = days_between(as_of, pl.col("promised_at"))
    days_on_road = pl.when(is_shipped).then(days_between(pl.col("shipped_at"), as_of)).otherwise(0.0)
    still_needed = pl.max_horizontal(pl.lit(transit) - days_on_road, pl.lit(0.0))
    since = pl.coalesce("delivered_at", "moving_at", "handed_over_at", "placed_at")
    return rows.select(
        logistics_stage=pl.col("stage").replace_strict({s: i for i, s in enumerate(STAGES)}, return_dtype=pl.Float64),
        logistics_days_to_promise=days_to_promise,
        logistics_days_to_ship_by=pl.when(~is_shipped).then(days_between(as_of, pl.col("ship_by_at"))),
        logistics_days_in_stage=days_between(since, as_of),
        logistics_days_since_news=days_between(pl.max_horizontal("last_scan_at", "shipped_at"), as_of),
        logistics_count_scans=pl.col("count_scans").fill_null(0.0),
        logistics_count_exceptions=pl.col("count_exceptions").fill_null(0.0),
        logistics_handling_days=days_between(pl.col("placed_at"), pl.col("shipped_at")),
        logistics_delivered_late_days=days_between(pl.col("promised_at"), pl.col("delivered_at")),
        logistics_lane_margin_days=pl.when(~is_delivered).then(days_to_promise - still_needed),
        lane_transit_days_90d=transit,
        lane_late_share_90d=late_share(view, "lane", 90),
        lane_dispute_share_90d=dispute_share(view, ["lane", "store_id"], 90),
        supplier_handling_days_90d=mean_handling_days(totals["supplier_id"], 90),
        supplier_late_share_90d=late_share(view, "supplier_id", 90),
    )


def _with_promises_and_scans(view: View) -> pl.DataFrame:
    rows, promises = view.rows, view.tables["promises"]
    for kind, name in (("delivery", "promised_at"), ("dispatch", "ship_by_at")):
        fact = latest_fact(rows, promises.filter(pl.col("kind") == kind), ["promised_at"])
        fact = fact.rename({"promised_at": name})
        rows = rows.join(fact, on=ROW_KEY, how="left", maintain_order="left")
    is_exception = pl.col("status").is_in(["Exception", "DeliveryFailure", "Expired"])
    scans = (
        visible_facts(rows, view.tables["tracking"])
        .group_by(ROW_KEY)
        .agg(
            last_scan_at=pl.col("occurred_at").max(),
            count_scans=pl.len().cast(pl.Float64),
            count_exceptions=is_exception.sum().cast(pl.Float64),
        )
    )
    return rows.join(scans, on=ROW_KEY, how="left", maintain_order="left").with_columns(
        shipped_at=pl.min_horizontal("handed_over_at", "moving_at", "delivered_at")
    )
