"""Where an order is on its way: before_shipment | dispatch | in_transit | delivered."""

from __future__ import annotations

import polars as pl

from features.asof import ROW_KEY, visible_facts
from features.clock import days_between
from features.tables import Tables

STAGES = ("before_shipment", "dispatch", "in_transit", "delivered")

# A parcel handed over is still "at dispatch" until the carrier's first scan on the road or, where a
# carrier's scans do not reach us, for three days: sellers are advised to act when 48-72 hours bring
# no first scan.
DISPATCH_DAYS = 3
NOT_YET_MOVING = ["NotFound", "InfoReceived"]


def build_stages(tables: Tables, spine: pl.DataFrame) -> pl.DataFrame:
    """One row per spine row: `stage`, `stage_since` and the instants of the visible milestones
    behind it (UTC)."""
    handed_over = _first(spine, tables["shipments"], "handed_over_at")
    status = pl.col("status")
    moving = tables["tracking"].filter(~status.is_in([*NOT_YET_MOVING, "Delivered"]))
    delivered = tables["tracking"].filter(status == "Delivered")
    rows = spine
    for milestone in (
        handed_over,
        _first(spine, moving, "moving_at"),
        _first(spine, delivered, "delivered_at"),
    ):
        rows = rows.join(milestone, on=ROW_KEY, how="left", maintain_order="left")
    days_since_hand_over = days_between(pl.col("handed_over_at"), pl.col("as_of"))
    is_moving = pl.col("moving_at").is_not_null() | (days_since_hand_over > DISPATCH_DAYS)
    stage = (
        pl.when(pl.col("delivered_at").is_not_null())
        .then(pl.lit("delivered"))
        .when(is_moving)
        .then(pl.lit("in_transit"))
        .when(pl.col("handed_over_at").is_not_null())
        .then(pl.lit("dispatch"))
        .otherwise(pl.lit("before_shipment"))
    )
    return rows.with_columns(stage=stage)


def _first(spine: pl.DataFrame, facts: pl.DataFrame, name: str) -> pl.DataFrame:
    return (
        visible_facts(spine, facts).group_by(ROW_KEY).agg(pl.col("occurred_at").min().alias(name))
    )
